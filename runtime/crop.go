package runtime

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Validate reports what is wrong with c.
func (c Crop) Validate() error {
	if c == (Crop{}) {
		return nil
	}
	const slack = 1e-9 // 0.7 + 0.3 is a little more than 1
	for _, v := range []float64{c.X, c.Y, c.Width, c.Height} {
		if !(v >= 0 && v <= 1) {
			return c.refuse("it holds %v", v)
		}
	}
	switch {
	case c.Width == 0 || c.Height == 0:
		return c.refuse("it is empty")
	case c.X+c.Width > 1+slack || c.Y+c.Height > 1+slack:
		return c.refuse("it reaches beyond the picture")
	}
	return nil
}

func (c Crop) refuse(format string, args ...any) error {
	return hint.Wrap(fmt.Errorf("crop x %v, y %v, width %v, height %v: %s", c.X, c.Y, c.Width, c.Height, fmt.Sprintf(format, args...)),
		"give fractions of the picture from the upper left corner, 0 to 1, such as x 0.25, y 0, width 0.5, height 1")
}

// rect is a part of a picture in pixels.
type rect struct{ x, y, width, height int }

// of returns the part of a picture of width x height pixels, at least one pixel.
func (c Crop) of(width, height int) rect {
	if c == (Crop{}) {
		return rect{0, 0, width, height}
	}
	x, w := span(c.X, c.Width, width)
	y, h := span(c.Y, c.Height, height)
	return rect{x, y, w, h}
}

// span returns where the fraction size from at on lies among n pixels.
func span(at, size float64, n int) (first, count int) {
	first = min(int(math.Round(at*float64(n))), n-1)
	end := min(int(math.Round((at+size)*float64(n))), n)
	return first, max(end-first, 1)
}

// cut returns the part r of src. Whole rows are not copied: the result then
// shares its memory with src, else it is in buffer.
func cut(buffer, src *pixel.RGB, r rect) *pixel.RGB {
	row := src.Width * 3
	if r.width == src.Width {
		if r.height == src.Height {
			return src
		}
		buffer.Pix = append(buffer.Pix[:0], src.Pix[r.y*row:][:r.height*row]...)
	} else {
		buffer.Pix = sized(buffer.Pix, r.width*r.height*3)
		for y := range r.height {
			copy(buffer.Pix[y*r.width*3:][:r.width*3], src.Pix[(r.y+y)*row+r.x*3:])
		}
	}
	buffer.Width, buffer.Height = r.width, r.height
	return buffer
}
