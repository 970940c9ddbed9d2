// Package wire reads and writes the bodies of two protocols that clients of
// classifiers speak already: TensorFlow Serving's REST API (Predict) and the
// Open Inference Protocol, version 2 (Infer).
//
// Bodies come from outside. How much memory one may ask for is checked before it
// is taken: a picture's shape is the base's, the number of pictures is bounded
// by Limits, and the rest is no longer than the body itself, whose length the
// caller bounds.
//
// Nothing here looks into encoded pictures, and nothing is ever reflected upon:
// a request of pixels is read straight into the float32 that the base reads.
package wire

import (
	"errors"
	"fmt"
	"slices"
)

// Shape is what a base reads: pictures of Height x Width pixels.
type Shape struct{ Height, Width int }

// Len returns the number of values of one picture, [Height,Width,3].
func (s Shape) Len() int { return s.Height * s.Width * 3 }

// Limits bounds a request.
type Limits struct {
	// Pictures is how many pictures one request may hold. Zero means 64.
	Pictures int
	// Pixels is how many pixels all raw RGB pictures of a request may have
	// together. Zero means 2^25.
	Pixels int64
}

func (l Limits) pictures() int {
	if l.Pictures == 0 {
		return 64
	}
	return l.Pictures
}

func (l Limits) pixels() int64 {
	if l.Pixels == 0 {
		return 1 << 25
	}
	return l.Pixels
}

// ErrTooMuch is what errors.Is finds in the refusal of a request that is beyond
// Limits.
var ErrTooMuch = errors.New("too much for one request")

func (l Limits) count(n int64) error {
	if n > int64(l.pictures()) {
		return fmt.Errorf("%d pictures are %w: at most %d", n, ErrTooMuch, l.pictures())
	}
	return nil
}

// The names of tensors, in both protocols.
const (
	Pixels  = "pixels"  // FP32 [n,H,W,3], preprocessed as the metadata says
	Image   = "image"   // UINT8 [n,h,w,3], raw RGB of any size
	Encoded = "encoded" // BYTES [n], JPEG, PNG or WebP
	Scores  = "scores"  // FP32 [n,classes]
	Label   = "label"   // BYTES [n], the likeliest class
)

// Pictures is what a request asks about: one of the three fields is set, and N
// says how many pictures it holds. The memory belongs to the request that was
// decoded, until that is decoded anew.
type Pictures struct {
	N       int
	Pixels  []float32 // [N,H,W,3]
	Image   []byte    // [N,Height,Width,3]
	Encoded [][]byte

	Height, Width int // of Image
}

// grow returns s with room for n more values and its length unchanged.
func grow[E any](s []E, n int) []E { return slices.Grow(s, n) }
