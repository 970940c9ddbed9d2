package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// MaxFailedStarts is after how many failed starts a generation is to be rolled
// back from.
const MaxFailedStarts = 3

// maxStartsBytes bounds starts.json.
const maxStartsBytes = 1 << 10

// starts counts the starts of one activation that have not come to Started.
type starts struct {
	Generation int `json:"generation"`
	Activation int `json:"activation"` // its Number: activated again, a generation has a new chance
	Starts     int `json:"starts"`
}

// Starting records that the task's active generation is about to be opened, so
// that it is known even if the process does not live to tell. It returns how
// many starts of this activation failed before: those that no Started followed.
// With an error, failed is still what is on record. It waits for other changes
// to the task until ctx ends.
func (s *Store) Starting(ctx context.Context, task string) (failed int, err error) {
	active, err := s.Active(task)
	if err != nil {
		return 0, err
	}
	failed = s.failedStarts(task, active)
	lock, err := s.lockTask(ctx, task)
	if err != nil {
		return failed, fmt.Errorf("count a start: %w", s.explain(err))
	}
	defer lock.release()
	if active, err = s.Active(task); err != nil { // it may have moved meanwhile
		return 0, err
	}
	failed = s.failedStarts(task, active)
	data, err := marshal(starts{active.Current, active.Number, min(failed+1, maxNumber)})
	if err == nil {
		err = s.replace(s.startsPath(task), data)
	}
	if err != nil {
		return failed, fmt.Errorf("count a start: %w", s.explain(err))
	}
	return failed, nil
}

// Started records that the task's active generation serves: its starts so far
// are forgotten. It waits for other changes to the task until ctx ends.
func (s *Store) Started(ctx context.Context, task string) error {
	if _, err := s.Active(task); err != nil {
		return err
	}
	lock, err := s.lockTask(ctx, task)
	if err == nil {
		defer lock.release()
		err = s.disk.Remove(s.startsPath(task))
	}
	if err == nil {
		err = s.disk.SyncDir(s.taskDir(task))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the starts: %w", s.explain(err))
	}
	return nil
}

func (s *Store) startsPath(task string) string { return filepath.Join(s.taskDir(task), "starts.json") }

// failedStarts returns what is on record for this activation. A record that
// cannot be read counts as none: it must not keep a generation from its start.
func (s *Store) failedStarts(task string, active Activation) int {
	data, err := readLimited(s.startsPath(task), maxStartsBytes)
	if err != nil || len(data) > maxStartsBytes {
		return 0
	}
	var r starts
	if json.Unmarshal(data, &r) != nil || r.Generation != active.Current || r.Activation != active.Number ||
		r.Starts < 0 || r.Starts > maxNumber {
		return 0
	}
	return r.Starts
}
