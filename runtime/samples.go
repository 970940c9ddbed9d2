package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/edge-adapt/edge/adapt/watch"
)

const (
	defaultDebounce = 10 * time.Second
	// quietScan is after how many debounces a folder is looked at although
	// nobody told of a change.
	quietScan = 6
)

// watchSamples adapts when the folder of samples has changed and has then been
// still for a while, until ctx ends.
//
// What counts is what a look at the folder shows; notices only say when to look.
// Two looks in a row, a debounce apart, must show the same, and something else
// than what was last adapted to.
func (t *Task) watchSamples(ctx context.Context, n *notifier) {
	owner := &t.adapted // one of the task's own, beside the one for the store
	defer n.forget(owner)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var seen watch.State // in the last look
	fresh := true        // nothing is known about the folder yet
	watched := ""
	for {
		c := t.Config()
		if !c.AdaptOnChange {
			n.forget(owner)
			timer.Stop()
			watched = ""
		} else if c.Samples != watched {
			fresh, watched = true, c.Samples
			timer.Reset(0)
		}
		debounce := c.Debounce
		if debounce == 0 {
			debounce = defaultDebounce
		}
		select {
		case <-ctx.Done():
			return
		case <-t.pokeSamples:
			timer.Reset(debounce)
			continue
		case <-timer.C:
		}
		if t.runtime.StandingBy() != nil {
			// Whoever adapts meanwhile knows to what; afterwards nothing is known here.
			fresh = true
			timer.Reset(quietScan * debounce) // StandBy pokes; a task that is just being added it may miss
			continue
		}
		state, err := watch.Look(c.Samples)
		if err != nil {
			t.runtime.log.Warn("the samples cannot be looked at", "task", t.name, "folder", c.Samples, "error", err)
			timer.Reset(quietScan * debounce)
			continue
		}
		if fresh {
			t.startFrom(state)
			n.watch(owner, state.Folders, func() { signal(t.pokeSamples) })
			fresh = false
		}
		still := state.Sum == seen.Sum
		if !still {
			n.watch(owner, state.Folders, func() { signal(t.pokeSamples) })
		}
		seen = state
		switch {
		case t.adaptedTo(state) || state.Files == 0:
			timer.Reset(quietScan * debounce)
		case !still:
			timer.Reset(debounce)
		default:
			if err := t.Adapt(ctx); err != nil && !errors.Is(err, ErrAdapting) {
				t.runtime.log.Warn("the samples have changed", "task", t.name, "error", err)
			}
			timer.Reset(debounce)
		}
	}
}

// startFrom decides what the folder was last adapted to when nobody remembers:
// to this, unless something in it is younger than the generation in use.
func (t *Task) startFrom(state watch.State) {
	s := t.active.acquire()
	defer s.release()
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != nil && !state.Newest.After(s.model.Created) {
		t.adapted = state
	}
}

func (t *Task) adaptedTo(state watch.State) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.adapted.Sum == state.Sum
}
