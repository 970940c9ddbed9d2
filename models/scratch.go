package models

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// scratch is a folder under STORE/tmp in which something is being made.
//
// Its maker holds a flock on the folder itself, which ends with the process
// however that ends, and which goes along when the folder is renamed. A scratch
// that nobody holds is garbage.
type scratch struct {
	disk  disk
	dir   string
	owner *os.File // holds the flock; nil once discarded or kept
}

// newScratch makes a scratch of our own, after removing what dead makers left.
func (s *Store) newScratch(purpose string) (*scratch, error) {
	if err := s.mkdirs(s.tmpDir()); err != nil {
		return nil, err
	}
	s.sweep()
	for {
		dir := filepath.Join(s.tmpDir(), purpose+"-"+rand.Text())
		if err := s.disk.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		owner, err := hold(dir)
		if err == nil {
			return &scratch{s.disk, dir, owner}, nil
		}
		// A sweeper in another process may have come between the two: try anew.
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.ENOENT) {
			s.disk.Remove(dir) //nolint:errcheck // the first error counts
			return nil, err
		}
	}
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
		removeTree(s.disk, path) //nolint:errcheck // see above
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

// discard removes the scratch and what is in it. After keep it does nothing.
func (sc *scratch) discard() error {
	if sc.owner == nil {
		return nil
	}
	err := removeTree(sc.disk, sc.dir)
	sc.keep()
	return err
}

// keep ends the scratch's life under tmp: it was renamed to its final place.
func (sc *scratch) keep() {
	if sc.owner != nil {
		sc.owner.Close()
		sc.owner = nil
	}
}
