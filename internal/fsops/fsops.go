// Package fsops is every way in which a folder that must survive crashes is
// changed: few calls, each of which a test can let fail, or be the last before a
// crash.
package fsops

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Disk is what is on the disk.
type Disk interface {
	// Mkdir makes one folder.
	Mkdir(path string, mode fs.FileMode) error
	// Create makes a file for writing and fails if the name is taken.
	Create(path string, mode fs.FileMode) (File, error)
	// Append opens a file for writing at its end, and makes it if it is missing.
	Append(path string, mode fs.FileMode) (File, error)
	// Rename moves a file, replacing another, or a folder.
	Rename(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(path string) error
	// SyncDir makes the names in a folder survive a power cut.
	SyncDir(path string) error
}

// File is a file open for writing. Sync makes its content survive a power cut.
type File interface {
	io.WriteCloser
	Sync() error
}

// OS is the disk itself.
type OS struct{}

// Mkdir makes one folder.
func (OS) Mkdir(path string, mode fs.FileMode) error { return os.Mkdir(path, mode) }

// Rename moves a file, replacing another, or a folder.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file or an empty folder.
func (OS) Remove(path string) error { return os.Remove(path) }

// Create makes a file for writing and fails if the name is taken.
func (OS) Create(path string, mode fs.FileMode) (File, error) {
	return openFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// Append opens a file for writing at its end, and makes it if it is missing.
func (OS) Append(path string, mode fs.FileMode) (File, error) {
	return openFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, mode)
}

// SyncDir is the function of that name.
func (OS) SyncDir(path string) error { return SyncDir(path) }

// SyncDir makes the names in a folder survive a power cut, where its file system
// can.
func SyncDir(path string) error {
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
func openFile(path string, flag int, mode fs.FileMode) (File, error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// WriteFile makes a new file with the content data and syncs it.
func WriteFile(d Disk, path string, data []byte, mode fs.FileMode) error {
	f, err := d.Create(path, mode)
	if err != nil {
		return err
	}
	return Finish(f, WriteAll(f, data))
}

// WriteAll writes data, and takes a short write for the error it is.
func WriteAll(w io.Writer, data []byte) error {
	n, err := w.Write(data)
	if err == nil && n < len(data) {
		return io.ErrShortWrite
	}
	return err
}

// Finish syncs and closes f, whose writing ended with err. It returns the first
// of the three errors: after a failed sync nothing is known about the content.
func Finish(f File, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// RemoveTree removes path and everything below it.
func RemoveTree(d Disk, path string) error {
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
		if err := RemoveTree(d, path+string(os.PathSeparator)+e.Name()); err != nil {
			return err
		}
	}
	return d.Remove(path)
}
