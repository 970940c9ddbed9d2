package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
)

const maxTaskBytes = 64

// CheckTask reports whether name can name a task: 1 to 64 of a-z 0-9 . _ -, the
// first a letter or a digit. The name becomes a folder, a URL and an MQTT topic.
func CheckTask(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-"
	foreign := func(r rune) bool { return !strings.ContainsRune(allowed, r) }
	if name == "" || len(name) > maxTaskBytes || strings.ContainsFunc(name, foreign) || strings.ContainsRune("._-", rune(name[0])) {
		return hint.Wrap(fmt.Errorf("%q cannot name a task", name),
			"use 1 to 64 of a-z 0-9 . _ - that start with a letter or a digit, for example front-door")
	}
	return nil
}

// Tasks returns the names of the tasks that have a generation, sorted. A store
// that is not there yet has none.
func (s *Store) Tasks() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "tasks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	var tasks []string
	for _, e := range entries {
		if CheckTask(e.Name()) != nil {
			continue
		}
		numbers, err := s.numbers(e.Name())
		if err != nil {
			return nil, fmt.Errorf("list tasks: %w", err)
		}
		if len(numbers) > 0 {
			tasks = append(tasks, e.Name())
		}
	}
	return tasks, nil
}
