package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// Bundle is a bundle that was read and found whole. Its files lie in a folder of
// its own until Close.
type Bundle struct {
	models.Manifest
	raw []byte // the manifest's bytes
	of  form
	dir string
}

// Read reads a bundle, compares every byte with its manifest, and keeps its
// files in a new folder inside dir, or inside the system's folder of temporary
// files if dir is "". Memory does not grow with the bundle.
//
// Errors: ErrNotBundle, ErrForm, ErrTooLarge, models.ErrDamaged,
// models.ErrNewer, those of r, of the disk and of ctx. They leave nothing behind.
func Read(ctx context.Context, r io.Reader, dir string, l Limits) (*Bundle, error) {
	return read(ctx, r, full, dir, l)
}

func read(ctx context.Context, r io.Reader, of form, dir string, l Limits) (*Bundle, error) {
	own, err := os.MkdirTemp(dir, "edge-bundle-")
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	b := &Bundle{of: of, dir: own}
	if err := os.Mkdir(filepath.Join(own, "files"), 0o700); err != nil {
		return nil, errors.Join(explain(err), b.Close())
	}
	m, raw, err := walk(ctx, r, of, l, func(f models.File) (io.WriteCloser, error) {
		path := b.Path(f.Name)
		if f.Name == baseName(models.Base{Digest: f.Digest}) {
			path = b.BasePath()
		}
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	})
	if err != nil {
		return nil, errors.Join(explain(err), b.Close())
	}
	b.Manifest, b.raw = m, raw
	return b, nil
}

// Path returns the path of the file of that name that the manifest lists.
func (b *Bundle) Path(name string) string { return filepath.Join(b.dir, "files", name) }

// BasePath returns the path of the base, "" of the light form.
func (b *Bundle) BasePath() string {
	if b.of == light {
		return ""
	}
	return filepath.Join(b.dir, "base.tflite")
}

// Close removes the files.
func (b *Bundle) Close() error { return os.RemoveAll(b.dir) }

// Import stores the bundle as the next generation of task, whatever the task and
// the number were where it was made, and returns it, not yet active. "" keeps the
// task's name. Recipe, measures and the time of its making stay; reason says why
// the generation is here.
//
// A base of an unknown maker should have been tried before: what the store has
// is taken for known. The light form is models.ErrNotFound if the store has not
// its base.
func (b *Bundle) Import(ctx context.Context, s *models.Store, task, reason string) (models.Generation, error) {
	if task == "" {
		task = b.Task
	}
	g, err := b.importAs(ctx, s, task, reason)
	if err != nil {
		return models.Generation{}, fmt.Errorf("import the bundle as task %q: %w", task, err)
	}
	return g, nil
}

func (b *Bundle) importAs(ctx context.Context, s *models.Store, task, reason string) (models.Generation, error) {
	if b.of == light {
		if _, err := s.BlobPath(b.Base.Digest); err != nil {
			return models.Generation{}, hint.Wrap(err, "fetch the base first: this bundle comes without it")
		}
	}
	draft, err := s.Begin(task)
	if err != nil {
		return models.Generation{}, err
	}
	defer draft.Discard()
	for _, f := range b.Files {
		if f.Name == models.LabelsName {
			continue // Commit writes the manifest's
		}
		w, err := draft.Create(f.Name)
		if err != nil {
			return models.Generation{}, err
		}
		if err := errors.Join(b.copy(ctx, w, b.Path(f.Name), f), w.Close()); err != nil {
			return models.Generation{}, err
		}
	}
	if b.of == full {
		if err := b.putBase(ctx, s); err != nil {
			return models.Generation{}, err
		}
	}
	m := b.Manifest
	m.Parent, m.Reason = 0, reason // numbers of another store mean nothing here
	return draft.Commit(ctx, m)
}

func (b *Bundle) putBase(ctx context.Context, s *models.Store) error {
	base, err := os.Open(b.BasePath())
	if err != nil {
		return err
	}
	defer base.Close()
	return s.PutBlob(ctx, base, b.Base.Digest, b.Base.Bytes)
}

// copy copies a file and compares it once more: it lay on a disk meanwhile.
func (b *Bundle) copy(ctx context.Context, w io.Writer, path string, f models.File) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return copyChecked(w, &source{ctx, r}, f)
}
