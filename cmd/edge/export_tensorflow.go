//go:build tensorflow

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/export/savedmodel"
)

// trainerExportFormats are the formats that the trainer alone writes.
func trainerExportFormats() []exportFormat {
	f := savedModelFormat()
	f.write = writeSavedModel
	return []exportFormat{f}
}

// writeSavedModel writes the folder beside the place it is meant for, has
// TensorFlow load it, compares, and then moves it there.
func writeSavedModel(ctx context.Context, e *exporting) (done exported, err error) {
	out := filepath.Clean(e.out)
	if err := e.freeFolder(out); err != nil {
		return done, err
	}
	twin, err := e.twin(ctx)
	if err != nil {
		return done, err
	}
	files, err := savedmodel.Convert(twin, savedmodel.Options{Labels: e.model.Labels})
	if err != nil {
		return done, e.unexportable("SavedModel", err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return done, err
	}
	part, err := os.MkdirTemp(filepath.Dir(out), ".edge-savedmodel-*")
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }() // nothing, once it is moved
	for _, f := range files {
		if err := writeBelow(part, f); err != nil {
			return done, err
		}
		done.Files = append(done.Files, newExportedFile(filepath.Join(out, filepath.FromSlash(f.Path)), f.Data))
	}
	if err := e.compareSavedModel(ctx, part); err != nil {
		return done, err
	}
	if err := moveFolder(part, out); err != nil {
		return done, err
	}
	p := e.model.Preprocessing
	done.Input = fmt.Sprintf("%q: [n,%d,%d,3] RGB, float32 from %.4g to %.4g", savedmodel.InputName, p.Height, p.Width, p.Offset, 255*p.Scale+p.Offset)
	done.Head = fmt.Sprintf("float32, as %q of signature %s", savedmodel.OutputName, savedmodel.SignatureKey)
	return done, nil
}

// writeBelow writes a file of the folder dir, synced.
func writeBelow(dir string, f savedmodel.File) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(path, f.Data, 0o644)
}

// moveFolder gives part the name out, in the place of a saved model that may be there.
func moveFolder(part, out string) error {
	if err := os.Chmod(part, 0o755); err != nil { //nolint:gosec // a model for others to read
		return err
	}
	old := part + "-old"
	switch err := os.Rename(out, old); {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(part, out)
	case err != nil:
		return err
	}
	if err := os.Rename(part, out); err != nil {
		return errors.Join(err, os.Rename(old, out))
	}
	return os.RemoveAll(old)
}

// compareSavedModel compares the scores of the saved model in dir with edge's.
func (e *exporting) compareSavedModel(ctx context.Context, dir string) error {
	m, err := savedmodel.Load(dir)
	if err != nil {
		return err
	}
	return errors.Join(e.agree(ctx, e.model.Preprocessing, m.Run, exactly), m.Close())
}

// freeFolder reports an error if something is at out that a saved model may not
// replace: with --force it replaces another saved model, and nothing else.
func (e *exporting) freeFolder(out string) error {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	case !e.force:
		return e.free(out)
	}
	if _, err := os.Stat(filepath.Join(out, savedmodel.ModelFile)); err != nil {
		return hint.Wrap(fmt.Errorf("%s has files and is no saved model: it is not replaced", out), "give another --out")
	}
	return nil
}
