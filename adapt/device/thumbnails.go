package device

import (
	"bytes"
	"image"
	"image/jpeg"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/camera/pixel"
)

// thumbnails are the misclassified images, the worst of them with a small
// picture. A picture that cannot be read any more is left out.
func thumbnails(dir string, r *adapt.Result) []report.Mistake {
	all := report.NewMistakes(r)
	all = report.Worst(all, len(all))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all[:min(report.MistakesShown, len(all))] {
		workers.Go(func() error {
			all[i].JPEG, _ = thumbnail(filepath.Join(dir, all[i].Path))
			return nil
		})
	}
	_ = workers.Wait() // no worker returns an error
	return all
}

// thumbnailSide is the longer side of a thumbnail in pixels.
const thumbnailSide = 128

func thumbnail(path string) ([]byte, error) {
	data, err := pixel.ReadFile(path, pixel.Limits{})
	if err != nil {
		return nil, err
	}
	picture, err := pixel.Decode(data, pixel.Limits{})
	if err != nil {
		return nil, err
	}
	longer := max(picture.Width, picture.Height)
	small := pixel.Preprocessing{
		Width:  max(1, picture.Width*thumbnailSide/longer),
		Height: max(1, picture.Height*thumbnailSide/longer),
		Colour: "rgb", Scale: 1, Resize: pixel.Bilinear,
	}
	values := make([]float32, small.Len())
	if err := small.Apply(values, picture); err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rect(0, 0, small.Width, small.Height))
	for i := range small.Width * small.Height {
		for c := range 3 {
			out.Pix[4*i+c] = uint8(values[3*i+c] + 0.5)
		}
		out.Pix[4*i+3] = 255
	}
	var buf bytes.Buffer
	err = jpeg.Encode(&buf, out, &jpeg.Options{Quality: 80})
	return buf.Bytes(), err
}
