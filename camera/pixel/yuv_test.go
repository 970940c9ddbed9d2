package pixel

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"testing"
)

// yuvLayouts packs one picture of planes in every layout that YUV takes, rows
// stride bytes apart and what lies between filled with noise.
var yuvLayouts = map[string]struct {
	ratio image.YCbCrSubsampleRatio
	pack  func(p *image.YCbCr, stride int) []byte
	read  func(c *YUV, dst *RGB, src []byte, width, height, stride int) error
	bytes int // a row of two pixels
}{
	"YUYV": {image.YCbCrSubsampleRatio422, func(p *image.YCbCr, stride int) []byte { return packPairs(p, stride, 0) }, (*YUV).YUYV, 4},
	"UYVY": {image.YCbCrSubsampleRatio422, func(p *image.YCbCr, stride int) []byte { return packPairs(p, stride, 1) }, (*YUV).UYVY, 4},
	"I420": {image.YCbCrSubsampleRatio420, func(p *image.YCbCr, stride int) []byte {
		data := packRows(nil, p.Y, p.YStride, p.Rect.Dx(), stride)
		data = packRows(data, p.Cb, p.CStride, p.CStride, (stride+1)/2)
		return packRows(data, p.Cr, p.CStride, p.CStride, (stride+1)/2)
	}, (*YUV).I420, 2},
	"NV12": {image.YCbCrSubsampleRatio420, func(p *image.YCbCr, stride int) []byte {
		data := packRows(nil, p.Y, p.YStride, p.Rect.Dx(), stride)
		pairs := make([]byte, 2*len(p.Cb))
		for i := range p.Cb {
			pairs[2*i], pairs[2*i+1] = p.Cb[i], p.Cr[i]
		}
		return packRows(data, pairs, 2*p.CStride, 2*p.CStride, max(stride, 2*p.CStride))
	}, (*YUV).NV12, 2},
}

func packRows(data, plane []byte, from, n, stride int) []byte {
	for at := 0; at+n <= len(plane); at += from {
		data = append(data, plane[at:at+n]...)
		for range stride - n {
			data = append(data, byte(rand.Uint32()))
		}
	}
	return data
}

func packPairs(p *image.YCbCr, stride, luma int) []byte {
	width, half := p.Rect.Dx(), p.CStride
	row, rows := make([]byte, 4*half), []byte(nil)
	for y := range p.Rect.Dy() {
		for i := range half {
			q := row[4*i:][:4]
			q[luma] = p.Y[y*p.YStride+2*i]
			q[luma+2] = p.Y[y*p.YStride+min(2*i+1, width-1)]
			q[1-luma], q[3-luma] = p.Cb[y*p.CStride+i], p.Cr[y*p.CStride+i]
		}
		rows = packRows(rows, row, 4*half, 4*half, stride)
	}
	return rows
}

func noisePlanes(width, height int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			plane[i] = byte(rand.Uint32())
		}
	}
	return p
}

// A frame from a camera has the colours that a JPEG file of the same values has.
func TestYUVAgreesWithDecode(t *testing.T) {
	for name, layout := range yuvLayouts {
		t.Run(name, func(t *testing.T) {
			var c YUV // one for all sizes: what a larger frame left must not show
			c.Matrix = JFIF
			dst := NewRGB(1, 1)
			for _, size := range [][2]int{{64, 48}, {1, 1}, {2, 2}, {3, 3}, {7, 2}, {2, 7}, {1, 8}, {33, 17}} {
				width, height := size[0], size[1]
				p := noisePlanes(width, height, layout.ratio)
				want := new(RGB)
				if err := render(want, p, jfif, 1); err != nil {
					t.Fatal(err)
				}
				least := (width + 1) / 2 * layout.bytes
				if layout.bytes == 2 {
					least = width
				}
				for _, stride := range []int{0, least, least + 2, least + 32} {
					src := layout.pack(p, max(stride, least))
					if err := layout.read(&c, dst, src, width, height, stride); err != nil {
						t.Fatalf("%dx%d, stride %d: %v", width, height, stride, err)
					}
					if dst.Width != width || dst.Height != height || !bytes.Equal(dst.Pix, want.Pix) {
						t.Errorf("%dx%d, stride %d: not the colours of a JPEG with these values", width, height, stride)
					}
				}
			}
		})
	}
}

// Values from the tables of BT.601 and BT.709: 100 % bars in 8 bits.
func TestYUVMatrices(t *testing.T) {
	for _, c := range []struct {
		name      string
		matrix    Matrix
		y, cb, cr byte
		want      [3]byte
	}{
		{"601 white", BT601, 235, 128, 128, [3]byte{255, 255, 255}},
		{"601 black", BT601, 16, 128, 128, [3]byte{0, 0, 0}},
		{"601 red", BT601, 81, 90, 240, [3]byte{255, 0, 0}},
		{"601 green", BT601, 145, 54, 34, [3]byte{0, 255, 0}},
		{"601 blue", BT601, 41, 240, 110, [3]byte{0, 0, 255}},
		{"709 white", BT709, 235, 128, 128, [3]byte{255, 255, 255}},
		{"709 red", BT709, 63, 102, 240, [3]byte{255, 0, 0}},
		{"709 green", BT709, 173, 42, 26, [3]byte{0, 255, 0}},
		{"709 blue", BT709, 32, 240, 118, [3]byte{0, 0, 255}},
		{"jfif red", JFIF, 76, 85, 255, [3]byte{255, 0, 0}},
	} {
		dst := NewRGB(0, 0)
		v := YUV{Matrix: c.matrix}
		if err := v.YUYV(dst, []byte{c.y, c.cb, c.y, c.cr}, 2, 1, 0); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if got := dst.Pix[i]; max(got, want)-min(got, want) > 2 {
				t.Errorf("%s: %v, want %v", c.name, dst.Pix[:3], c.want)
				break
			}
		}
	}
}

func TestYUVRefuses(t *testing.T) {
	dst := NewRGB(2, 2)
	dst.Pix[0] = 7
	for name, layout := range yuvLayouts {
		p := noisePlanes(5, 3, layout.ratio)
		least := 3 * layout.bytes
		if layout.bytes == 2 {
			least = 5
		}
		src := layout.pack(p, least)
		var c YUV
		for what, err := range map[string]struct {
			got  error
			want error
		}{
			"one byte short": {layout.read(&c, dst, src[:len(src)-1], 5, 3, 0), ErrTruncated},
			"nothing":        {layout.read(&c, dst, nil, 5, 3, 0), ErrTruncated},
			"no width":       {layout.read(&c, dst, src, 0, 3, 0), ErrCorrupt},
			"negative":       {layout.read(&c, dst, src, 5, -1, 0), ErrCorrupt},
			"huge":           {layout.read(&c, dst, src, 1<<40, 1<<40, 0), ErrCorrupt},
			"small stride":   {layout.read(&c, dst, src, 5, 3, least-1), ErrCorrupt},
			"huge stride":    {layout.read(&c, dst, src, 5, 3, 1<<62), ErrCorrupt},
		} {
			if !errors.Is(err.got, err.want) {
				t.Errorf("%s, %s: %v, want %v", name, what, err.got, err.want)
			}
		}
	}
	if dst.Width != 2 || dst.Pix[0] != 7 {
		t.Error("a refused frame changed the picture")
	}
}

func TestGrey(t *testing.T) {
	dst := NewRGB(0, 0)
	var c YUV
	if err := c.Grey(dst, []byte{1, 2, 9, 3, 4}, 2, 2, 3); err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}; !bytes.Equal(dst.Pix, want) {
		t.Errorf("%v, want %v", dst.Pix, want)
	}
}

func TestFramesOfRGB(t *testing.T) {
	dst := NewRGB(0, 0)
	var c YUV
	if err := c.RGB(dst, []byte{1, 2, 3, 9, 9, 4, 5, 6}, 1, 2, 5); err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 2, 3, 4, 5, 6}; !bytes.Equal(dst.Pix, want) {
		t.Errorf("%v, want %v", dst.Pix, want)
	}
}

func TestYUVAllocatesOnce(t *testing.T) {
	var c YUV
	dst := NewRGB(64, 48)
	src := make([]byte, 64*48*2)
	if n := testing.AllocsPerRun(20, func() {
		if c.YUYV(dst, src, 64, 48, 0) != nil || c.I420(dst, src, 64, 48, 0) != nil || c.NV12(dst, src, 64, 48, 0) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func FuzzYUV(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 0)
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 3, 1, 4)
	f.Fuzz(func(t *testing.T, src []byte, width, height, stride int) {
		var c YUV
		for name, layout := range yuvLayouts {
			dst := new(RGB)
			if err := layout.read(&c, dst, src, width, height, stride); err == nil && len(dst.Pix) != 3*width*height {
				t.Errorf("%s: %d bytes of a picture of %dx%d", name, len(dst.Pix), width, height)
			}
		}
	})
}

func BenchmarkYUYV(b *testing.B) {
	var c YUV
	dst, src := NewRGB(0, 0), make([]byte, 1280*720*2)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.YUYV(dst, src, 1280, 720, 0); err != nil {
			b.Fatal(err)
		}
	}
}
