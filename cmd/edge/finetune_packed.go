package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/tflite/delta"
)

// The names of what a run packs for transport.
const (
	deltaName  = "base.delta"
	bundleName = "bundle.tar"
)

// writeDelta writes what changed of the parent beside the new base, and returns
// how many bytes that is.
func (t *tuning) writeDelta(child []byte) (int64, error) {
	parent, err := os.ReadFile(t.parent.Source.Path)
	if err != nil {
		return 0, err
	}
	data, err := delta.Diff(parent, child)
	if err != nil {
		return 0, err
	}
	if err := renameio.WriteFile(filepath.Join(t.out.dir, deltaName), data, 0o644, renameio.WithTempDir(t.out.dir)); err != nil {
		return 0, fmt.Errorf("write the delta: %w", err)
	}
	return int64(len(data)), nil
}

// writeBundle packs a generation into a file.
func writeBundle(ctx context.Context, path string, g models.Generation) (err error) {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }() // nothing, once it has its name
	if err := bundle.Write(ctx, f, g); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}
