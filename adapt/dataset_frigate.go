package adapt

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What Frigate calls its folders. A custom classification has a folder of its
// own, with a folder of sorted crops (dataset, a folder a class) and a folder of
// crops that nobody has sorted yet (train). Its library of faces has the latter
// among the folders of the people.
const (
	frigateSorted   = "dataset"
	frigateUnsorted = "train"
	frigateNone     = "none" // the class of what is no other; made without being asked for, so often empty
)

const unsortedReason = "Frigate's crops that nobody has sorted: they have no label"

// neighbours looks at the top folders for the layouts of Frigate, and returns the
// folders that hold classes or splits. Other layouts stay as they are.
func (w *walk) neighbours(folders []string) ([]string, error) {
	if slices.Contains(folders, frigateSorted) && w.isFrigate(folders) {
		w.note(frigateSorted)
		if slices.Contains(folders, frigateUnsorted) {
			w.skip(nil, frigateUnsorted, unsortedReason, true)
		}
		inside, err := w.top(frigateSorted)
		if err != nil {
			return nil, err
		}
		return w.withoutEmptyNone(inside), nil
	}
	if filepath.Base(w.dir) == frigateSorted {
		folders = w.withoutEmptyNone(folders)
	}
	if i := slices.Index(folders, frigateUnsorted); i >= 0 && len(folders) > 1 && w.attempts(frigateUnsorted) {
		w.skip(nil, frigateUnsorted, unsortedReason, true)
		folders = slices.Delete(folders, i, i+1)
	}
	return folders, nil
}

// isFrigate reports whether the top folders are those of a custom classification:
// dataset with folders in it, and beside it at most train, with none.
func (w *walk) isFrigate(folders []string) bool {
	for _, f := range folders {
		if f != frigateSorted && (f != frigateUnsorted || w.hasFolders(f)) {
			return false
		}
	}
	return w.hasFolders(frigateSorted)
}

// withoutEmptyNone leaves out a folder of Frigate's class none with nothing in it.
func (w *walk) withoutEmptyNone(folders []string) []string {
	return slices.DeleteFunc(folders, func(f string) bool {
		if filepath.Base(f) != frigateNone || !w.everyFile(f, func(string) bool { return false }) {
			return false
		}
		w.skip(nil, f, "Frigate's class for what is no other, with no image in it", true)
		return true
	})
}

// attempts reports whether a folder holds nothing but files that Frigate named,
// and at least one.
func (w *walk) attempts(folder string) bool {
	some := false
	return w.everyFile(folder, func(name string) bool {
		some = true
		return isAttempt(name)
	}) && some
}

// everyFile reports whether ok is true of all that lies in a folder; of folders
// in it, it is not.
func (w *walk) everyFile(folder string, ok func(name string) bool) bool {
	all := true
	scratch := &class{} // what is skipped is skipped again later, for good
	err := w.entries(scratch, folder, func(path string, info fs.FileInfo) error {
		all = all && !info.IsDir() && ok(filepath.Base(path))
		return nil
	})
	return err == nil && all && len(scratch.lost) == 0
}

// isAttempt reports whether a file has the name that Frigate gives to a crop it
// has tried to tell: EVENT-TIME-LABEL-SCORE, where the event's own name has one
// hyphen, or is none-none, and times are seconds since 1970.
func isAttempt(name string) bool {
	if !hasImageEnding(name) {
		return false
	}
	parts := strings.Split(strings.TrimSuffix(name, filepath.Ext(name)), "-")
	if len(parts) != 5 || parts[0] == "" || parts[1] == "" || parts[3] == "" {
		return false
	}
	const year2001 = 1e9 // any time of a camera is later
	at, err := strconv.ParseFloat(parts[2], 64)
	score, err2 := strconv.ParseFloat(parts[4], 64)
	return err == nil && err2 == nil && at > year2001 && score >= 0 && score <= 1
}
