package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

// features writes the features of a folder's images as arrays, split as `edge
// adapt` splits them.
func features(flags *flag.FlagSet) func(context.Context) (any, error) {
	ref := flags.String("base", "", "the base, as edge adapt takes it")
	dir := flags.String("dir", "", "folder of images")
	seed := flags.Uint64("seed", 1, "seed of the split")
	out := flags.String("out", "", "folder for the arrays")
	return func(ctx context.Context) (answer any, err error) {
		scratch, err := os.MkdirTemp("", "alone-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(scratch) //nolint:errcheck // scratch
		source, err := base.Prepare(ctx, *ref, scratch)
		if err != nil {
			return nil, err
		}
		b, err := tflite.OpenBase(source.Path, tflite.Options{})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		d, err := adapt.List(ctx, *dir)
		if err != nil {
			return nil, err
		}
		extractor := adapt.Extractor{Base: b, Features: source.Features, Preprocessing: source.Preprocessing}
		rows, err := extractor.Extract(ctx, d, nil, nil)
		if err != nil {
			return nil, err
		}
		if err := d.Settle(adapt.SplitOptions{Seed: *seed, ValFraction: 0.2}); err != nil {
			return nil, err
		}
		sets := map[adapt.Split]adapt.Set{}
		for _, split := range splits {
			sets[split] = d.Set(rows, func(s adapt.Sample) bool { return s.Split == split })
		}
		return writeArrays(*out, len(d.Labels), sets)
	}
}
