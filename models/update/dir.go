package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// dirSource is a folder.
type dirSource struct{ path string }

// Dir returns the repository in a folder, such as a USB stick's: the one that has
// metadata/ and targets/ in it, or that has it in public/, as the publisher's has.
// Links are followed as long as they do not leave the folder. Nothing is open
// between calls, so a stick may be pulled.
func Dir(path string) (Source, error) {
	for _, dir := range []string{path, filepath.Join(path, "public")} {
		if info, err := os.Stat(filepath.Join(dir, "metadata")); err == nil && info.IsDir() {
			return dirSource{dir}, nil
		}
	}
	return nil, hint.Wrap(fmt.Errorf("%s is no repository: %w", path, ErrNotThere), "give the folder that has metadata/ and targets/ in it")
}

func (d dirSource) Open(_ context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	if err := checkName(name); err != nil {
		return nil, 0, err
	}
	return openIn(d.path, name, offset)
}

// openIn opens a plain file below a folder, which its links do not leave.
func openIn(dir, name string, offset int64) (io.ReadCloser, int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	// Opening a pipe would wait for whoever writes to it.
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s is %w", name, ErrNotThere)
	}
	if errno := new(unix.Errno); err != nil && !errors.As(err, errno) {
		err = fmt.Errorf("%w: %w", ErrForm, err) // os says that it leads out of the folder, and has no name for that
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no plain file: %w", name, ErrForm)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (dirSource) Close() error { return nil }
