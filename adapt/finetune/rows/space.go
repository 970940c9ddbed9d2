package rows

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// Reserve makes sure that the disk has room for n rows, the ones already
// written among them, so that a full disk shows before the work and not in the
// middle of it. It does not change Len. Where the file system cannot promise
// room, Reserve does nothing.
func (r *Rows[T]) Reserve(n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n <= r.reserved {
		return nil
	}
	need := int64(n) * r.size
	for {
		err := unix.Fallocate(int(r.file.Fd()), 0, 0, need)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		case err != nil:
			return r.explain(fmt.Errorf("rows: reserve room for %d rows: %w", n, err), need)
		}
		r.reserved = n
		return nil
	}
}

// explain adds the next step to an error of the disk. need is how many bytes
// the file had to have.
func (r *Rows[T]) explain(err error, need int64) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the temporary file in %s needs at least %s%s: free some space there, or choose a folder on another disk", r.dir, size(need), r.free()))
	case errors.Is(err, unix.EFBIG):
		return hint.Wrap(err, fmt.Sprintf("the temporary file in %s needs at least %s, more than a file may have here (see ulimit -f)", r.dir, size(need)))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return hint.Wrap(err, fmt.Sprintf("temporary files are to lie in %s: create it, or choose a folder that can be written", r.dir))
	}
	return err
}

// free says how much room the file has and how much more there is, if known.
func (r *Rows[T]) free() string {
	var disk unix.Statfs_t
	var file unix.Stat_t
	if unix.Fstatfs(int(r.file.Fd()), &disk) != nil || unix.Fstat(int(r.file.Fd()), &file) != nil {
		return ""
	}
	return fmt.Sprintf(", of which it has %s while %s more are free", size(file.Blocks*512), size(int64(disk.Bavail)*disk.Bsize))
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}
