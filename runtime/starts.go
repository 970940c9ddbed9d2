package runtime

import (
	"context"
	"sync"
	"time"
)

// startHold is how long a start can still fail while no image comes.
const startHold = 10 * time.Second

// recording is how long writing down that a start has succeeded may take; it may
// have to wait for an adaptation that is just being committed.
const recording = 5 * time.Second

// starting is a start whose outcome is open: the store has counted it as failed,
// should the process end now. It has succeeded with the first image that is
// classified, after startHold, or when the task is closed, whichever comes first.
type starting struct {
	mu    sync.Mutex
	timer *time.Timer // nil: nothing is open
}

// countStart records a start and returns how many failed before it.
func (t *Task) countStart(ctx context.Context) int {
	failed, err := t.runtime.store.Starting(ctx, t.name)
	if err != nil {
		t.runtime.log.Warn("the start is not on record", "task", t.name, "error", err)
	}
	return failed
}

// begun notes that a generation was opened and its start may still fail.
func (s *starting) begun(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		s.timer = time.AfterFunc(startHold, func() { t.startHolds() })
	}
	t.unconfirmed.Store(true)
}

// startHolds records that the start has succeeded, if that is open.
func (t *Task) startHolds() {
	s := &t.starting
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.unconfirmed.CompareAndSwap(true, false) {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	t.runtime.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), recording)
		defer cancel()
		if err := t.runtime.store.Started(ctx, t.name); err != nil {
			t.runtime.log.Warn("that the start has succeeded is not on record", "task", t.name, "error", err)
		}
	})
}
