package base

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fsops"
)

// compare reads the model of e and compares it with its digest.
func compare(e Entry) error {
	d, _, err := digest.OfFile(e.Path)
	if err != nil {
		return err
	}
	if d != e.Digest {
		return fmt.Errorf("%w: %s has the digest %s, want %s", ErrDamaged, modelName, d.Short(), e.Digest.Short())
	}
	return nil
}

// makeDir makes the folder path and those above it, each synced into its parent.
// They are for their owner alone, as the store is.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent == path {
		return &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrNotExist}
	}
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was faster
		}
		return err
	}
	err := fsops.SyncDir(parent)
	if errors.Is(err, fs.ErrPermission) {
		return nil // a folder that may be written and not read cannot be synced either
	}
	return err
}
