package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
)

// Write writes the bundle of a generation to w. The same generation gives the
// same bytes.
//
// Every file is compared with its digest on the way: after an error, which is
// models.ErrDamaged where a file is not what was stored, what w got is of no use.
func Write(ctx context.Context, w io.Writer, g models.Generation) error {
	manifest, err := os.ReadFile(g.Path(models.ManifestName))
	if err == nil {
		err = write(ctx, w, manifest, full, func(f models.File) (io.ReadCloser, error) {
			if f.Name == baseName(g.Base) {
				return os.Open(g.BasePath())
			}
			return os.Open(g.Path(f.Name))
		})
	}
	if err != nil {
		return fmt.Errorf("bundle of generation %d of task %q: %w", g.Generation, g.Task, err)
	}
	return nil
}

// write writes the bundle of a manifest, in that form; open gives its files.
func write(ctx context.Context, w io.Writer, manifest []byte, of form, open func(models.File) (io.ReadCloser, error)) error {
	m, err := models.ParseManifest(manifest)
	if err != nil {
		return err
	}
	first := models.File{Name: models.ManifestName, Digest: digest.Of(manifest), Bytes: int64(len(manifest))}
	if err := writeEntry(ctx, w, first, io.NopCloser(bytes.NewReader(manifest))); err != nil {
		return err
	}
	for _, f := range contents(m, of) {
		r, err := open(f)
		if err != nil {
			return err
		}
		if err := writeEntry(ctx, w, f, r); err != nil {
			return err
		}
	}
	_, err = w.Write(trailer[:])
	return err
}

func writeEntry(ctx context.Context, w io.Writer, f models.File, r io.ReadCloser) error {
	defer r.Close()
	h, err := header(f.Name, f.Bytes)
	if err != nil {
		return err
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	// One byte more than there should be is enough to know that it is too long.
	if err := copyChecked(w, &source{ctx, io.LimitReader(r, f.Bytes+1)}, f); err != nil {
		return err
	}
	_, err = w.Write(trailer[:padding(f.Bytes)])
	return err
}

// copyChecked copies all of r and compares it with what f says of it.
func copyChecked(w io.Writer, r io.Reader, f models.File) error {
	got, n, err := digest.OfReader(io.TeeReader(r, w))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", f.Name, err)
	case n != f.Bytes:
		return fmt.Errorf("%s is %w: %d bytes, want %d", f.Name, models.ErrDamaged, n, f.Bytes)
	case got != f.Digest:
		return fmt.Errorf("%s is %w: digest %s, want %s", f.Name, models.ErrDamaged, got.Short(), f.Digest.Short())
	}
	return nil
}

// source reads until ctx ends.
type source struct {
	ctx context.Context
	r   io.Reader
}

func (s *source) Read(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
