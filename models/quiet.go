package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// quiet is a flock on STORE/tmp. Whoever begins a scratch shares it for that
// moment; who has it alone knows that nothing is begun meanwhile, so that the
// scratches that are held are all that is being made.
//
// Nobody takes a task's lock, or begins a scratch, while having it alone.
type quiet struct{ f *os.File }

// share waits, shortly, until nobody has the store's quiet alone.
func (s *Store) share() (*quiet, error) {
	f, err := os.Open(s.tmpDir())
	if err != nil {
		return nil, err
	}
	if err := flockAs(f, unix.LOCK_SH); err != nil {
		f.Close()
		return nil, err
	}
	return &quiet{f}, nil
}

// alone waits until nobody begins anything, or ctx ends.
func (s *Store) alone(ctx context.Context) (*quiet, error) {
	if err := s.mkdirs(s.tmpDir()); err != nil {
		return nil, err
	}
	f, err := os.Open(s.tmpDir())
	if err != nil {
		return nil, err
	}
	if err := await(ctx, f); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = hint.Wrap(fmt.Errorf("%s is %w: %w", s.tmpDir(), ErrLocked, context.Cause(ctx)), "run the command again")
		}
		return nil, err
	}
	return &quiet{f}, nil
}

func (q *quiet) release() {
	unix.Flock(int(q.f.Fd()), unix.LOCK_UN) //nolint:errcheck // closing follows
	q.f.Close()
}

// making returns the names of the scratches that somebody holds, without own.
func (s *Store) making(own *scratch) ([]string, error) {
	entries, err := os.ReadDir(s.tmpDir())
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	var held []string
	for _, e := range entries {
		path := filepath.Join(s.tmpDir(), e.Name())
		if own != nil && own.dir == path {
			continue
		}
		owner, err := hold(path)
		switch {
		case err == nil:
			owner.Close() // its maker is gone
		case errors.Is(err, unix.EWOULDBLOCK):
			held = append(held, e.Name())
		}
	}
	return held, nil
}

// purpose is what a scratch of that name is for.
func purpose(name string) string {
	what, _, _ := strings.Cut(name, "-")
	return what
}

// Guard keeps bases from being collected, such as one that was put into the
// store for a generation that is not begun yet. A Draft is a guard, too.
type Guard struct{ scratch *scratch }

// Guard returns a guard, which ends with Release or with the process.
func (s *Store) Guard() (*Guard, error) {
	sc, err := s.newScratch("guard")
	if err != nil {
		return nil, fmt.Errorf("guard the bases: %w", s.explain(err))
	}
	return &Guard{sc}, nil
}

// Release ends the guard. A second call does nothing.
func (g *Guard) Release() error { return g.scratch.discard() }
