package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/proof"
	"github.com/edge-adapt/edge/tflite"
)

// openLibrary opens the bases that have names, which lie in the store. What is
// added or verified runs in a child process.
func (a *app) openLibrary() (*base.Library, error) {
	store, err := a.openStore()
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	return base.OpenLibrary(filepath.Join(store.Dir(), base.LibraryFolder), proof.Prover(tflite.TrialOptions{}))
}

// prepareBase finds the base that ref names: one that edge brings along, one of
// the library, or a file.
func (a *app) prepareBase(ctx context.Context, ref string) (base.Source, error) {
	library, err := a.openLibrary()
	if err != nil {
		return base.Source{}, err
	}
	source, err := library.Prepare(ctx, ref, filepath.Join(cacheDir(), "bases"))
	if err != nil {
		return base.Source{}, device.InputOr(err)
	}
	return source, nil
}

// isEmbedded reports whether ref names a base that edge brings along.
func isEmbedded(ref string) bool {
	return ref == "default" || ref == "int8" || slices.Contains(base.Embedded(), ref)
}

// isLibraryBase reports whether name is that of a base of the library.
func (a *app) isLibraryBase(name string) bool {
	library, err := a.openLibrary()
	if err != nil {
		return false
	}
	_, err = library.Get(name)
	return !errors.Is(err, base.ErrNotFound)
}
