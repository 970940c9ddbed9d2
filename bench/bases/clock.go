package main

import (
	"context"
	"slices"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite"
)

// rounds is how often each base is timed, in turn with the others, so that what
// else the machine does meets them alike.
const rounds = 600

// clock times one picture after the other through every base, from float pixels
// to float features, as edge runs it.
func clock(ctx context.Context, bases []*measured) error {
	for i := range bases[0].times {
		if err := clockWith(ctx, bases, i); err != nil {
			return err
		}
	}
	return nil
}

// clockWith fills in times[i], which is with i+1 threads.
func clockWith(ctx context.Context, bases []*measured, i int) error {
	var models []*tflite.Base
	for _, b := range bases {
		model, err := tflite.OpenBase(b.source.Path, tflite.Options{Threads: i + 1})
		if err != nil {
			return err
		}
		defer model.Close() //nolint:errcheck // it was only read from
		models = append(models, model)
	}
	for range rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		for n, b := range bases {
			took, err := once(models[n], picture(b.source.Preprocessing), make([]float32, b.source.Features))
			if err != nil {
				return err
			}
			b.times[i] = append(b.times[i], took)
		}
	}
	for _, b := range bases {
		slices.Sort(b.times[i])
	}
	return nil
}

// once is how many milliseconds a picture takes; a run before it brings the base
// back into the processor's caches, which the others have filled.
func once(model *tflite.Base, pixels, features []float32) (float64, error) {
	if err := model.Embed(features, pixels); err != nil {
		return 0, err
	}
	start := time.Now()
	err := model.Embed(features, pixels)
	return float64(time.Since(start).Nanoseconds()) / 1e6, err
}

// picture is one of all colours.
func picture(p pixel.Preprocessing) []float32 {
	pixels := make([]float32, p.Len())
	for i := range pixels {
		pixels[i] = float32(i*7919%256)*p.Scale + p.Offset
	}
	return pixels
}

// quick and usual are the tenth percentile, which other work hardly touches, and
// the median of sorted times.
func quick(times []float64) float64 { return times[len(times)/10] }
func usual(times []float64) float64 { return times[len(times)/2] }
