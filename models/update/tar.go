package update

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/edge-adapt/edge/internal/hint"
)

// maxEntries of an archive.
const maxEntries = 20_000

// tarSource is an archive. Its files are read where they are.
type tarSource struct {
	f       *os.File
	entries map[string]entry
}

// entry is where a file's content is in an archive, in bytes.
type entry struct{ at, size int64 }

// Tar returns the repository in an archive, as `edge publish pack` makes one: plain
// files below metadata/ and targets/, and folders. An archive with anything else
// in it (links, devices, names that lead elsewhere, a name twice) is refused as
// ErrForm. The file stays open until Close.
func Tar(path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("no plain file: %w", ErrForm)
	}
	var entries map[string]entry
	if err == nil {
		entries, err = index(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, hint.Wrap(fmt.Errorf("%s: %w", path, err), "give a file that edge publish pack made, or the folder of a repository")
	}
	return &tarSource{f, entries}, nil
}

// index lists the files in an archive of size bytes, without reading them.
func index(f io.ReadSeeker, size int64) (map[string]entry, error) {
	entries := map[string]entry{}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		if h.Typeflag == tar.TypeDir {
			continue // nothing is ever made of it
		}
		if err := checkEntry(h); err != nil {
			return nil, err
		}
		if _, twice := entries[h.Name]; twice {
			return nil, fmt.Errorf("%q is in it twice: %w", h.Name, ErrForm)
		}
		if len(entries) == maxEntries {
			return nil, fmt.Errorf("more than %d files in it: %w", maxEntries, ErrTooLong)
		}
		// The reader takes whole headers and nothing ahead, so the content begins here.
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Size < 0 || h.Size > size-at {
			return nil, fmt.Errorf("it ends within %q: %w", h.Name, ErrForm)
		}
		entries[h.Name] = entry{at, h.Size}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("nothing of a repository is in it: %w", ErrForm)
	}
	return entries, nil
}

func checkEntry(h *tar.Header) error {
	if h.Typeflag != tar.TypeReg {
		return fmt.Errorf("%.200q is no plain file: %w", h.Name, ErrForm)
	}
	for key := range h.PAXRecords {
		if len(key) > 10 && key[:10] == "GNU.sparse" {
			return fmt.Errorf("%.200q has holes: %w", h.Name, ErrForm)
		}
	}
	return checkName(h.Name)
}

func (t *tarSource) Open(_ context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	e, ok := t.entries[name]
	if !ok {
		return nil, 0, fmt.Errorf("%.200q is %w", name, ErrNotThere)
	}
	offset = min(max(offset, 0), e.size)
	return io.NopCloser(io.NewSectionReader(t.f, e.at+offset, e.size-offset)), e.size, nil
}

func (t *tarSource) Close() error { return t.f.Close() }
