package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// disk is every way in which a repository's folder changes, so that tests can let
// any one call fail, or be the last before a crash.
type disk interface {
	// Mkdir makes one folder.
	Mkdir(path string, mode fs.FileMode) error
	// Create makes a file for writing and fails if the name is taken.
	Create(path string, mode fs.FileMode) (file, error)
	// Rename moves a file, replacing another.
	Rename(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(path string) error
	// SyncDir makes the names in a folder survive a power cut.
	SyncDir(path string) error
}

// file is a file open for writing. Sync makes its content survive a power cut.
type file interface {
	io.WriteCloser
	Sync() error
}

// osDisk is the disk itself.
type osDisk struct{}

func (osDisk) Mkdir(path string, mode fs.FileMode) error { return os.Mkdir(path, mode) }
func (osDisk) Rename(from, to string) error              { return os.Rename(from, to) }
func (osDisk) Remove(path string) error                  { return os.Remove(path) }

func (osDisk) Create(path string, mode fs.FileMode) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osDisk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil // this file system cannot sync a folder: there is no more to be had
	}
	return err
}

// mkdirs makes the folder dir inside the repository, and those above it.
func (r *Repository) mkdirs(dir string, mode fs.FileMode) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrNotExist}
	}
	if err := r.mkdirs(parent, mode); err != nil {
		return err
	}
	if err := r.disk.Mkdir(dir, mode); err != nil {
		return err
	}
	return r.disk.SyncDir(parent)
}

// part is a file in the making, in the repository's tmp.
type part struct {
	r    *Repository
	path string
	file file
	done bool
}

// newPart begins a file. Call discard in the end, whatever happens.
func (r *Repository) newPart(mode fs.FileMode) (*part, error) {
	if err := r.mkdirs(r.path("tmp"), 0o700); err != nil {
		return nil, err
	}
	r.parts++
	path := r.path("tmp", fmt.Sprintf("%d-%d", os.Getpid(), r.parts))
	f, err := r.disk.Create(path, mode)
	if err != nil {
		return nil, err
	}
	return &part{r: r, path: path, file: f}, nil
}

// Write writes all of p, and takes a short write for the error it is.
func (p *part) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return n, err
}

// publish syncs the file and gives it its final name, in one step for any reader.
func (p *part) publish(to string) error {
	p.done = true
	err := p.file.Sync()
	if closed := p.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := p.r.mkdirs(filepath.Dir(to), p.r.modeOf(to)); err != nil {
		return err
	}
	if err := p.r.disk.Rename(p.path, to); err != nil {
		return err
	}
	p.path = ""
	return p.r.disk.SyncDir(filepath.Dir(to))
}

// discard removes what was not published.
func (p *part) discard() {
	if !p.done {
		p.file.Close() //nolint:errcheck // it is removed
	}
	if p.path != "" {
		p.r.disk.Remove(p.path) //nolint:errcheck // what stays is swept by the next change
	}
}

// modeOf is the mode of the folder in which the file at path lies: others may read
// what devices see, and nothing else.
func (r *Repository) modeOf(path string) fs.FileMode {
	if rel, err := filepath.Rel(r.path("public"), path); err == nil && filepath.IsLocal(rel) {
		return 0o755
	}
	return 0o700
}

// write gives the file at path the content data, in one step for any reader.
func (r *Repository) write(path string, data []byte, mode fs.FileMode) error {
	p, err := r.newPart(mode)
	if err != nil {
		return err
	}
	defer p.discard()
	if _, err := p.Write(data); err != nil {
		return err
	}
	return p.publish(path)
}

// sweep removes what changes that were cut off have left. It needs the lock.
func (r *Repository) sweep() error {
	entries, err := os.ReadDir(r.path("tmp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		path := r.path("tmp", e.Name())
		if e.IsDir() { // of a bundle that was read
			err = os.RemoveAll(path)
		} else {
			err = r.disk.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explain adds the next step to an error of the disk.
func (r *Repository) explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s is full: free some space and run the command again; devices see what was published before", r.dir))
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, fmt.Sprintf("%s cannot be written here: run as the user it belongs to", r.dir))
	case errors.Is(err, unix.EIO):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s reports faults (see dmesg): copy the folder to another disk", r.dir))
	}
	return err
}
