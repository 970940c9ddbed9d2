package runtime

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/edge-adapt/edge/models"
)

// maxStartWait bounds the wait between two tries to start.
const maxStartWait = time.Minute

// followerState is what following the store has to remember.
type followerState struct {
	refused    models.Activation // that could not be opened while another serves
	overruled  models.Activation // that was rolled back from, though the store could not be written
	nextStart  time.Time         // nothing serves: not to be tried before
	wait       time.Duration     // between the last two tries
	shadowSeen int               // the newest generation that was considered for the shadow
}

// follow keeps the generation that serves the store's active one, and carries
// out verdicts, until ctx ends.
func (t *Task) follow(ctx context.Context) {
	ticker := time.NewTicker(t.runtime.options.Poll)
	defer ticker.Stop()
	for {
		t.catchUp(ctx)
		t.carryOut(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-ticker.C:
		}
	}
}

// catchUp looks at the store once, and opens what is active if it does not serve.
func (t *Task) catchUp(ctx context.Context) {
	if t.lock(ctx) != nil {
		return // removed, or ctx has ended
	}
	defer t.unlock()
	f := &t.follower
	a, err := t.runtime.store.Active(t.name)
	serving := t.active.generation()
	switch {
	case err != nil:
		if serving == 0 || !isMissing(err) {
			t.setProblem(0, err)
		}
		return
	case a.Current == serving:
		t.clearProblem(serving)
	case serving == 0:
		t.start(ctx, a)
	case same(a, f.refused) || same(a, f.overruled):
	default:
		s, err := t.openNumber(ctx, a.Current)
		if err == nil {
			t.put(s, a.Why, false)
		} else if ctx.Err() == nil {
			f.refused = a
			t.refuse(a.Current, err)
		}
	}
	t.findShadow(ctx)
}

// same reports whether a and b are one activation. A generation that is
// activated again gets another chance.
func same(a, b models.Activation) bool { return a.Current == b.Current && a.Number == b.Number }

// start opens the active generation while nothing serves. Tries are counted in
// the store, so that a generation that crashes the process is found out too;
// after three the store goes back by itself.
func (t *Task) start(ctx context.Context, a models.Activation) {
	f := &t.follower
	if time.Now().Before(f.nextStart) {
		return
	}
	failed := t.countStart(ctx)
	if failed >= models.MaxFailedStarts {
		err := t.goBack(ctx, a.Current, models.ByStarts, fmt.Sprintf("%d starts failed", failed), true)
		if err == nil || ctx.Err() != nil {
			return
		}
		t.runtime.log.Warn("there is nothing to go back to", "task", t.name, "error", err)
	}
	s, err := t.openNumber(ctx, a.Current)
	switch {
	case err == nil:
		t.put(s, a.Why, false)
		t.starting.begun(t)
	case ctx.Err() == nil:
		f.wait = min(max(2*f.wait, t.runtime.options.Poll), maxStartWait)
		f.nextStart = time.Now().Add(f.wait)
		t.refuse(a.Current, err)
	}
}

// folder returns where the store keeps the task.
func (t *Task) folder() string {
	return filepath.Join(t.runtime.store.Dir(), "tasks", t.name)
}

func (t *Task) generationsFolder() string { return filepath.Join(t.folder(), "generations") }
