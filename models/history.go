package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/fsops"
)

// maxHistoryBytes is how much of the end of a task's activations is read.
const maxHistoryBytes = 4 << 20

// History returns the task's activations, the oldest first. Of a very long
// history the oldest are left out.
func (s *Store) History(task string) ([]Activation, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	past, err := s.recorded(task)
	if err != nil {
		return nil, fmt.Errorf("history of task %q: %w", task, err)
	}
	// The latest may stand in active.json alone: see activate.
	if a, err := s.Active(task); err == nil && a.Number > last(past).Number {
		past = append(past, a)
	}
	return past, nil
}

func (s *Store) historyPath(task string) string {
	return filepath.Join(s.taskDir(task), "activations.jsonl")
}

// recorded reads the lines of the history. A line that a crash tore is skipped.
func (s *Store) recorded(task string) ([]Activation, error) {
	data, err := readTail(s.historyPath(task), maxHistoryBytes)
	if err != nil {
		return nil, err
	}
	var past []Activation
	for line := range bytes.Lines(data) {
		if a, err := parseActivation(line); err == nil {
			past = append(past, a)
		}
	}
	return past, nil
}

func (s *Store) lastRecorded(task string) (Activation, error) {
	past, err := s.recorded(task)
	return last(past), err
}

// record appends a to the history. Needs the task's lock.
func (s *Store) record(task string, a Activation) error {
	return s.appendLine(s.historyPath(task), a)
}

// appendLine appends v as JSON to the file at path, on a line of its own even if
// the line before is torn. Needs the task's lock.
func (s *Store) appendLine(path string, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	tail, err := readTail(path, 1)
	if err != nil {
		return err
	}
	if len(tail) > 0 && tail[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	f, err := s.disk.Append(path, 0o644)
	if err != nil {
		return err
	}
	if err := fsops.Finish(f, fsops.WriteAll(f, line)); err != nil {
		return err
	}
	return s.disk.SyncDir(filepath.Dir(path))
}

// readTail reads the last limit bytes of a file; one that is missing is empty.
func readTail(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-limit), limit))
}

// last returns the zero Activation of an empty history.
func last(past []Activation) Activation {
	if len(past) == 0 {
		return Activation{}
	}
	return past[len(past)-1]
}
