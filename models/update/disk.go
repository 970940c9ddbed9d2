package update

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/fsops"
)

// folder is the state folder, and every way in which it is changed: paths are
// relative to it.
type folder struct {
	dir string // absolute
	// before is called ahead of every change of the disk. Tests let one fail there,
	// or the process end; nil elsewhere.
	before func(op, path string) error
}

func (d folder) path(name string) string { return filepath.Join(d.dir, name) }

// step makes one change.
func (d folder) step(op, name string, do func() error) error {
	if d.before != nil {
		if err := d.before(op, name); err != nil {
			return &fs.PathError{Op: op, Path: d.path(name), Err: err}
		}
	}
	return do()
}

// mkdirs makes the folder name and those above it, for the owner alone.
func (d folder) mkdirs(name string) error {
	path := d.path(name)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if name != "." {
		if err := d.mkdirs(filepath.Dir(name)); err != nil {
			return err
		}
		err := d.step("mkdir", name, func() error { return os.Mkdir(path, 0o700) })
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return d.syncDir(filepath.Dir(name))
	}
	return d.step("mkdir", name, func() error { return os.MkdirAll(path, 0o700) })
}

// replace gives the file name the content data, in one step for any reader.
// Needs a lock: the name that it writes under first is always the same, so that
// nothing is left over.
func (d folder) replace(name string, data []byte, mode fs.FileMode) error {
	if err := d.mkdirs(filepath.Dir(name)); err != nil {
		return err
	}
	part := name + ".new"
	if err := d.writeNew(part, data, mode); err != nil {
		os.Remove(d.path(part)) //nolint:errcheck // it is written over the next time
		return err
	}
	return d.rename(part, name)
}

func (d folder) writeNew(name string, data []byte, mode fs.FileMode) error {
	var f *os.File
	err := d.step("create", name, func() (err error) {
		if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err = os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		return err
	})
	if err != nil {
		return err
	}
	_, err = d.write(name, f, data)
	if err == nil {
		err = d.sync(name, f)
	}
	return errors.Join(err, f.Close())
}

// write writes all of data, or says how much of it was written.
func (d folder) write(name string, w io.Writer, data []byte) (n int, err error) {
	err = d.step("write", name, func() error {
		if n, err = w.Write(data); err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
		return err
	})
	return n, err
}

func (d folder) sync(name string, f *os.File) error { return d.step("sync", name, f.Sync) }

// rename gives a synced file its final name.
func (d folder) rename(from, to string) error {
	err := d.step("rename", to, func() error { return os.Rename(d.path(from), d.path(to)) })
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(to))
}

// remove removes a file, if it is there.
func (d folder) remove(name string) error {
	err := d.step("remove", name, func() error { return os.Remove(d.path(name)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir makes the names in a folder survive a power cut.
func (d folder) syncDir(name string) error {
	return d.step("sync folder", name, func() error { return fsops.SyncDir(d.path(name)) })
}

// read reads a small file whole.
func (d folder) read(name string, limit int64) ([]byte, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: d.path(name), Err: ErrTooLong}
	}
	return data, err
}
