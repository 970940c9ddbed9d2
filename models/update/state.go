package update

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

const (
	stateName  = "state.json"
	maxState   = 4 << 20
	maxSmall   = 64 << 10
	maxRefused = 4 * release.MaxReleases // of a task; those of the lowest numbers go first
	maxReason  = 4000                    // bytes
)

// State is what became of releases on this device.
type State struct {
	Tasks      map[string]TaskState `json:"tasks,omitempty"`
	Checked    time.Time            `json:"checked,omitzero"`   // the last check, however it ended
	Succeeded  time.Time            `json:"succeeded,omitzero"` // the last that ended well
	LastError  string               `json:"last_error,omitempty"`
	LastReason string               `json:"last_reason,omitempty"` // as Reason has it; "" after a check that ended well
}

// TaskState is what became of a task's releases.
type TaskState struct {
	Release int            `json:"release,omitempty"` // the newest that was applied; 0: none
	Base    digest.Digest  `json:"base,omitempty"`    // of that release
	When    time.Time      `json:"when,omitzero"`     // it was applied
	Refused map[int]string `json:"refused,omitempty"` // releases not to be tried again, and why
}

// Refuse notes that a release is not to be tried again.
func (t *TaskState) Refuse(number int, reason string) {
	if t.Refused == nil {
		t.Refused = map[int]string{}
	}
	t.Refused[number] = reason
}

// ReadState returns the state in the folder dir: an empty one if there is none.
// The error is ErrForm if the file is not whole.
func ReadState(dir string) (State, error) {
	s, err := folder{dir: dir}.readState()
	if err != nil {
		return State{}, hint.Wrap(fmt.Errorf("read what became of releases: %w", err), "the next update sets the file aside and begins a new one; then releases that were refused are tried once more")
	}
	return s, nil
}

// ChangeState reads the state in the folder dir, has change change it, and writes
// it, while no other process does so. A file that is not whole is set aside as
// state.json.damaged, and change gets an empty state. It waits for others until
// ctx ends.
func ChangeState(ctx context.Context, dir string, change func(*State)) error {
	if err := (folder{dir: dir}).changeState(ctx, change); err != nil {
		return fmt.Errorf("note what became of releases: %w", err)
	}
	return nil
}

func (d folder) readState() (State, error) {
	data, err := d.read(stateName, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	return parseState(data)
}

func parseState(data []byte) (State, error) {
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("it is %w: %w", ErrForm, err)
	}
	for name, t := range s.Tasks {
		if err := models.CheckTask(name); err != nil {
			return State{}, fmt.Errorf("it is %w: %w", ErrForm, err)
		}
		if t.Release < 0 {
			return State{}, fmt.Errorf("it is %w: release %d of task %q", ErrForm, t.Release, name)
		}
	}
	return s, nil
}

func (d folder) changeState(ctx context.Context, change func(*State)) error {
	lock, err := d.lock(ctx, "state.lock")
	if err != nil {
		return err
	}
	defer lock.release()
	s, err := d.readState()
	if errors.Is(err, ErrForm) || errors.Is(err, ErrTooLong) {
		err = d.step("rename", stateName+".damaged", func() error { return os.Rename(d.path(stateName), d.path(stateName+".damaged")) })
	}
	if err != nil {
		return err
	}
	if s.Tasks == nil {
		s.Tasks = map[string]TaskState{}
	}
	change(&s)
	data, err := s.encode()
	if err != nil {
		return err
	}
	return d.replace(stateName, data, 0o600)
}

// encode bounds what may hold anything, so that the file can be read again.
func (s State) encode() ([]byte, error) {
	s.LastError = clip(s.LastError)
	for _, t := range s.Tasks {
		if over := len(t.Refused) - maxRefused; over > 0 {
			for _, n := range slices.Sorted(maps.Keys(t.Refused))[:over] {
				delete(t.Refused, n)
			}
		}
		for n, reason := range t.Refused {
			t.Refused[n] = clip(reason)
		}
	}
	data, err := json.MarshalIndent(s, "", " ")
	return append(data, '\n'), err
}

// clip cuts a text that is too long, between characters.
func clip(text string) string {
	if len(text) <= maxReason {
		return text
	}
	cut := maxReason
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
