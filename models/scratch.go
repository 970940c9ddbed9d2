package models

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/fsops"
)

// scratch is a folder under STORE/tmp in which something is being made.
//
// Its maker holds a flock on the folder itself, which ends with the process
// however that ends, and which goes along when the folder is renamed. A scratch
// that nobody holds is garbage.
type scratch struct {
	disk  disk
	dir   string
	owner *os.File // holds the flock; nil once discarded
	kept  bool     // it was renamed to its final place
}

// newScratch makes a scratch of our own, after removing what dead makers left.
func (s *Store) newScratch(purpose string) (*scratch, error) {
	if err := s.mkdirs(s.tmpDir()); err != nil {
		return nil, err
	}
	quiet, err := s.share() // nobody begins anything while bases are collected
	if err != nil {
		return nil, err
	}
	defer quiet.release()
	s.sweep()
	for {
		dir := filepath.Join(s.tmpDir(), purpose+"-"+rand.Text())
		if err := s.disk.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		owner, err := hold(dir)
		if err == nil {
			return &scratch{disk: s.disk, dir: dir, owner: owner}, nil
		}
		// A sweeper in another process may have come between the two: try anew.
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.ENOENT) {
			s.disk.Remove(dir) //nolint:errcheck // the first error counts
			return nil, err
		}
	}
}

// sweepNow sweeps, if there is anything.
func (s *Store) sweepNow() error {
	quiet, err := s.share()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer quiet.release()
	s.sweep()
	return nil
}

// sweep removes the scratches that nobody holds. What it cannot remove stays
// for the next sweep: garbage never stands in the way of work.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.tmpDir())
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(s.tmpDir(), e.Name())
		owner, err := hold(path)
		if err != nil {
			continue
		}
		// What GC took away must not come back in pieces after a power cut.
		if s.syncTaken(path) == nil {
			fsops.RemoveTree(s.disk, path) //nolint:errcheck // see above
		}
		owner.Close()
	}
}

// hold takes the flock of the file or folder at path without waiting. It fails
// with EWOULDBLOCK if another holds it, and with ENOENT if it was removed or
// renamed meanwhile; names of scratches are not used again.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := os.Lstat(path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// discard ends the scratch: it is removed with what is in it, unless it was kept.
func (sc *scratch) discard() error {
	if sc.owner == nil {
		return nil
	}
	var err error
	if !sc.kept {
		err = fsops.RemoveTree(sc.disk, sc.dir)
	}
	sc.owner.Close()
	sc.owner = nil
	return err
}

// keep says that the scratch was renamed to its final place. The flock stays
// until discard: GC leaves alone what somebody still works on.
func (sc *scratch) keep() { sc.kept = true }
