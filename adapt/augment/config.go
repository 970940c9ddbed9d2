// Package augment changes pictures at random for training: mirrored, cropped,
// turned, lit otherwise, blended in pairs, so that a network never sees the
// same numbers twice.
//
// A picture is decoded once and kept as a small canvas. Whatever is drawn for
// it is a pure function of the configuration, the run's seed, the epoch and
// the picture's number: the same numbers give the same picture, in any order
// and on any number of goroutines.
package augment

import (
	"fmt"

	"github.com/edge-adapt/edge/internal/hint"
)

// Config says how far pictures may be changed. Its zero value changes nothing.
// Each field is a flag of the command of the name that Validate uses.
type Config struct {
	// Flip mirrors every other picture, left to right. Not for what mirrors
	// into another class or into nothing: text, digits, arrows, plugs.
	Flip bool `json:"flip"`

	// Crop is the smallest share of a picture's area that is kept, above 0 and
	// at most 1: a window of an area between Crop and 1, of sides between 3:4
	// and 4:3 of the picture's, anywhere inside it. Zero: the whole picture.
	Crop float64 `json:"crop"`

	// Rotate is by how many degrees pictures are turned at most, either way,
	// from 0 to 180. What lies outside is a reflection. Zero: upright.
	Rotate float64 `json:"rotate"`

	// Light is how far brightness, contrast and saturation, each on its own,
	// stray from 1, from 0 up to, not including, 1. Zero: as photographed.
	Light float64 `json:"light"`

	// Erase is the largest share of the area that a grey rectangle hides, in
	// half of the pictures, from 0 up to, not including, 1. Zero: nothing.
	Erase float64 `json:"erase"`

	// Mix is the share of the pictures that are blended with another, of which
	// they keep at least one half, from 0 to 1. Zero: none.
	Mix float64 `json:"mix"`
}

// Validate returns an error that names the flag of the first field that is out
// of its range, with the range as its hint.
func (c Config) Validate() error {
	refuse := func(flag string, value float64, want string) error {
		return hint.Wrap(fmt.Errorf("--%s %v is out of range", flag, value), fmt.Sprintf("--%s takes %s", flag, want))
	}
	switch {
	case !(c.Crop >= 0 && c.Crop <= 1):
		return refuse("crop", c.Crop, "0 (the whole picture), or the smallest share of its area to keep, above 0 to 1")
	case !(c.Rotate >= 0 && c.Rotate <= 180):
		return refuse("rotate", c.Rotate, "0 (upright) to 180 degrees")
	case !(c.Light >= 0 && c.Light < 1):
		return refuse("light", c.Light, "0 (as photographed) up to, not including, 1")
	case !(c.Erase >= 0 && c.Erase < 1):
		return refuse("erase", c.Erase, "0 (nothing) up to, not including, 1")
	case !(c.Mix >= 0 && c.Mix <= 1):
		return refuse("mix", c.Mix, "0 (no blending) to 1 (every picture)")
	}
	return nil
}
