package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// after is what happens to files that are done.
type after struct {
	what   what
	target string // absolute, of moveAway
}

type what int

const (
	keep what = iota
	moveAway
	remove
)

// rejected is the folder in the target that holds what cannot be used.
const rejected = "rejected"

// errChanged says that a file is not the one any more that was delivered.
var errChanged = errors.New("it has been written anew")

// parseAfter reads Options.After.
func parseAfter(text, root string) (after, error) {
	target, moves := strings.CutPrefix(text, "move:")
	switch {
	case text == "" || text == "keep":
		return after{}, nil
	case text == "delete":
		return after{what: remove}, nil
	case moves && target != "":
		if !filepath.IsAbs(target) {
			target = filepath.Join(root, target)
		}
		return after{moveAway, filepath.Clean(target)}, nil
	}
	return after{}, wrong(fmt.Sprintf("nothing is called %q that could be done with files", text), "after is keep, move:FOLDER or delete")
}

// prepare sees to it that what is to happen can happen, before the first file.
func (a after) prepare(root string, info fs.FileInfo) error {
	if a.what == keep {
		return nil
	}
	if err := unix.Access(root, unix.W_OK|unix.X_OK); err != nil {
		return hint.Wrap(fmt.Errorf("folder: %s: files cannot be taken out of it: %w", root, err), "let the user that edge runs as write to it, or take after=keep")
	}
	if a.what == remove {
		return nil
	}
	for _, folder := range []string{a.target, filepath.Join(a.target, rejected)} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return hint.Wrap(fmt.Errorf("folder: where files are moved to: %w", err), "name a folder that can be written to: after=move:FOLDER")
		}
		switch other, err := os.Stat(folder); {
		case err != nil:
			return fmt.Errorf("folder: where files are moved to: %w", err)
		case os.SameFile(info, other):
			return wrong("files would be moved to where they are", "name another folder: after=move:FOLDER")
		}
		if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
			return hint.Wrap(fmt.Errorf("folder: %s: files cannot be moved there: %w", folder, err), "name a folder that can be written to: after=move:FOLDER")
		}
	}
	return nil
}

// isTarget reports whether path is the folder that files are moved to.
func (a after) isTarget(path string) bool { return a.what == moveAway && path == a.target }

// unchanged returns errChanged unless the file is still the one that was read. It
// also reports whether it is a link.
func unchanged(root string, f *file) (link bool, err error) {
	path := filepath.Join(root, f.name)
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if link = info.Mode()&fs.ModeSymlink != 0; link {
		if info, err = os.Stat(path); err != nil {
			return link, err
		}
	}
	if stampOf(info) != f.stamp {
		return link, errChanged
	}
	return link, nil
}

// remove deletes a file.
func (a after) remove(root string, f *file) error {
	if _, err := unchanged(root, f); err != nil {
		return err
	}
	// Inside the folder, whatever has become of the folders in it meanwhile.
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Remove(f.name)
}

// move moves a file to where it lies in the target, or in a folder of the target.
func (a after) move(root string, f *file, folder string) error {
	link, err := unchanged(root, f)
	if err != nil {
		return err
	}
	to := filepath.Join(a.target, folder, filepath.Dir(f.name))
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	m, err := newMover(root, f.name, to)
	if err != nil {
		return err
	}
	defer m.close()
	if link {
		return m.copy() // a link may lead nowhere from there
	}
	if err := m.rename(); !errors.Is(err, unix.EXDEV) {
		return err
	}
	return m.copy()
}
