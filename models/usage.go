package models

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Usage is how many bytes the store's files hold, by what they are for. What is
// half-made does not count, nor do folders.
type Usage struct {
	Bases       int64 `json:"bases"`
	Generations int64 `json:"generations"`
	Lost        int64 `json:"lost"`  // what Fsck set aside
	Other       int64 `json:"other"` // pointers and records
}

// Total is the sum.
func (u Usage) Total() int64 { return u.Bases + u.Generations + u.Lost + u.Other }

// Usage measures the store. A store that is not there holds nothing.
func (s *Store) Usage() (Usage, error) {
	var u Usage
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if path == s.tmpDir() && err == nil {
			return fs.SkipDir
		}
		var info fs.FileInfo
		if err == nil && e.Type().IsRegular() {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) { // gone meanwhile
			return nil
		}
		if err != nil || info == nil {
			return err
		}
		rel, _ := filepath.Rel(s.dir, path)
		parts := strings.Split(rel, string(filepath.Separator))
		switch {
		case parts[0] == "blobs":
			u.Bases += info.Size()
		case parts[0] == "lost":
			u.Lost += info.Size()
		case parts[0] == "tasks" && len(parts) > 3 && parts[2] == "generations":
			u.Generations += info.Size()
		default:
			u.Other += info.Size()
		}
		return nil
	})
	return u, err
}

// treeBytes is how many bytes the files below path hold.
func treeBytes(path string) (total int64) {
	filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error { //nolint:errcheck // what cannot be seen does not count
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
