package remote

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSegment is the longest name of one file or folder, in bytes, that the
// usual file systems take; maxName is the longest key of an object store.
const (
	maxSegment = 255
	maxName    = 1024
)

// ErrName is the cause when a store has a key that cannot be a file name here.
var ErrName = errors.New("not a safe file name")

// checkName accepts a name only if it leads, as a relative path with slashes,
// to a file below the folder it is resolved in, in one way only. Keys are any
// bytes, chosen by whoever may write to the bucket.
func checkName(name string) error {
	if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, `\`) {
		return fmt.Errorf("%.200q: %w", name, ErrName)
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegment {
			return fmt.Errorf("%.200q: %w", name, ErrName)
		}
	}
	return nil
}

// checkTree accepts names that can all be files in one folder: each is safe and
// not reserved, none is there twice, none is also a folder of another.
func checkTree(files []file) error {
	names := make(map[string]bool, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return err
		}
		if f.Name == manifestName || strings.HasPrefix(f.Name, partial) {
			return fmt.Errorf("%q: the name is reserved: %w", f.Name, ErrName)
		}
		if names[f.Name] {
			return fmt.Errorf("%q is there twice: %w", f.Name, ErrName)
		}
		names[f.Name] = true
	}
	for _, f := range files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if names[dir] {
				return fmt.Errorf("%q is both a file and a folder: %w", dir, ErrName)
			}
		}
	}
	return nil
}

func sortFiles(files []file) {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.Name, b.Name) })
}
