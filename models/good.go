package models

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// By is who or what takes a generation out of use.
type By string

// Who takes a generation out of use.
const (
	ByPerson     By = "person"     // somebody asked for it
	ByProbation  By = "probation"  // it did worse than the one before
	ByStarts     By = "starts"     // it failed to start, again and again
	ByRevocation By = "revocation" // the release that it was made from was revoked
)

// Mark is a word about a generation by whoever watched it: a runtime after its
// probation, or a person. The latest word about a generation counts.
type Mark struct {
	Generation int       `json:"generation"`
	Good       bool      `json:"good"`         // false: it was rolled back from
	By         By        `json:"by,omitempty"` // who did, of those that were
	When       time.Time `json:"when,omitzero"`
	Who        string    `json:"who,omitempty"` // user name
	Why        string    `json:"why,omitempty"`
}

// MarkGood records that generation n has proven itself, so that a rollback may
// go back to it; marked again, it is the first choice again. A reason that is too
// long is cut. It waits for other changes to the task until ctx ends. After an error
// the mark may stand or not.
func (s *Store) MarkGood(ctx context.Context, task string, n int, why string) error {
	if err := s.markGood(ctx, task, n, clip(why)); err != nil {
		return fmt.Errorf("mark good: %w", s.explain(err))
	}
	return nil
}

func (s *Store) markGood(ctx context.Context, task string, n int, why string) error {
	if _, err := s.load(task, n); err != nil { // before the lock, which would make the task's folder
		return err
	}
	lock, err := s.lockTask(ctx, task)
	if err != nil {
		return err
	}
	defer lock.release()
	if _, err := s.load(task, n); err != nil { // it may have been collected meanwhile
		return err
	}
	return s.mark(task, Mark{Generation: n, Good: true, Why: why})
}

// Good returns the marks of the generations that are on record as good, the
// latest mark last. A task without marks has none.
func (s *Store) Good(task string) ([]Mark, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	marks, err := s.marks(task)
	if err != nil {
		return nil, fmt.Errorf("good generations of task %q: %w", task, err)
	}
	return slices.DeleteFunc(marks, func(m Mark) bool { return !m.Good }), nil
}

// RolledBack returns the marks of the generations that were rolled back from and
// not marked good since, the latest mark last.
func (s *Store) RolledBack(task string) ([]Mark, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	marks, err := s.marks(task)
	if err != nil {
		return nil, fmt.Errorf("generations of task %q that were rolled back from: %w", task, err)
	}
	return slices.DeleteFunc(marks, func(m Mark) bool { return m.Good }), nil
}

func (s *Store) marksPath(task string) string { return filepath.Join(s.taskDir(task), "marks.jsonl") }

// marks returns the latest mark of each generation, in the order of marking.
func (s *Store) marks(task string) ([]Mark, error) {
	all, err := s.everyMark(task)
	if err != nil {
		return nil, err
	}
	// From the end, the first of each generation is its latest.
	seen := make(map[int]bool)
	var latest []Mark
	for _, m := range slices.Backward(all) {
		if !seen[m.Generation] {
			seen[m.Generation] = true
			latest = append(latest, m)
		}
	}
	slices.Reverse(latest)
	return latest, nil
}

// mark appends a mark, with time and user, unless the last one says the same.
// Needs the task's lock.
func (s *Store) mark(task string, m Mark) error {
	marks, err := s.marks(task)
	if err != nil {
		return err
	}
	if len(marks) > 0 {
		if last := marks[len(marks)-1]; last.Generation == m.Generation && last.Good == m.Good {
			return nil
		}
	}
	m.When, m.Who = now(), userName()
	return s.appendLine(s.marksPath(task), m)
}

// parseMark reads one JSON object; fields it does not know are ignored.
func parseMark(data []byte) (Mark, error) {
	var m Mark
	if err := json.Unmarshal(data, &m); err != nil {
		return Mark{}, err
	}
	if m.Generation < 1 || m.Generation > maxNumber {
		return Mark{}, fmt.Errorf("a mark of generation %d", m.Generation)
	}
	return m, nil
}

// clip makes a reason that may hold anything, such as an error's text, fit for
// the record.
func clip(why string) string {
	why = strings.ToValidUTF8(why, "\uFFFD")
	if len(why) <= maxTextBytes {
		return why
	}
	const more = "…"
	cut := maxTextBytes - len(more)
	for !utf8.RuneStart(why[cut]) {
		cut--
	}
	return why[:cut] + more
}
