package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
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
	cmd.Flags().StringVar(&f.ref, "base", "", "a .tflite file; default: the base that edge brings along")
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

// openedBase is a base that runs, with the cache of its features.
type openedBase struct {
	source base.Source
	*tflite.Base
	cache *featurecache.Cache // nil when there is none
}

// openBase prepares the base that the flags name and opens it.
func (a *app) openBase(ctx context.Context, f baseFlags) (*openedBase, error) {
	source, err := base.Prepare(ctx, f.ref, filepath.Join(cacheDir(), "bases"))
	if err != nil {
		return nil, inputOr(err)
	}
	for _, note := range source.Notes {
		a.warn("%s", note)
	}
	return a.runBase(ctx, source, f)
}

// runBase opens a prepared base, after a trial if nobody knows it.
func (a *app) runBase(ctx context.Context, source base.Source, f baseFlags) (*openedBase, error) {
	e, err := f.engine()
	if err != nil {
		return nil, inputError{err}
	}
	b, err := e.OpenBase(ctx, source.Path, source.Digest)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, inputError{fmt.Errorf("base %s: %w", source.Name, err)}
	}
	if b.Warning() != "" {
		a.warn("%s", b.Warning())
	}
	opened := &openedBase{source: source, Base: b}
	if !f.noCache {
		opened.cache, err = featurecache.Open(filepath.Join(cacheDir(), "features.db"), f.cacheLimit<<20)
		if err != nil {
			a.goOnWithout(err)
		}
	}
	return opened, nil
}

// space names everything that decides an image's features.
func (b *openedBase) space() digest.Digest {
	key, err := json.Marshal(struct {
		Base          digest.Digest
		Preprocessing any
		Decoder       string
	}{b.source.Digest, b.source.Preprocessing, decoderVersion})
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return digest.Of(key)
}

// decoderVersion is raised whenever decoding or preprocessing gives other
// numbers for the same bytes.
const decoderVersion = "1"

func (b *openedBase) extractor() adapt.Extractor {
	e := adapt.Extractor{Base: b, Features: b.source.Features, Preprocessing: b.source.Preprocessing}
	if b.cache != nil {
		e.Cache = b.cache.View(b.space())
	}
	return e
}

// putInto keeps the base's file in the store, where generations find it, and
// returns what a manifest says of it.
func (b *openedBase) putInto(ctx context.Context, store *models.Store) (models.Base, error) {
	ref := models.Base{Name: b.source.Name, Digest: b.source.Digest}
	f, err := os.Open(b.source.Path)
	if err != nil {
		return ref, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ref, err
	}
	if err := store.PutBlob(ctx, f, b.source.Digest, info.Size()); err != nil {
		return ref, fmt.Errorf("keep the base: %w", err)
	}
	ref.Bytes = info.Size()
	return ref, nil
}

// closeCache writes what the cache still holds in memory.
func (b *openedBase) closeCache() error {
	if b.cache == nil {
		return nil
	}
	err := b.cache.Close()
	b.cache = nil
	return err
}

// Close ends the cache and the interpreter.
func (b *openedBase) Close() error {
	return errors.Join(b.closeCache(), b.Base.Close())
}
