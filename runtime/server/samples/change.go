package samples

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// Move puts a sample under another label, which is made if it is new, with the
// last part of its name. If the label has the same picture under that name, the
// sample is gone afterwards and that one stays; if it has another one, the
// sample gets a name made of its content.
func (f *Folder) Move(label, name, to string) (moved Sample, err error) {
	full, err := locate(label, name)
	if err != nil {
		return Sample{}, err
	}
	if err := CheckLabel(to); err != nil {
		return Sample{}, err
	}
	err = f.change(false, func(root *os.Root) (err error) {
		info, err := f.file(root, full, label, name)
		if err != nil {
			return err
		}
		moved = Sample{Label: to, Name: path.Base(name), Bytes: info.Size(), Modified: info.ModTime().UTC()}
		if to == label {
			moved.Name = name
			return nil
		}
		unmake, err := makeLabel(root, to)
		if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				unmake()
			}
		}()
		err = rename(root, full, path.Join(to, moved.Name))
		if errors.Is(err, ErrExists) {
			moved.Name, err = meet(root, full, to, moved.Name)
		}
		if err != nil {
			return err
		}
		return errors.Join(syncDir(root, to), syncDir(root, path.Dir(full)))
	})
	return moved, err
}

// meet moves a sample to a label that has its name already.
func meet(root *os.Root, full, to, name string) (string, error) {
	file, err := root.Open(full)
	if err != nil {
		return "", err
	}
	content, _, err := digest.OfReader(file)
	file.Close()
	if err != nil {
		return "", err
	}
	if sameFile(root, path.Join(to, name), content) == nil {
		return name, root.Remove(full)
	}
	name = content.Hex()[:32] + path.Ext(name)
	return name, rename(root, full, path.Join(to, name))
}

// Remove removes a sample.
func (f *Folder) Remove(label, name string) error {
	full, err := locate(label, name)
	if err != nil {
		return err
	}
	return f.change(false, func(root *os.Root) error {
		if _, err := f.file(root, full, label, name); err != nil {
			return err
		}
		if err := root.Remove(full); err != nil {
			return err
		}
		return syncDir(root, path.Dir(full))
	})
}

// file reports what lies at full, which must be a file or a link to one.
func (f *Folder) file(root *os.Root, full, label, name string) (fs.FileInfo, error) {
	what := fmt.Sprintf("sample %.40q of %.40q", name, label)
	info, err := root.Lstat(full)
	if err != nil {
		return nil, missing(what, err)
	}
	if !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink {
		return nil, fmt.Errorf("%s is %w: it is no file", what, ErrNotFound)
	}
	return info, nil
}

// AddLabel makes a label without samples.
func (f *Folder) AddLabel(label string) error {
	if err := CheckLabel(label); err != nil {
		return err
	}
	return f.change(true, func(root *os.Root) error {
		err := root.Mkdir(label, 0o755)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("label %q is %w", label, ErrExists)
		}
		if err != nil {
			return err
		}
		return syncDir(root, ".")
	})
}

// RenameLabel gives a label another name, which must be free: samples of two
// labels are not thrown together.
func (f *Folder) RenameLabel(label, to string) error {
	if err := CheckLabel(to); err != nil {
		return err
	}
	return f.change(false, func(root *os.Root) error {
		if err := locateLabel(root, label); err != nil {
			return err
		}
		if label == to {
			return nil
		}
		// On file systems that do not tell case apart, Lamp is there if lamp is.
		there, err := root.Lstat(to)
		if here, _ := root.Lstat(label); err == nil && !os.SameFile(here, there) {
			return hint.Wrap(fmt.Errorf("label %q is %w", to, ErrExists), "move the samples one by one, then remove the empty label")
		}
		if err := root.Rename(label, to); err != nil {
			return err
		}
		return syncDir(root, ".")
	})
}

// RemoveLabel removes a label. One that has anything in it is ErrNotEmpty, unless
// everything is to go.
func (f *Folder) RemoveLabel(label string, everything bool) error {
	return f.change(false, func(root *os.Root) error {
		if err := locateLabel(root, label); err != nil {
			return err
		}
		if !everything {
			err := root.Remove(label)
			if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
				return hint.Wrap(fmt.Errorf("label %q is %w", label, ErrNotEmpty), "add ?samples=remove to remove its samples with it")
			}
			if err != nil {
				return err
			}
			return syncDir(root, ".")
		}
		// It goes at once; what a crash leaves is hidden.
		gone := scratch()
		if err := root.Rename(label, gone); err != nil {
			return err
		}
		if err := syncDir(root, "."); err != nil {
			return err
		}
		return root.RemoveAll(gone)
	})
}
