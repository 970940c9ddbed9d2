package models

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
)

// Rollback takes generation from out of use, and returns the one that is in use
// then: of the generations that are on record as good the one marked last, else
// the previous one. What is damaged is passed over, and so is a generation that
// was itself rolled back from and not marked good since. ErrNotFound means that
// nothing is left to go back to; then nothing is changed.
//
// from zero means whichever is in use. If from is not the one in use, somebody
// was faster: nothing is changed, and the one in use is returned.
//
// The generation that is left is no longer on record as good. By and the reason are
// recorded with that and with the activation, cut if it is too long. Rollback
// waits for other changes to the task until ctx ends. After an error either
// generation may be in use, whole; calling it again completes it.
func (s *Store) Rollback(ctx context.Context, task string, from int, by By, why string) (int, error) {
	n, err := s.rollback(ctx, task, from, by, why)
	if err != nil {
		return 0, fmt.Errorf("roll back: %w", s.explain(err))
	}
	return n, nil
}

func (s *Store) rollback(ctx context.Context, task string, from int, by By, why string) (int, error) {
	if _, err := s.Active(task); err != nil && !errors.Is(err, ErrDamaged) { // before the lock, which would make the task's folder
		return 0, err
	}
	lock, err := s.lockTask(ctx, task)
	if err != nil {
		return 0, err
	}
	defer lock.release()
	active, err := s.pointers(task)
	if err != nil {
		return 0, err
	}
	if active.Current == 0 { // its last trace is gone
		active.Current = from
	}
	if from != 0 && active.Current != from {
		return active.Current, nil
	}
	to, err := s.refuge(ctx, task, active.Activation)
	if err != nil {
		return 0, err
	}
	// First the mark: should the process end in between, nobody goes back to this
	// generation. The other way round somebody could.
	if active.Current > 0 {
		if err := s.mark(task, Mark{Generation: active.Current, By: by, Why: clip(why)}); err != nil {
			return 0, err
		}
	}
	return to, s.point(task, to, clip(fmt.Sprintf("rolled back from generation %d: %s", active.Current, why)))
}

// refuge returns the generation to go back to, verified.
func (s *Store) refuge(ctx context.Context, task string, active Activation) (int, error) {
	marks, err := s.marks(task)
	if err != nil {
		return 0, err
	}
	var candidates []int
	bad := false
	for _, m := range slices.Backward(marks) {
		if m.Good {
			candidates = append(candidates, m.Generation)
		}
		bad = bad || !m.Good && m.Generation == active.Previous
	}
	if active.Previous > 0 && !bad {
		candidates = append(candidates, active.Previous)
	}
	var failed []error
	for _, n := range candidates {
		if n == active.Current {
			continue
		}
		g, err := s.load(task, n)
		if err == nil {
			err = g.Verify(ctx)
		}
		if err == nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return 0, err
		}
		failed = append(failed, err)
	}
	err = fmt.Errorf("a generation of task %q to go back to is %w", task, ErrNotFound)
	if len(failed) > 0 {
		err = fmt.Errorf("%w: %w", err, errors.Join(failed...))
	}
	return 0, hint.Wrap(err, fmt.Sprintf("choose one: edge models list --task %s, edge models activate N --task %[1]s", task))
}
