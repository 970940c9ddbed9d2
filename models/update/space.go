package update

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// need is room for some bytes in a folder.
type need struct {
	dir   string
	bytes int64
}

// rooms is rooms with the client's reserve.
func (c *Client) rooms(needs ...need) error { return rooms(c.cfg.Reserve, needs...) }

// rooms reports whether the disks have room for all that is needed and for the
// reserve. Folders that are on the same disk share its room; one that is not there
// yet will be on the disk of the folder above.
func rooms(reserve int64, needs ...need) error {
	total := map[uint64]int64{}
	for _, n := range needs {
		dir, err := existing(n.dir)
		if err != nil {
			return err
		}
		var at unix.Stat_t
		if err := unix.Stat(dir, &at); err != nil {
			return &os.PathError{Op: "stat", Path: dir, Err: err}
		}
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			return &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
		disk := uint64(at.Dev) //nolint:unconvert // another type on other processors
		total[disk] += max(n.bytes, 0)
		want := total[disk] + max(reserve, 0)
		if free := int64(s.Bavail) * int64(s.Bsize); free < want { //nolint:unconvert // as above
			err := fmt.Errorf("%w: %s are free where %s is, %s are needed, %s of them to stay free", ErrSpace,
				humanize.IBytes(uint64(free)), dir, humanize.IBytes(uint64(want)), humanize.IBytes(uint64(max(reserve, 0))))
			return hint.Wrap(err, "free some space (edge models gc); what was fetched is kept")
		}
	}
	return nil
}

// existing returns the nearest folder of path that is there.
func existing(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(path)
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path, err
		}
		path = filepath.Dir(path)
	}
}
