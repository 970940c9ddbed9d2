package models

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

const (
	maxPins      = 1000 // of a task
	maxPinsBytes = 4 << 20
)

// Pin says that a generation is never to be collected.
type Pin struct {
	Generation int       `json:"generation"`
	When       time.Time `json:"when,omitzero"`
	Who        string    `json:"who,omitempty"` // user name
	Why        string    `json:"why,omitempty"`
}

// Pin keeps generation n from being collected until Unpin. Pinned again, it has
// the new reason. It waits for other changes to the task until ctx ends. After an
// error the pin may stand or not.
func (s *Store) Pin(ctx context.Context, task string, n int, why string) error {
	err := s.changePins(ctx, task, func(pins []Pin) ([]Pin, error) {
		if _, err := s.load(task, n); err != nil { // under the lock: GC waits
			return nil, err
		}
		pins = slices.DeleteFunc(pins, func(p Pin) bool { return p.Generation == n })
		if len(pins) >= maxPins {
			return nil, hint.Wrap(fmt.Errorf("%d generations of task %q are pinned: at most %d", len(pins), task, maxPins),
				"give one up first: edge models unpin N --task "+task)
		}
		return append(pins, Pin{Generation: n, When: now(), Who: userName(), Why: clip(why)}), nil
	})
	if err != nil {
		return fmt.Errorf("pin: %w", s.explain(err))
	}
	return nil
}

// Unpin takes the pin from generation n. It does nothing if n is not pinned. It
// waits for other changes to the task until ctx ends. After an error the pin may
// stand or not.
func (s *Store) Unpin(ctx context.Context, task string, n int) error {
	err := s.changePins(ctx, task, func(pins []Pin) ([]Pin, error) {
		return slices.DeleteFunc(pins, func(p Pin) bool { return p.Generation == n }), nil
	})
	if err != nil {
		return fmt.Errorf("unpin: %w", s.explain(err))
	}
	return nil
}

// Pins returns the task's pins in the order of their generations. A task without
// any has none. ErrDamaged means that nobody knows which there are.
func (s *Store) Pins(task string) ([]Pin, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	data, err := readLimited(s.pinsPath(task), maxPinsBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pins of task %q: %w", task, err)
	}
	pins, err := parsePins(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("pins.json of task %q is %w: %w", task, ErrDamaged, err),
			"see what can be done: edge models fsck")
	}
	return pins, nil
}

func (s *Store) pinsPath(task string) string { return filepath.Join(s.taskDir(task), "pins.json") }

// changePins replaces the pins by what change makes of them, if that is anything
// else.
func (s *Store) changePins(ctx context.Context, task string, change func([]Pin) ([]Pin, error)) error {
	if err := CheckTask(task); err != nil {
		return err
	}
	numbers, err := s.numbers(task)
	if err != nil {
		return err
	}
	if len(numbers) == 0 { // before the lock, which would make the task's folder
		return hint.Wrap(fmt.Errorf("task %q is %w", task, ErrNotFound), "see which there are: edge models list")
	}
	lock, err := s.lockTask(ctx, task)
	if err != nil {
		return err
	}
	defer lock.release()
	before, err := s.Pins(task)
	if err != nil {
		return err
	}
	after, err := change(slices.Clone(before))
	if err != nil {
		return err
	}
	if slices.Equal(before, after) {
		return s.disk.SyncDir(s.taskDir(task)) // who changed them may have died before that
	}
	return s.writePins(task, after)
}

// writePins needs the task's lock.
func (s *Store) writePins(task string, pins []Pin) error {
	slices.SortFunc(pins, func(a, b Pin) int { return cmp.Compare(a.Generation, b.Generation) })
	data, err := marshal(struct {
		Pins []Pin `json:"pins"`
	}{append([]Pin{}, pins...)})
	if err != nil {
		return err
	}
	return s.replace(s.pinsPath(task), data)
}

// parsePins reads one JSON object; fields it does not know are ignored.
func parsePins(data []byte) ([]Pin, error) {
	if len(data) > maxPinsBytes {
		return nil, fmt.Errorf("more than %d bytes", maxPinsBytes)
	}
	var file struct{ Pins *[]Pin }
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if file.Pins == nil {
		return nil, errors.New("no list of pins")
	}
	before := 0
	for _, p := range *file.Pins {
		if p.Generation <= before || p.Generation > maxNumber {
			return nil, fmt.Errorf("generation %d after %d", p.Generation, before)
		}
		before = p.Generation
	}
	return *file.Pins, nil
}
