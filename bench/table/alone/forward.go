package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/edge-adapt/edge/tflite"
)

// warmUp is how many images go through a base before the clock starts.
const warmUp = 20

// forwarded is how long a base took.
type forwarded struct {
	Seconds float64 `json:"seconds"` // all images
	Median  float64 `json:"ms"`      // milliseconds an image
}

// forward puts made-up pixels through a base, an image at a time.
func forward(flags *flag.FlagSet) func(context.Context) (any, error) {
	path := flags.String("base", "", "a .tflite file")
	images := flags.Int("images", 1000, "how many, at least 1")
	threads := flags.Int("threads", 0, "threads; 0: one a processor")
	return func(ctx context.Context) (answer any, err error) {
		if *images < 1 {
			return nil, fmt.Errorf("--images %d: want at least 1", *images)
		}
		it, err := tflite.Open(*path, tflite.Options{Threads: *threads})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, it.Close()) }()
		src := make([]float32, elements(it.Inputs()[0]))
		dst := make([]float32, elements(it.Outputs()[0]))
		for i := range src {
			src[i] = float32(i*7919%256)/127.5 - 1
		}
		took := make([]float64, *images)
		var f forwarded
		for i := -warmUp; i < *images; i++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			start := time.Now()
			if err := it.Run(dst, src); err != nil {
				return nil, err
			}
			if i >= 0 {
				took[i] = time.Since(start).Seconds()
				f.Seconds += took[i]
			}
		}
		slices.Sort(took)
		f.Median = 1000 * took[len(took)/2]
		return f, nil
	}
}

// elements is how many numbers a tensor holds.
func elements(t tflite.Tensor) int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}
