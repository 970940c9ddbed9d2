package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

// fitted is a base with all features that it ever gave.
type fitted struct {
	source base.Source
	base   *tflite.Base

	cache featurecache.Memory
}

func openBase(ctx context.Context, ref string) (*fitted, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	source, err := base.Prepare(ctx, ref, filepath.Join(dir, "edge", "bases"))
	if err != nil {
		return nil, err
	}
	b, err := tflite.OpenBase(source.Path, tflite.Options{})
	return &fitted{source: source, base: b}, err
}

// look lists photos and puts them through the base. The dataset is not settled.
func (f *fitted) look(ctx context.Context, p photos) (*adapt.Dataset, *adapt.Features, error) {
	dir, err := os.MkdirTemp("", "rebase-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // links
	if err := link(dir, p); err != nil {
		return nil, nil, err
	}
	d, err := adapt.List(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	e := adapt.Extractor{Base: f.base, Features: f.source.Features, Preprocessing: f.source.Preprocessing, Cache: &f.cache}
	features, err := e.Extract(ctx, d, nil, nil)
	return d, features, err
}

// right is the share of photos of the classes that h, which knows labels, gets right.
func (f *fitted) right(ctx context.Context, h *head.Head, labels []string, p photos) (float64, error) {
	d, features, err := f.look(ctx, p)
	if err != nil {
		return 0, err
	}
	if err := d.Relabel(labels); err != nil {
		return 0, err
	}
	return adapt.Evaluate(h, d.Set(features, func(adapt.Sample) bool { return true }), nil).Accuracy, nil
}

// adapted is the head that a device makes of its samples on the base.
func (f *fitted) adapted(ctx context.Context, p photos, r adapt.TrainConfig) (*adapt.Result, error) {
	d, features, err := f.look(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := d.Settle(adapt.SplitOptions{Seed: r.Seed}); err != nil {
		return nil, err
	}
	set := func(s adapt.Split) adapt.Set {
		return d.Set(features, func(x adapt.Sample) bool { return x.Split == s })
	}
	result := &adapt.Result{Dataset: d, Features: features}
	result.Head, result.History, err = adapt.Train(ctx, r, len(d.Labels), set(adapt.SplitTrain), set(adapt.SplitVal), nil)
	return result, err
}
