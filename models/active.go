package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

const maxActivationBytes = 16 << 10

// Activation is one moment in which a task's active generation changed. The
// latest one is active.json: a single small file, so both pointers move at once.
type Activation struct {
	Current  int       `json:"current"`            // in use since then
	Previous int       `json:"previous,omitempty"` // in use until then; zero: none
	Number   int       `json:"number,omitempty"`   // 1 for the task's first activation, then 2, 3, …
	When     time.Time `json:"when,omitzero"`      // by this device's clock, which may be wrong
	Who      string    `json:"who,omitempty"`      // user name
	Why      string    `json:"why,omitempty"`
}

// Active returns the task's pointers: ErrNotFound if nothing was activated yet.
func (s *Store) Active(task string) (Activation, error) {
	if err := CheckTask(task); err != nil {
		return Activation{}, err
	}
	data, err := readLimited(s.activePath(task), maxActivationBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return Activation{}, hint.Wrap(fmt.Errorf("an active generation of task %q is %w", task, ErrNotFound),
			fmt.Sprintf("train one: edge adapt --dir ./samples --task %s", task))
	}
	if err != nil {
		return Activation{}, fmt.Errorf("active generation of task %q: %w", task, err)
	}
	a, err := parseActivation(data)
	if err != nil {
		return Activation{}, hint.Wrap(fmt.Errorf("active.json of task %q is %w: %w", task, ErrDamaged, err),
			fmt.Sprintf("choose one: edge models list --task %s, edge models activate N --task %[1]s", task))
	}
	return a, nil
}

// Current returns the task's active generation, checked as Generation does.
func (s *Store) Current(task string) (Generation, error) {
	a, err := s.Active(task)
	if err != nil {
		return Generation{}, err
	}
	g, err := s.Generation(task, a.Current)
	if err != nil && a.Previous > 0 {
		err = hint.Wrap(err, fmt.Sprintf("go back: edge models activate %d --task %s", a.Previous, task))
	}
	return g, err
}

// Activate makes generation n the one in use, and the one in use the previous.
// It does nothing if n is in use. It waits for other changes to the task until
// ctx ends.
//
// Every file of the generation, and its base, are read and compared with their
// digests first. After an error either pointer pair may stand, whole.
func (s *Store) Activate(ctx context.Context, task string, n int, why string) error {
	return s.activate(ctx, task, anyInUse, n, why)
}

// ActivateOver is Activate for who compared generation n with generation over, 0
// for none: if another one is in use by now, that stays, and the error is
// ErrChanged.
func (s *Store) ActivateOver(ctx context.Context, task string, over, n int, why string) error {
	return s.activate(ctx, task, over, n, why)
}

// anyInUse stands for whatever generation is in use.
const anyInUse = -1

func (s *Store) activate(ctx context.Context, task string, over, n int, why string) error {
	if err := s.activateOver(ctx, task, over, n, why); err != nil {
		return fmt.Errorf("activate: %w", s.explain(err))
	}
	return nil
}

func (s *Store) activateOver(ctx context.Context, task string, over, n int, why string) error {
	if err := checkText("reason", why); err != nil {
		return err
	}
	if _, err := s.load(task, n); err != nil { // before the lock, which would make the task's folder
		return err
	}
	lock, err := s.lockTask(ctx, task)
	if err != nil {
		return err
	}
	defer lock.release()
	g, err := s.load(task, n) // it may have been collected meanwhile
	if err != nil {
		return err
	}
	if err := g.Verify(ctx); err != nil {
		return err
	}
	if over != anyInUse {
		now, err := s.pointers(task)
		if err != nil {
			return err
		}
		if now.Current != over {
			return fmt.Errorf("generation %d of task %q: %w: %d", n, task, ErrChanged, now.Current)
		}
	}
	return s.point(task, n, why)
}

// pointers are what is known of a task's pointers by who holds its lock.
type pointers struct {
	Activation      // the latest; zero: none was ever recorded
	recorded   int  // the Number of the latest in the history
	stand      bool // active.json says so; else the history stands in for it
}

// pointers reads the task's pointers. Needs the task's lock.
func (s *Store) pointers(task string) (pointers, error) {
	recorded, err := s.lastRecorded(task)
	if err != nil {
		return pointers{}, err
	}
	active, err := s.Active(task)
	switch {
	case err == nil:
		return pointers{active, recorded.Number, true}, nil
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrNotFound):
		return pointers{recorded, recorded.Number, false}, nil // the next best witness
	}
	return pointers{}, err
}

// point makes generation n, which was verified, the one in use. Needs the task's
// lock.
func (s *Store) point(task string, n int, why string) error {
	active, err := s.pointers(task)
	if err != nil || active.stand && active.Current == n {
		return err
	}
	previous := active.Current
	if previous == n {
		previous = active.Previous
	}
	return s.appoint(task, active, n, previous, why)
}

// appoint gives the task, whose pointers are active by now, new ones. Needs the
// task's lock.
func (s *Store) appoint(task string, active pointers, current, previous int, why string) error {
	// active.json is the only place of the latest record if the process ended
	// between the two last steps of the activation before: save it now.
	if active.Number > active.recorded {
		if err := s.record(task, active.Activation); err != nil {
			return err
		}
	}
	next := Activation{
		Current:  current,
		Previous: previous,
		Number:   1 + max(active.Number, active.recorded),
		When:     now(),
		Who:      userName(),
		Why:      why,
	}
	data, err := marshal(next)
	if err != nil {
		return err
	}
	// Whoever made these may have died before syncing the folders they are in.
	if err := errors.Join(s.syncUp(s.numbersDir(task)), s.syncUp(s.blobDir())); err != nil {
		return err
	}
	if err := s.replace(s.activePath(task), data); err != nil {
		return err
	}
	s.record(task, next) //nolint:errcheck // done, and not lost: see above
	return nil
}

func (s *Store) activePath(task string) string { return filepath.Join(s.taskDir(task), "active.json") }

// parseActivation reads one JSON object; fields it does not know are ignored.
func parseActivation(data []byte) (Activation, error) {
	var a Activation
	if len(data) > maxActivationBytes {
		return a, fmt.Errorf("more than %d bytes", maxActivationBytes)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return Activation{}, err
	}
	if a.Current < 1 || a.Current > maxNumber || a.Previous < 0 || a.Previous > maxNumber ||
		a.Current == a.Previous || a.Number < 0 || a.Number > maxNumber {
		return Activation{}, fmt.Errorf("current %d, previous %d, number %d", a.Current, a.Previous, a.Number)
	}
	return a, nil
}

// now is the time for the record, in UTC, to the millisecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// userName says who runs this process, for the record.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(unix.Getuid())
}
