package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lostDir is where Fsck puts what is damaged, for people to look at.
func (s *Store) lostDir() string { return filepath.Join(s.dir, "lost") }

// setAside moves what lies at path into the folder of lost things, under a name
// that is not taken, and returns where to.
func (s *Store) setAside(path, name string) (string, error) {
	if err := s.mkdirs(s.lostDir()); err != nil {
		return "", err
	}
	to := filepath.Join(s.lostDir(), name)
	for i := 2; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", err
		}
		to = filepath.Join(s.lostDir(), fmt.Sprintf("%s-%d", name, i))
	}
	if err := s.publish(path, to); err != nil {
		return "", err
	}
	return to, s.disk.SyncDir(filepath.Dir(path))
}
