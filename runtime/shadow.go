package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/probation"
)

// setShadow puts generation n into the shadow. Needs the lock.
func (t *Task) setShadow(ctx context.Context, n int) error {
	if n == 0 {
		was := t.shadow.generation()
		t.judging.setShadow(nil, nil, probation.Options{}, time.Time{})
		t.shadow.swap(nil)
		if was != 0 {
			t.publish(Event{Kind: KindShadow, Generation: was, Message: "ended"})
		}
		return nil
	}
	active, err := t.serving()
	if err != nil {
		return err
	}
	defer active.release()
	if active.model.Generation == n {
		return hint.Wrap(fmt.Errorf("generation %d is the one that serves", n), "give another generation, or 0 for none")
	}
	s, err := t.openNumber(ctx, n)
	if err != nil {
		return err
	}
	t.judging.setShadow(s, active, t.Config().Probation, time.Now())
	t.shadow.swap(s)
	t.publish(Event{Kind: KindShadow, Generation: n, Message: fmt.Sprintf("runs beside generation %d", active.model.Generation)})
	return nil
}

// findShadow puts the newest generation into the shadow, if the task wants that
// and it was never active. Needs the lock.
func (t *Task) findShadow(ctx context.Context) {
	f, active := &t.follower, t.active.generation()
	if !t.Config().Shadow || active == 0 {
		return
	}
	n := t.newest()
	if n <= f.shadowSeen || n <= active {
		return
	}
	f.shadowSeen = n
	past, err := t.runtime.store.History(t.name)
	if err != nil {
		t.runtime.log.Warn("the history cannot be read", "task", t.name, "error", err)
	}
	if slices.ContainsFunc(past, func(a models.Activation) bool { return a.Current == n }) {
		return
	}
	if err := t.setShadow(ctx, n); err != nil && ctx.Err() == nil {
		t.refuse(n, err)
	}
}

// newest returns the task's highest generation number, 0 if it has none. Only
// names are read: this is done again and again.
func (t *Task) newest() int {
	entries, err := os.ReadDir(t.generationsFolder())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.runtime.log.Warn("the generations cannot be listed", "task", t.name, "error", err)
	}
	newest := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
