package main

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/google/pprof/profile"
	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
)

// profiling says what is profiled.
type profiling struct {
	dir    string
	images int
	times  int
	ref    string
	recipe adapt.TrainConfig
	least  time.Duration
}

// taken is a profile of one or more runs of adapting.
type taken struct {
	cpu  *profile.Profile
	raw  []byte // as the profiler has written it
	runs int
}

// profile adapts again and again for the least time, each time into a store of
// its own below scratch, under the profiler. When cold, each run has a cache of
// its own too; when warm, all have one that a run before the profiler's has filled.
func (p profiling) profile(ctx context.Context, scratch string, warm bool) (*taken, error) {
	t := &taken{}
	// Before the profiler starts: the base is written to a file once for good.
	source, err := base.Prepare(ctx, p.ref, filepath.Join(scratch, "bases"))
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(scratch, "warm.db")
	if warm {
		if err := p.adapt(ctx, source, filepath.Join(scratch, "first"), cache); err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	if err := pprof.StartCPUProfile(&raw); err != nil {
		return nil, err
	}
	for start := time.Now(); time.Since(start) < p.least && err == nil; t.runs++ {
		own := filepath.Join(scratch, time.Now().Format("150405.000000000"))
		if !warm {
			cache = filepath.Join(own, "cold.db")
		}
		err = p.adapt(ctx, source, own, cache)
	}
	pprof.StopCPUProfile()
	if err != nil {
		return nil, err
	}
	t.raw = raw.Bytes()
	t.cpu, err = profile.ParseData(t.raw)
	return t, err
}

// adapt does what `edge adapt` does.
func (p profiling) adapt(ctx context.Context, source base.Source, dir, cache string) error {
	e, err := engine.New(engine.Options{
		Threads: runtime.GOMAXPROCS(0),
		// This program's main is not a trial's, and what is profiled is known.
		Trial: func(context.Context, string) error { return nil },
	})
	if err != nil {
		return err
	}
	var fault error
	warn := func(err error) { fault = err } // a profile without the cache would be another one
	opened, err := device.OpenBase(ctx, e, source, device.Cache{File: cache}, warn)
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // Adapt has closed the cache
	store, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	_, err = device.Adapt(ctx, device.Config{
		Store: store, Task: "profile", Dir: p.dir, Base: opened, Recipe: p.recipe,
		Split: adapt.SplitOptions{Seed: 1, ValFraction: 0.2}, Warn: warn,
	})
	if err != nil {
		return err
	}
	return fault
}

// write writes the flame graph and the profile as path.html and path.pb.gz.
func (t *taken) write(ctx context.Context, path string) error {
	page, err := flameGraph(ctx, t.cpu)
	if err != nil {
		return err
	}
	dir := renameio.WithTempDir(filepath.Dir(path))
	if err := renameio.WriteFile(path+".html", page, 0o644, dir); err != nil {
		return err
	}
	return renameio.WriteFile(path+".pb.gz", t.raw, 0o644, dir)
}
