package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// put makes s the generation that serves; its use becomes the task's. Needs the
// lock. After a rollback s is not compared with the one that had to go.
func (t *Task) put(s *served, why string, rollback bool) {
	now, o := time.Now(), t.Config().Probation
	old := t.active.acquire()
	defer old.release()
	before := old
	if rollback {
		before = nil
	}
	t.judging.serve(s, o, now, before, !s.good)
	if before != nil && !s.good && before.pool == s.pool && before.retain() {
		t.before.swap(before)
	} else {
		t.before.swap(nil)
	}
	t.active.swap(s)

	switch shadow := t.shadow.acquire(); {
	case shadow == nil:
	case shadow.model.Generation == s.model.Generation:
		t.shadow.swap(nil)
		shadow.release()
	default:
		t.judging.setShadow(shadow, s, o, now)
		shadow.release()
	}
	t.follower = followerState{shadowSeen: t.follower.shadowSeen}
	t.clearProblem(0)
	t.metrics.Generation.Set(float64(s.model.Generation))
	t.metrics.Swaps.Inc()
	t.showProbation()
	t.publish(Event{Kind: KindGeneration, Generation: s.model.Generation, Message: why})
}

// refuse tells that a generation was not taken.
func (t *Task) refuse(n int, err error) {
	t.setProblem(n, err)
	t.metrics.Refused.Inc()
	t.publish(Event{Kind: KindRefused, Generation: n, Message: err.Error(), Hint: hint.Of(err)})
}

// goBack serves the generation before, and makes it the store's active one. If
// from is not 0, it must be the one in use. If the store cannot be written and
// insist is set, the older generation serves all the same, until another one is
// activated or the process ends. Needs the lock.
func (t *Task) goBack(ctx context.Context, from int, by models.By, why string, insist bool) error {
	store := t.runtime.store
	a, err := store.Active(t.name)
	if err != nil && from != 0 {
		return err
	}
	n, err := store.Rollback(ctx, t.name, from, by, why)
	unrecorded := err
	if err != nil {
		if !insist || isMissing(err) || ctx.Err() != nil {
			return err
		}
		if n = t.refuge(a); n == 0 {
			return err
		}
	}
	if n == t.active.generation() {
		return nil // somebody was faster
	}
	s := t.companion(n)
	if s == nil {
		if s, err = t.openNumber(ctx, n); err != nil {
			return err
		}
	}
	t.put(s, why, true)
	t.metrics.Rollbacks.Inc()
	e := Event{Kind: KindRollback, Generation: n, Message: fmt.Sprintf("from generation %d: %s", a.Current, why)}
	if unrecorded != nil {
		t.follower.overruled = a
		err := fmt.Errorf("generation %d had to go (%s), but that is not on record: %w", a.Current, why, unrecorded)
		t.setProblem(a.Current, err)
		e.Hint = hint.Of(err)
	}
	t.publish(e)
	return nil
}

// companion returns generation n if it runs beside the active one.
func (t *Task) companion(n int) *served {
	s := t.before.acquire()
	if s != nil && s.model.Generation != n {
		s.release()
		return nil
	}
	return s
}

// refuge is the choice of models.Store.Rollback, without writing: the last
// generation marked good, else the one before; 0 if there is none.
func (t *Task) refuge(a models.Activation) int {
	marks, _ := t.runtime.store.Good(t.name)
	for _, m := range slices.Backward(marks) {
		if m.Generation != a.Current {
			return m.Generation
		}
	}
	return a.Previous
}
