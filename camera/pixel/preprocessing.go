package pixel

import (
	"fmt"
	"math"
)

// Preprocessing says how a picture becomes a base's input. It travels with the
// base. Two Preprocessings that are == give the same numbers, and encoding/json
// writes them alike, so that the JSON may be hashed.
type Preprocessing struct {
	// Width and Height are the base's input, in pixels.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Colour is the channel order. Only "rgb" is known.
	Colour string `json:"colour"`
	// Scale and Offset make a number of a byte: value = byte*Scale + Offset.
	Scale  float32 `json:"scale"`
	Offset float32 `json:"offset"`
	// Resize is the rule by which the whole picture is stretched.
	Resize Resize `json:"resize"`
}

// Resize is a rule of resampling. Both rules are bilinear with half-pixel
// centres, and differ only along an axis that shrinks.
type Resize string

const (
	// Bilinear lets every stored pixel count: the tent is as wide as two target
	// pixels. Pillow's BILINEAR and tf.image.resize with antialias do the same.
	Bilinear Resize = "bilinear"
	// BilinearAliased looks at the nearest two pixels only, as tf.image.resize
	// and Keras' loaders do unless told otherwise. Fine detail turns to noise.
	BilinearAliased Resize = "bilinear-aliased"
)

// maxSide keeps a damaged manifest from asking for gigabytes.
const maxSide = 4096

// Len returns the number of values of one picture: Width*Height*3.
func (p Preprocessing) Len() int { return p.Width * p.Height * 3 }

// Validate reports the first field that Apply could not follow.
func (p Preprocessing) Validate() error {
	finite := func(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
	switch {
	case p.Width < 1 || p.Width > maxSide || p.Height < 1 || p.Height > maxSide:
		return fmt.Errorf("preprocessing: size %dx%d: want 1 to %d on each side", p.Width, p.Height, maxSide)
	case p.Colour != "rgb":
		return fmt.Errorf("preprocessing: colour %q: want %q", p.Colour, "rgb")
	case !finite(p.Scale) || p.Scale == 0:
		return fmt.Errorf("preprocessing: scale %v: want a finite number other than 0", p.Scale)
	case !finite(p.Offset):
		return fmt.Errorf("preprocessing: offset %v: want a finite number", p.Offset)
	case p.Resize != Bilinear && p.Resize != BilinearAliased:
		return fmt.Errorf("preprocessing: resize %q: want %q or %q", p.Resize, Bilinear, BilinearAliased)
	}
	return nil
}
