package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/keras"
	"github.com/edge-adapt/edge/tflite"
)

// measured is a base and what was found of it.
type measured struct {
	name   string
	source base.Source
	model  *tflite.Base
	bytes  int64

	accuracy map[string][]float64 // by set, a seed each, in per cent
	times    [2][]float64         // milliseconds a picture with 1 and 2 threads, sorted
}

// set is a folder of pictures. Of one without a test folder the pictures that
// were held back count.
type set struct {
	name, dir string
	heldBack  bool
}

// openAll opens the bases in the table's order. Those opened before an error are
// returned with it.
func openAll(ctx context.Context, data, scratch string) ([]*measured, error) {
	narrow, err := convert(filepath.Join(data, "weights", "mobilenet_v2_0.35_224_no_top.weights.h5"), scratch)
	if err != nil {
		return nil, err
	}
	wide := filepath.Join(data, "weights", "mobilenet_v2_1.0_128in_no_top_float32.tflite")
	var all []*measured
	for _, b := range []struct{ name, ref string }{
		{"embedded float", base.Embedded()[0]},
		{"embedded int8", base.Embedded()[1]},
		{"ImageNet 0.35", narrow},
		{"ImageNet 1.0", wide},
	} {
		source, err := base.Prepare(ctx, b.ref, scratch)
		if err != nil {
			return all, err
		}
		info, err := os.Stat(source.Path)
		if err != nil {
			return all, err
		}
		model, err := tflite.OpenBase(source.Path, tflite.Options{Threads: 1})
		if err != nil {
			return all, err
		}
		all = append(all, &measured{name: b.name, source: source, model: model, bytes: info.Size(), accuracy: map[string][]float64{}})
	}
	return all, nil
}

// convert makes a base for 128x128 pixels of Keras' weights, as `edge base import` does.
func convert(path, scratch string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	m, _, err := keras.Convert(data, keras.Options{Input: 128})
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if data, err = m.Encode(); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	out := filepath.Join(scratch, "imagenet_0.35_128.tflite")
	return out, os.WriteFile(out, data, 0o600)
}

// adapt trains a head a seed and notes how many pictures it gets right.
func (m *measured) adapt(ctx context.Context, s set, seeds uint64) error {
	extractor := adapt.Extractor{
		Base: m.model, Features: m.source.Features, Preprocessing: m.source.Preprocessing,
		Cache: &featurecache.Memory{},
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		recipe := adapt.DefaultRecipe()
		recipe.Seed = seed
		r, err := adapt.Run(ctx, adapt.Config{Dir: s.dir, Extractor: extractor, Recipe: recipe, Split: adapt.SplitOptions{Seed: seed}})
		if err != nil {
			return err
		}
		of := &r.Val
		if !s.heldBack {
			of = r.Test
		}
		if of == nil {
			return fmt.Errorf("%s has no test pictures", s.dir)
		}
		m.accuracy[s.name] = append(m.accuracy[s.name], 100*of.Accuracy)
	}
	return nil
}
