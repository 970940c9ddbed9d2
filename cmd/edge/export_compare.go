package main

import (
	"context"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite"
)

const (
	// exactly is how far scores may differ that are computed in another order.
	exactly = 1e-5
	// byByte is how far scores may differ that were rounded to a byte.
	byByte = 0.5/256 + exactly
	// rounded is how far scores may differ besides where pixels that were resampled
	// are rounded for a quantised base: what lies half-way falls either way, and old
	// bases with one scale for a whole layer make up to 0.04 of it in noise.
	rounded = 0.1

	comparedPictures = 4
)

// compare runs the exported model at path on pictures and compares its scores
// with those that edge gives for the same ones.
func (e *exporting) compare(ctx context.Context, path string, tolerance float64) error {
	it, err := tflite.Open(path, tflite.Options{})
	if err != nil {
		return fmt.Errorf("the exported model does not open: %w", err)
	}
	defer it.Close()
	in := it.Inputs()[0]
	// The real values of bytes, which Run quantises back; of a float input's, as edge makes them.
	feed := e.model.Preprocessing
	feed.Height, feed.Width = in.Shape[1], in.Shape[2]
	if q := in.Quantisation; q != nil {
		feed.Scale, feed.Offset = q.Scale, -q.Scale*float32(q.ZeroPoint)
	}
	return e.agree(ctx, feed, it.Run, tolerance)
}

// agree has run, the exported model, compute the scores of pictures, fed as feed
// says, and compares them with those of edge.
func (e *exporting) agree(ctx context.Context, feed pixel.Preprocessing, run func(scores, pixels []float32) error, tolerance float64) error {
	pixels, got := make([]float32, feed.Len()), make([]float32, len(e.model.Labels))
	for i := range comparedPictures {
		if err := ctx.Err(); err != nil {
			return err
		}
		picture := testPicture(feed.Width, feed.Height, uint64(i))
		if err := feed.Apply(pixels, picture); err != nil {
			return err
		}
		if err := run(got, pixels); err != nil {
			return fmt.Errorf("the exported model does not run: %w", err)
		}
		want, err := e.classifier.scoresOf(picture)
		if err != nil {
			return err
		}
		for j := range want {
			if d := math.Abs(float64(got[j]) - float64(want[j])); !(d <= tolerance) {
				return fmt.Errorf("the exported model gives %s a score of %g, and edge %g: nothing was written", e.model.Labels[j], got[j], want[j])
			}
		}
	}
	return nil
}

// testPicture is a picture of coloured noise over a slope, another for each seed.
func testPicture(width, height int, seed uint64) *pixel.RGB {
	random := head.NewRandom(seed, 0)
	p := &pixel.RGB{Width: width, Height: height, Pix: make([]byte, width*height*3)}
	noise := 255 * float32(seed+1) / comparedPictures
	for i := range p.Pix {
		slope := float32(i%(3*width)) / float32(3*width) * (255 - noise)
		p.Pix[i] = byte(slope + noise*random.Uniform())
	}
	return p
}
