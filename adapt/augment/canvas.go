package augment

import (
	"fmt"
	"sync"

	"github.com/edge-adapt/edge/camera/pixel"
)

// NewCanvas returns the picture, black yet, that is kept for training a base
// with this preprocessing: a quarter larger than the base's input along each
// side, so that a crop of two thirds of the area is not yet enlarged. Drawn
// unchanged it is within 1 % of pixel.Preprocessing's picture on average: the
// second resampling moves edges a little. Its Pix may be replaced by any slice
// of the same length, such as a row read back.
func NewCanvas(p pixel.Preprocessing) *pixel.RGB {
	return pixel.NewRGB((p.Width*5+3)/4, (p.Height*5+3)/4)
}

// floats are the values of a canvas before they are rounded.
var floats = sync.Pool{New: func() any { return new([]float32) }}

// Paint stretches the whole of img to the size of canvas, by the rule of
// pixel.Preprocessing, and rounds to bytes. It allocates nothing once it has
// warmed up, and may be called concurrently for different canvases.
func Paint(canvas, img *pixel.RGB) error {
	p := pixel.Preprocessing{Width: canvas.Width, Height: canvas.Height, Colour: "rgb", Scale: 1, Resize: "bilinear"}
	if err := p.Validate(); err != nil {
		return err
	}
	if len(canvas.Pix) != p.Len() {
		return fmt.Errorf("augment: a canvas of %dx%d pixels in %d bytes", canvas.Width, canvas.Height, len(canvas.Pix))
	}
	values := floats.Get().(*[]float32)
	defer floats.Put(values)
	if len(*values) != p.Len() {
		*values = make([]float32, p.Len())
	}
	if err := p.Apply(*values, img); err != nil {
		return err
	}
	for i, v := range *values {
		canvas.Pix[i] = uint8(v + 0.5)
	}
	return nil
}
