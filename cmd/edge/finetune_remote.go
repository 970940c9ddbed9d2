package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// mirror is a folder in an object store.
type mirror interface {
	// fetch makes dir a copy of it and returns the number of files.
	fetch(ctx context.Context, dir string, progress func(done, total int64)) (int, error)
	// read returns one file of it, of at most limit bytes, if there is one: else
	// the error is fs.ErrNotExist.
	read(ctx context.Context, name string, limit int64) ([]byte, error)
	// send makes it a copy of dir.
	send(ctx context.Context, dir string) error
}

// place is a folder that a flag names: one of this machine, or one in an object
// store, with a copy here to work on.
type place struct {
	name   string // as the flag has it
	dir    string
	mirror mirror // nil: there is none
}

// inStore reports whether a flag names a folder in an object store.
func inStore(name string) bool { return strings.HasPrefix(name, "s3://") }

// placeOf finds the copy's place among the caches, so that the same command
// meets what an earlier one fetched.
func placeOf(name string) (place, error) {
	if !inStore(name) {
		return place{name: name, dir: name}, nil
	}
	m, err := openMirror(name)
	return place{name: name, dir: filepath.Join(cacheDir(), "s3", digest.Of([]byte(name)).Short()), mirror: m}, err
}

// fetch brings the copy up to date, and returns how many files it has.
func (p place) fetch(ctx context.Context, bar *progress) (int, error) {
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o700); err != nil {
		return 0, err
	}
	unlock, err := p.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	files, err := p.mirror.fetch(ctx, p.dir, func(done, total int64) {
		bar.update(p.name, "fetch "+p.name, int(done>>10), int(total>>10))
	})
	return files, inStoreError(err)
}

// lock waits until no other process brings the same copy up to date: the runs of
// a sweep, when several are started here at once.
func (p place) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(p.dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil //nolint:errcheck // ends the lock
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close() //nolint:errcheck // nothing was written
			return nil, fmt.Errorf("lock the copy of %s: %w", p.name, err)
		}
		select {
		case <-ctx.Done():
			f.Close() //nolint:errcheck // nothing was written
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// storeError is what went wrong with an object store: no fault of the input, and
// another try may go better.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

func inStoreError(err error) error {
	if err == nil {
		return nil
	}
	return storeError{err}
}

// blame is inputOr for what the input may have caused.
func blame(err error) error {
	var s storeError
	if errors.As(err, &s) {
		return err
	}
	return device.InputOr(err)
}

// send makes the object store's folder a copy of this one.
func (p place) send(ctx context.Context) error {
	if p.mirror == nil {
		return nil
	}
	return inStoreError(p.mirror.send(ctx, p.dir))
}

// fetchAll fetches what the flags name in object stores: the images, and what
// an earlier run left in --out.
func (t *tuning) fetchAll(ctx context.Context, tasks []finetune.Task) error {
	for i, task := range tasks {
		p, err := placeOf(task.Dir)
		if err != nil {
			return err
		}
		if p.mirror == nil {
			continue
		}
		files, err := p.fetch(ctx, t.bar)
		if err == nil && files == 0 {
			err = hint.Wrap(fmt.Errorf("%s holds no files", p.name), "give the folder that has a folder a class in it")
		}
		if err != nil {
			return err
		}
		tasks[i].Dir = p.dir
	}
	var err error
	if t.out, err = placeOf(t.flags.out); err == nil && t.out.mirror != nil {
		_, err = t.out.fetch(ctx, t.bar)
	}
	return err
}

// epoch keeps the curves and sends the checkpoint away, so that a run can go on
// where this machine is gone.
func (t *tuning) epoch(ctx context.Context) func(finetune.Epoch) error {
	return func(e finetune.Epoch) error {
		err := t.curves.epoch(e.Epoch)
		if e.Phase == 2 {
			err = errors.Join(err, t.out.send(ctx))
		}
		return err
	}
}
