package models

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

func TestPutBlob(t *testing.T) {
	s := open(t, t.TempDir())
	data := baseOf(1)
	want, size := digest.Of(data), int64(len(data))
	must(t, s.PutBlob(t.Context(), bytes.NewReader(data), want, size))
	path, err := s.BlobPath(want)
	must(t, err)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read back %d bytes, %v", len(got), err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm()&0o222 != 0 {
		t.Errorf("mode %v: a blob that is mapped must not be written to", info.Mode())
	}
	// Again: nothing is read.
	must(t, s.PutBlob(t.Context(), unreadable{}, want, size))
	// One that lost its end is made whole.
	must(t, os.Chmod(path, 0o600))
	must(t, os.Truncate(path, 10))
	must(t, s.PutBlob(t.Context(), bytes.NewReader(data), want, size))
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
		t.Error("a truncated blob stayed as it was")
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("was read") }

func TestPutBlobRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	data := baseOf(1)
	want, size := digest.Of(data), int64(len(data))
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx  context.Context
		src  io.Reader
		want digest.Digest
		size int64
		err  error
	}{
		"another content": {t.Context(), bytes.NewReader(baseOf(3)), want, size, ErrDamaged},
		"too short":       {t.Context(), bytes.NewReader(data[1:]), want, size, ErrDamaged},
		"endless":         {t.Context(), endless{}, want, size, ErrDamaged},
		"wrong size":      {t.Context(), bytes.NewReader(data), want, size - 1, ErrDamaged},
		"failing source":  {t.Context(), io.MultiReader(bytes.NewReader(data[:9]), unreadable{}), want, size, nil},
		"ended context":   {ended, bytes.NewReader(data), want, size, context.Canceled},
		"no digest":       {t.Context(), bytes.NewReader(data), "sha256:../../../x", size, nil},
		"no bytes":        {t.Context(), bytes.NewReader(nil), digest.Of(nil), 0, nil},
	} {
		err := s.PutBlob(c.ctx, c.src, c.want, c.size)
		if err == nil || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", name, err, c.err)
		}
		if _, err := s.BlobPath(want); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: the blob is there (%v)", name, err)
		}
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if path, err := s.BlobPath("sha256:" + digest.Digest(strings.Repeat("../", 22)[:64])); err == nil {
		t.Errorf("a path outside the store: %s", path)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
