package pipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// format is a way to send frames without anything around them.
type format struct {
	name   string
	fourCC string // as in camera.Info
	// size is how many bytes a frame has. Nil: the frames say it themselves.
	size func(width, height int) int
	// convert writes a frame of that many bytes into dst.
	convert func(yuv *pixel.YUV, dst *pixel.RGB, src []byte, width, height int) error
}

// half is how many pairs n pixels make, the last one perhaps alone.
func half(n int) int { return (n + 1) / 2 }

func packedSize(width, height int) int { return 4 * half(width) * height }
func planarSize(width, height int) int { return width*height + 2*half(width)*half(height) }

// formats are named as ffmpeg names them, or shorter.
var formats = []format{
	{name: "mjpeg", fourCC: "MJPG"},
	{"rgb24", "RGB3", func(w, h int) int { return 3 * w * h }, func(_ *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error {
		dst.Resize(w, h)
		copy(dst.Pix, src)
		return nil
	}},
	{"bgr24", "BGR3", func(w, h int) int { return 3 * w * h }, func(_ *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error {
		dst.Resize(w, h)
		for i := 0; i+2 < len(dst.Pix); i += 3 {
			s, d := src[i:][:3], dst.Pix[i:][:3]
			d[0], d[1], d[2] = s[2], s[1], s[0]
		}
		return nil
	}},
	{"yuyv", "YUYV", packedSize, func(c *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error { return c.YUYV(dst, src, w, h, 0) }},
	{"uyvy", "UYVY", packedSize, func(c *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error { return c.UYVY(dst, src, w, h, 0) }},
	{"yuv420p", "YU12", planarSize, func(c *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error { return c.I420(dst, src, w, h, 0) }},
	{"nv12", "NV12", planarSize, func(c *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error { return c.NV12(dst, src, w, h, 0) }},
	{"grey", "GREY", func(w, h int) int { return w * h }, func(c *pixel.YUV, dst *pixel.RGB, src []byte, w, h int) error { return c.Grey(dst, src, w, h, 0) }},
}

// others are further names by which people know a format.
var others = map[string]string{"yuyv422": "yuyv", "yuy2": "yuyv", "uyvy422": "uyvy", "i420": "yuv420p", "gray": "grey", "mjpg": "mjpeg"}

// Formats lists the formats.
func Formats() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// maxSide is the longest side of a frame, in pixels.
const maxSide = 1 << 14

// formatOf returns the format that the options name, or what is wrong with them.
func formatOf(o Options) (format, error) {
	name := strings.ToLower(o.Format)
	if other, ok := others[name]; ok {
		name = other
	}
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		what := fmt.Sprintf("no format is called %q", o.Format)
		if name == "" {
			what = "no format is given"
		}
		return format{}, wrong(what, "the formats are "+strings.Join(Formats(), ", "))
	}
	f := formats[i]
	if f.size == nil {
		return f, nil
	}
	switch pixels := o.Limits.OrDefault().Pixels; {
	case o.Width == 0 || o.Height == 0:
		return f, wrong(f.name+" frames do not say how large they are", "give their width and height")
	case o.Width < 0 || o.Height < 0 || o.Width > maxSide || o.Height > maxSide || int64(o.Width)*int64(o.Height) > pixels:
		return f, wrong(fmt.Sprintf("frames of %dx%d pixels", o.Width, o.Height), fmt.Sprintf("a frame has sides of at most %d and no more than %d pixels", maxSide, pixels))
	}
	return f, nil
}

// wrong returns what is wrong with the options and how it is put right.
func wrong(what, next string) error {
	return hint.Wrap(fmt.Errorf("pipe: %s: %w", what, camera.ErrBadURI), next)
}
