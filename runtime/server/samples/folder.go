// Package samples changes a task's samples, the folder of labelled images that a
// head is trained on, while other programs and people may look into it or
// change it too.
//
// # What holds
//
// Nothing outside the folder is read or changed, whatever names are asked for
// and whatever links lie in it: every access goes through os.Root. A picture is
// decoded before it is stored, is written under a hidden name, synced, and
// renamed: it is there whole or not at all. Pictures that are added are named by
// what is in them, so that adding one twice changes nothing. Nothing is ever
// written over.
//
// The folder has a folder a label, with pictures in it or in folders below it,
// as adapt reads it. One that is parted into train, val and test is shown and
// not changed.
package samples

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Reasons that errors.Is finds in what a Folder returns, beside those of
// pixel.Decode and of the file system (unix.ENOSPC).
var (
	ErrNotFound = errors.New("not in the samples")
	ErrExists   = errors.New("there already")
	ErrName     = errors.New("not a usable name")
	ErrNotEmpty = errors.New("not empty")
	ErrParted   = errors.New("parted into train, val and test folders")
)

// workDir is where half-made and half-removed things lie, hidden from adapt.
const workDir = ".edge-samples"

// Folder is a folder of samples. Its methods may be called concurrently; those
// that change something wait for each other.
type Folder struct {
	dir    string
	limits pixel.Limits

	mu    sync.Mutex // held while something changes
	swept bool

	// write stands for (*os.File).Write, so that tests can fill the disk.
	write func(*os.File, []byte) (int, error)
}

// New returns the samples in the folder dir, which need not exist until
// something is added. limits bounds the pictures that are taken.
func New(dir string, limits pixel.Limits) *Folder {
	return &Folder{dir: dir, limits: limits, write: (*os.File).Write}
}

// open opens the folder. One that is missing is ErrNotFound.
func (f *Folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder is %w: it does not exist yet", ErrNotFound)
	}
	return root, err
}

// change opens the folder for a change by fn, which is not parted. With create, it
// is made if it is missing.
func (f *Folder) change(create bool, fn func(*os.Root) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if create {
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return f.explain(err)
		}
	}
	root, err := f.open()
	if err != nil {
		return f.explain(err)
	}
	defer root.Close()
	if parted, err := isParted(root); err != nil {
		return err
	} else if parted {
		return hint.Wrap(fmt.Errorf("the samples are %w", ErrParted), "change the files themselves, or keep a plain folder a class")
	}
	if err := root.Mkdir(workDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return f.explain(err)
	}
	f.sweep(root)
	err = fn(root)
	root.Remove(workDir) //nolint:errcheck // it stays while something is in it
	return f.explain(err)
}

// sweep removes, once, what a process that was killed has left.
func (f *Folder) sweep(root *os.Root) {
	if f.swept {
		return
	}
	f.swept = true
	entries, err := fs.ReadDir(root.FS(), workDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour { // another process may be at work
			root.RemoveAll(path.Join(workDir, e.Name())) //nolint:errcheck // hidden, and tried again later
		}
	}
}

// scratch returns a new hidden name.
func scratch() string { return path.Join(workDir, rand.Text()) }

// syncDir makes what was renamed in a folder last.
func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some file systems have no such thing
		return err
	}
	return nil
}

// explain adds the next step to an error of the disk.
func (f *Folder) explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, "the disk that holds the samples is full: free some space and try again; what was stored before is untouched")
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, "the samples cannot be changed by the user that edge runs as: see the folder's owner and mode")
	case errors.Is(err, unix.EIO):
		return hint.Wrap(err, "the disk that holds the samples reports faults (see dmesg): copy the folder to another disk")
	}
	return err
}

// missing turns an error of the file system into ErrNotFound where that is meant:
// the name is not there, is no file, or is one that leads out of the folder.
func missing(what string, err error) error {
	var p *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENAMETOOLONG):
		return fmt.Errorf("%s is %w", what, ErrNotFound)
	case errors.As(err, &p) && !isErrno(p.Err):
		return fmt.Errorf("%s is %w: a link that leads out of the folder", what, ErrNotFound) // os.Root has no error for it to be found by
	}
	return err
}

func isErrno(err error) bool {
	var number unix.Errno
	return errors.As(err, &number)
}
