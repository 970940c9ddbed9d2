package base

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/fsops"
	"github.com/edge-adapt/edge/internal/hint"
)

const (
	lockName    = ".lock"
	scratchName = ".tmp"
	readyPrefix = "ready-" // before a name: a whole base that takes the place of another
)

// Add puts a base into the library and returns its entry, after running it (see
// OpenLibrary). Nothing is kept of a base that fails.
//
// A base of that name that is there already is returned as it is if it is the
// same, replaced if the draft says so, and ErrTaken otherwise. Add waits until
// ctx ends while another process adds or removes.
func (l *Library) Add(ctx context.Context, d Draft) (Entry, error) {
	e, err := l.add(ctx, d)
	if err != nil {
		return Entry{}, fmt.Errorf("add base %q: %w", d.Name, l.explain(err))
	}
	return e, nil
}

func (l *Library) add(ctx context.Context, d Draft) (Entry, error) {
	e, err := d.entry()
	if err != nil {
		return Entry{}, err
	}
	release, err := l.lock(ctx)
	if err != nil {
		return Entry{}, err
	}
	defer release()
	there, err := l.get(d.Name)
	switch {
	case err == nil && there.same(e) && compare(there) == nil:
		return there, nil
	case errors.Is(err, ErrNotFound):
	case !d.Replace:
		return Entry{}, hint.Wrap(ErrTaken, "replace it with --force, or choose another name with --name NAME")
	}
	scratch := filepath.Join(l.dir, scratchName, rand.Text())
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // what stays is swept by the next one
	e.Path = filepath.Join(scratch, modelName)
	if err := fsops.WriteFile(fsops.OS{}, e.Path, d.Model, 0o444); err != nil {
		return Entry{}, err
	}
	if l.prove != nil {
		if e.Checks, err = l.prove(ctx, e.Source()); err != nil {
			return Entry{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Entry{}, context.Cause(ctx)
	}
	text, err := e.encode()
	if err != nil {
		return Entry{}, err
	}
	if err := fsops.WriteFile(fsops.OS{}, filepath.Join(scratch, entryName), text, 0o644); err != nil {
		return Entry{}, err
	}
	if err := fsops.SyncDir(scratch); err != nil {
		return Entry{}, err
	}
	if err := l.publish(scratch, d.Name); err != nil {
		return Entry{}, err
	}
	e.Path = filepath.Join(l.dir, d.Name, modelName)
	return e, nil
}

// publish gives the synced folder scratch the name of a base. A base that has
// it is exchanged in the same step and lies in scratch then.
func (l *Library) publish(scratch, name string) error {
	final := filepath.Join(l.dir, name)
	err := unix.Renameat2(unix.AT_FDCWD, scratch, unix.AT_FDCWD, final, unix.RENAME_NOREPLACE)
	if unsupported(err) {
		if _, statErr := os.Lstat(final); errors.Is(statErr, fs.ErrNotExist) {
			err = os.Rename(scratch, final)
		} else {
			err = unix.EEXIST
		}
	}
	if errors.Is(err, unix.EEXIST) {
		err = l.swap(scratch, final)
		if unsupported(err) {
			return l.replace(scratch, name)
		}
	}
	if err != nil {
		return fmt.Errorf("give it its name: %w", err)
	}
	return fsops.SyncDir(l.dir)
}

// exchange swaps the names of two folders in one step.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// unsupported reports whether the file system knows no such way of renaming.
func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP)
}

// replace puts scratch in the place of the base of that name where folders
// cannot be exchanged. For an instant nothing has the name; after a kill in it,
// the next one to add or remove completes what was begun (see sweep).
func (l *Library) replace(scratch, name string) error {
	tmp, final := filepath.Join(l.dir, scratchName), filepath.Join(l.dir, name)
	ready := filepath.Join(tmp, readyPrefix+name)
	if err := os.Rename(scratch, ready); err != nil {
		return err
	}
	if err := fsops.SyncDir(tmp); err != nil {
		return err
	}
	if err := os.Rename(final, filepath.Join(tmp, rand.Text())); err != nil {
		return err
	}
	if err := os.Rename(ready, final); err != nil {
		return err
	}
	return errors.Join(fsops.SyncDir(l.dir), l.sweep())
}

// Remove takes the base of that name out of the library, also one that is
// damaged. Generations that were made with it keep working: the store has a base
// of its own for them. Remove waits like Add.
func (l *Library) Remove(ctx context.Context, name string) error {
	if err := l.remove(ctx, name); err != nil {
		return fmt.Errorf("remove base %q: %w", name, l.explain(err))
	}
	return nil
}

func (l *Library) remove(ctx context.Context, name string) error {
	// Asked first, so that nothing is made where there is no library.
	if _, err := l.get(name); errors.Is(err, ErrNotFound) {
		return err
	}
	release, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	away := filepath.Join(l.dir, scratchName, rand.Text())
	if err := os.Rename(filepath.Join(l.dir, name), away); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNotFound // another process was faster
		}
		return err
	}
	return errors.Join(fsops.SyncDir(l.dir), os.RemoveAll(away))
}

// lock makes the library's folders where they are missing, waits for the right
// to change it until ctx ends, and sweeps. It ends with release, or the process.
func (l *Library) lock(ctx context.Context) (release func(), err error) {
	if err := makeDir(l.dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(l.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	// There is no flock that ends with a context; asking again is cheap.
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			f.Close()
			return nil, hint.Wrap(fmt.Errorf("another process is changing the library: %w", context.Cause(ctx)), "wait until it has ended, and run the command again")
		}
	}
	release = func() {
		// A child forked at this very moment may share the file for an instant,
		// so closing alone would not do.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
		_ = f.Close()
	}
	if err := errors.Join(makeDir(filepath.Join(l.dir, scratchName)), l.sweep()); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// sweep completes what replace began and removes all else that a killed process
// left. Who calls it holds the lock.
func (l *Library) sweep() error {
	tmp := filepath.Join(l.dir, scratchName)
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(tmp, e.Name())
		if name, ready := strings.CutPrefix(e.Name(), readyPrefix); ready && CheckName(name) == nil {
			final := filepath.Join(l.dir, name)
			if _, err := os.Lstat(final); errors.Is(err, fs.ErrNotExist) {
				if err := errors.Join(os.Rename(path, final), fsops.SyncDir(l.dir)); err != nil {
					return err
				}
				continue
			}
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// explain adds the next step to an error of the disk.
func (l *Library) explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s is full: free some space and run the command again; nothing was changed", l.dir))
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, fmt.Sprintf("%s cannot be written here: run as the user it belongs to, or choose another folder with --store DIR", l.dir))
	}
	return err
}
