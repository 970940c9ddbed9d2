package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fsops"
)

// PutBlob stores what src holds under the digest want, if it is not there yet.
//
// src must hold exactly size bytes with the digest want; anything else is an
// error and leaves no trace. A blob that is there with that size is taken for
// the same, and src is not read. The file is read-only and never changes, so it
// may be mapped into memory.
func (s *Store) PutBlob(ctx context.Context, src io.Reader, want digest.Digest, size int64) error {
	if err := s.putBlob(ctx, src, want, size); err != nil {
		return fmt.Errorf("store %s: %w", want.Short(), s.explain(err))
	}
	return nil
}

func (s *Store) putBlob(ctx context.Context, src io.Reader, want digest.Digest, size int64) error {
	if _, err := digest.Parse(string(want)); err != nil {
		return err
	}
	if size < 1 {
		return fmt.Errorf("a base of %d bytes", size)
	}
	path := filepath.Join(s.blobDir(), want.Hex())
	if info, err := os.Stat(path); err == nil && info.Size() == size {
		return nil
	}
	if err := s.mkdirs(s.blobDir()); err != nil {
		return err
	}
	sc, err := s.newScratch("blob")
	if err != nil {
		return err
	}
	defer sc.discard() //nolint:errcheck // what stays is swept later

	part := filepath.Join(sc.dir, want.Hex())
	f, err := s.disk.Create(part, 0o444)
	if err != nil {
		return err
	}
	// One byte more than allowed is enough to know that src is too long.
	body := io.TeeReader(io.LimitReader(contextReader{ctx, src}, size+1), onlyWriter{f})
	got, n, err := digest.OfReader(body)
	if err == nil && (n != size || got != want) {
		err = fmt.Errorf("%w: it holds %d bytes of digest %s, want %d of %s", ErrDamaged, n, got.Short(), size, want.Short())
	}
	if err := fsops.Finish(f, err); err != nil {
		return err
	}
	return s.publish(part, path)
}

// BlobPath returns where the blob of digest d lies, or ErrNotFound. The content
// is not looked at.
func (s *Store) BlobPath(d digest.Digest) (string, error) {
	if _, err := digest.Parse(string(d)); err != nil {
		return "", err
	}
	path := filepath.Join(s.blobDir(), d.Hex())
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("base %s is %w", d.Short(), ErrNotFound)
	}
	return path, err
}

// contextReader reads until ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// onlyWriter takes a short write for the error it is, which TeeReader does not.
type onlyWriter struct{ w io.Writer }

func (o onlyWriter) Write(p []byte) (int, error) {
	if err := fsops.WriteAll(o.w, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
