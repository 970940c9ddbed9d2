package foreign

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// Limits are the sizes, in bytes, that Unpack writes at most.
type Limits struct {
	Picture int64 // zero: 64 MiB
	Total   int64 // zero: 16 GiB
}

// ErrTooLarge says that a project holds more than Limits allow.
var ErrTooLarge = errors.New("larger than set")

// Unpacked says what Unpack has written.
type Unpacked struct {
	Pictures int       `json:"pictures"`
	Skipped  []Skipped `json:"skipped,omitempty"`
}

// Skipped is a picture that could not be read out of a project.
type Skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Unpack writes the project's pictures into the folder dir, in a folder a class,
// as edge wants samples. dir must not be there, or be empty; it appears with all
// pictures in it, and after an error not at all.
//
// Pictures are copied as they are; one that is damaged in the zip is skipped.
func (p *Project) Unpack(ctx context.Context, dir string, l Limits) (Unpacked, error) {
	u, err := p.unpack(ctx, filepath.Clean(dir), l)
	if err != nil {
		return Unpacked{}, fmt.Errorf("unpack into %s: %w", dir, err)
	}
	return u, nil
}

func (p *Project) unpack(ctx context.Context, dir string, l Limits) (u Unpacked, err error) {
	if l.Picture == 0 {
		l.Picture = 64 << 20
	}
	if l.Total == 0 {
		l.Total = 16 << 30
	}
	if err := vacant(dir); err != nil {
		return u, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return u, err
	}
	part := filepath.Join(filepath.Dir(dir), ".edge-import-"+rand.Text())
	if err := os.Mkdir(part, 0o755); err != nil {
		return u, err
	}
	defer os.RemoveAll(part) //nolint:errcheck // nothing, once it has its name
	for _, c := range p.Classes {
		if err := os.Mkdir(filepath.Join(part, c.Folder), 0o755); err != nil {
			return u, err
		}
	}
	var total int64
	for _, pic := range p.pictures {
		if ctx.Err() != nil {
			return u, context.Cause(ctx)
		}
		n, err := pic.unpack(filepath.Join(part, p.Classes[pic.class].Folder, pic.file), min(l.Picture, l.Total-total))
		var damaged damagedError
		switch {
		case errors.As(err, &damaged):
			u.Skipped = append(u.Skipped, Skipped{pic.name, damaged.Error()})
		case err != nil:
			return u, fmt.Errorf("%s: %w", pic.name, err)
		default:
			u.Pictures++
		}
		total += n
	}
	if u.Pictures == 0 {
		return u, hint.Wrap(fmt.Errorf("no picture can be read, the first because: %s", u.Skipped[0].Reason), "download the project again")
	}
	return u, unix.Rename(part, dir) // which takes the place of an empty folder, unlike os.Rename
}

// vacant reports why a new folder cannot be called dir.
func vacant(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return plain(err)
	}
	if len(list) > 0 {
		return hint.Wrap(errors.New("the folder is not empty"), "name a folder that is not there yet")
	}
	return nil
}

// damagedError is the source's to answer for, and not the disk's.
type damagedError struct{ error }

// unpack writes a picture, of at most limit bytes, and returns how many it has. A
// damaged one leaves nothing behind.
func (p picture) unpack(to string, limit int64) (n int64, err error) {
	r, err := p.open()
	if err != nil {
		return 0, damagedError{err}
	}
	defer r.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	source := &faults{r: io.LimitReader(r, limit+1)}
	n, err = io.Copy(f, source)
	err = errors.Join(err, f.Close())
	switch {
	case source.err != nil:
		return n, errors.Join(damagedError{source.err}, os.Remove(to))
	case err != nil:
		return n, err
	case n > limit:
		return n, hint.Wrap(ErrTooLarge, "take it only from somebody you know")
	}
	return n, nil
}

// faults remembers what reading failed with.
type faults struct {
	r   io.Reader
	err error
}

func (f *faults) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
