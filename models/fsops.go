package models

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// disk is every way in which the store changes what is on the disk, so that
// tests can let any one call fail, or be the last before a crash.
type disk interface {
	// Mkdir makes one folder.
	Mkdir(path string, mode fs.FileMode) error
	// Create makes a file for writing and fails if the name is taken.
	Create(path string, mode fs.FileMode) (file, error)
	// Append opens a file for writing at its end, and makes it if it is missing.
	Append(path string, mode fs.FileMode) (file, error)
	// Rename moves a file, replacing another, or a folder.
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
	return openFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

func (osDisk) Append(path string, mode fs.FileMode) (file, error) {
	return openFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, mode)
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

// openFile keeps a nil *os.File from becoming a file that is not nil.
func openFile(path string, flag int, mode fs.FileMode) (file, error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// writeFile makes a new file with the content data and syncs it.
func writeFile(d disk, path string, data []byte, mode fs.FileMode) error {
	f, err := d.Create(path, mode)
	if err != nil {
		return err
	}
	return finish(f, writeAll(f, data))
}

// writeAll writes data, and takes a short write for the error it is.
func writeAll(w io.Writer, data []byte) error {
	n, err := w.Write(data)
	if err == nil && n < len(data) {
		return io.ErrShortWrite
	}
	return err
}

// finish syncs and closes f, whose writing ended with err. It returns the first
// of the three errors: after a failed sync nothing is known about the content.
func finish(f file, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// removeTree removes path and everything below it.
func removeTree(d disk, path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.ENOTDIR) {
			return err
		}
	}
	for _, e := range entries {
		if err := removeTree(d, path+string(os.PathSeparator)+e.Name()); err != nil {
			return err
		}
	}
	return d.Remove(path)
}
