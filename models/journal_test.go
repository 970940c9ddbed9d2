package models

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// journal knows what a power cut could take back: names in folders that were not
// synced since, and bytes of files that were not synced since.
type journal struct {
	t       testing.TB
	grave   string // a folder outside the store for what was removed or replaced
	buried  int
	changes []*change // that are not yet durable, the oldest first
	files   []*watched
}

// change is one change of a folder, and how to take it back.
type change struct {
	path    string // the name that was made, moved to or removed
	durable bool
	undo    func(path string) error
}

// watched is a file that was written to.
type watched struct {
	file   *os.File // a handle of our own, good for truncating wherever the name went
	synced int64    // bytes that are durable
}

func newJournal(t *testing.T) *journal { return &journal{t: t, grave: memoryDir(t)} }

func (j *journal) note(path string, undo func(string) error) {
	j.changes = append(j.changes, &change{path: path, undo: undo})
}

func (j *journal) made(path string) { j.note(path, os.RemoveAll) }

func (j *journal) opening(path string) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		j.note(path, os.RemoveAll)
	}
}

func (j *journal) watch(path string) error {
	os.Chmod(path, 0o600) //nolint:errcheck // the next line tells
	own, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := own.Stat()
	j.files = append(j.files, &watched{own, info.Size()})
	return err
}

// synced is called after a sync, which is of a file and not of one's own writes.
func (j *journal) synced(f file) {
	info, err := f.(*os.File).Stat()
	must(j.t, err)
	for _, w := range j.files {
		if own, err := w.file.Stat(); err == nil && os.SameFile(own, info) {
			w.synced = info.Size()
		}
	}
}

// renaming is called before the rename, while a replaced file is still there.
func (j *journal) renaming(from, to string) {
	replaced := ""
	if info, err := os.Stat(to); err == nil && !info.IsDir() {
		replaced = j.bury()
		must(j.t, os.Link(to, replaced))
	}
	j.note(to, func(to string) error {
		if err := os.Rename(to, from); err != nil || replaced == "" {
			return err
		}
		return os.Rename(replaced, to)
	})
	// What was made in a folder now lies under its new name.
	for _, c := range j.changes {
		if rest, ok := strings.CutPrefix(c.path, from+"/"); ok {
			c.path = to + "/" + rest
		}
	}
}

func (j *journal) remove(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		j.note(path, func(path string) error { return os.Mkdir(path, 0o755) })
		return os.Remove(path)
	}
	grave := j.bury()
	j.note(path, func(path string) error { return os.Rename(grave, path) })
	return os.Rename(path, grave)
}

func (j *journal) bury() string {
	j.buried++
	return filepath.Join(j.grave, strconv.Itoa(j.buried))
}

func (j *journal) syncedDir(dir string) {
	for _, c := range j.changes {
		c.durable = c.durable || filepath.Dir(c.path) == dir
	}
}

// cut is the power cut. All bytes are lost that were not synced, and of the
// changes that were not, those that keep(i) does not save; i counts from 0.
func (j *journal) cut(keep func(i int) bool) {
	for _, w := range j.files {
		must(j.t, w.file.Truncate(w.synced))
		w.file.Close()
	}
	for i := len(j.changes) - 1; i >= 0; i-- {
		if c := j.changes[i]; !c.durable && !keep(i) {
			// A folder above may have gone or moved back already.
			c.undo(c.path) //nolint:errcheck // see above
		}
	}
}
