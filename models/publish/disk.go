package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/fsops"
	"github.com/edge-adapt/edge/internal/hint"
)

// The disk as a repository's folder changes it; tests put one of their own in its
// place.
type (
	disk   = fsops.Disk
	file   = fsops.File
	osDisk = fsops.OS
)

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
