package main

import (
	"context"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
)

// baseFlags choose a base and how it runs.
type baseFlags struct {
	ref        string
	threads    int
	noXNNPACK  bool
	noCache    bool
	cacheLimit int64 // MiB
}

func (f *baseFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.ref, "base", "", "the name of a base (edge base list) or a .tflite file; default: the base that edge brings along")
	f.registerRunning(cmd)
}

// registerInterpreter registers how the base is run.
func (f *baseFlags) registerInterpreter(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.threads, "threads", 0, "threads of the base; 0: one a processor")
	cmd.Flags().BoolVar(&f.noXNNPACK, "no-xnnpack", false, "run the base without XNNPACK, several times slower")
}

// registerRunning registers how the base is run, and the cache of its features.
func (f *baseFlags) registerRunning(cmd *cobra.Command) {
	f.registerInterpreter(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.noCache, "no-cache", false, "neither read nor write the cache of features")
	flags.Int64Var(&f.cacheLimit, "cache-limit", 1024, "MiB that the cache of features may take; 0: no limit")
}

// engine returns what opens bases as the flags say.
func (f baseFlags) engine() (*engine.Engine, error) {
	threads := f.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return engine.New(engine.Options{Threads: threads, NoXNNPACK: f.noXNNPACK, Tried: filepath.Join(cacheDir(), "tried")})
}

// openBase prepares the base that the flags name and opens it.
func (a *app) openBase(ctx context.Context, f baseFlags) (*device.Base, error) {
	source, err := a.prepareBase(ctx, f.ref)
	if err != nil {
		return nil, err
	}
	for _, note := range source.Notes {
		a.warn("%s", note)
	}
	return a.runBase(ctx, source, f)
}

// runBase opens a prepared base, after a trial if nobody knows it.
func (a *app) runBase(ctx context.Context, source base.Source, f baseFlags) (*device.Base, error) {
	e, err := f.engine()
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	b, err := device.OpenBase(ctx, e, source, f.cache(), a.goOnWithout)
	if err == nil && b.Warning() != "" {
		a.warn("%s", b.Warning())
	}
	return b, err
}

// cache says where features are remembered.
func (f baseFlags) cache() device.Cache {
	if f.noCache {
		return device.Cache{}
	}
	return device.Cache{File: filepath.Join(cacheDir(), "features.db"), Limit: f.cacheLimit << 20}
}
