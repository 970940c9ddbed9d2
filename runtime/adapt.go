package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/adapt/watch"
	"github.com/edge-adapt/edge/internal/hint"
)

// stageWaiting is the stage of an adaptation that waits for another task's.
const stageWaiting = "waiting"

// Adapt starts an adaptation in the background: ErrAdapting if one of this task
// runs or waits, ErrStandBy while the runtime stands by, ErrNotRunning unless Run runs (Start says from when). One adaptation runs at a time,
// others wait. How it goes, Status and events tell.
func (t *Task) Adapt(ctx context.Context) error {
	if err := t.askToAdapt(ctx); err != nil {
		return fmt.Errorf("adapt task %q: %w", t.name, err)
	}
	return nil
}

func (t *Task) askToAdapt(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case t.runtime.options.Adapt == nil:
		return errors.New("this runtime was made without Options.Adapt")
	case t.Config().Samples == "":
		return hint.Wrap(errors.New("it has no folder of samples"), "give the task a folder with labelled images, a folder a class")
	}
	if err := t.runtime.StandingBy(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.adaptable:
		return ErrNotRunning
	case t.adapting != nil:
		return ErrAdapting
	}
	t.adapting = &AdaptStatus{Since: time.Now(), Stage: stageWaiting}
	signal(t.adaptAsked)
	return nil
}

// adaptWhenAsked runs the adaptations that Adapt starts, until ctx ends.
func (t *Task) adaptWhenAsked(ctx context.Context) {
	defer t.setAdaptable(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.adaptAsked:
		}
		select {
		case <-ctx.Done():
			return
		case <-t.runtime.adapting:
		}
		t.adapt(ctx)
		t.runtime.adapting <- struct{}{}
	}
}

func (t *Task) setAdaptable(yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adaptable, t.adapting = yes, nil
	if !yes { // what was asked and not begun
		select {
		case <-t.adaptAsked:
		default:
		}
	}
}

// adapt runs one adaptation.
func (t *Task) adapt(ctx context.Context) {
	c := t.Config()
	state, err := watch.Look(c.Samples)
	t.mu.Lock()
	t.adapting = &AdaptStatus{Since: time.Now()}
	if err == nil {
		t.adapted = state
	}
	t.mu.Unlock()
	t.metrics.Adapting.Set(1)
	t.publish(Event{Kind: KindAdaptStart, Generation: t.active.generation()})
	err = t.runtime.options.Adapt(ctx, AdaptRequest{
		Task: t.name, Samples: c.Samples, Activate: !c.Shadow || t.active.generation() == 0, Progress: t.progress,
	})
	t.metrics.Adapting.Set(0)
	t.mu.Lock()
	t.adapting = nil
	t.mu.Unlock()
	if err != nil {
		t.metrics.AdaptsFailed.Inc()
		t.publish(Event{Kind: KindAdaptFailed, Message: err.Error(), Hint: hint.Of(err)})
		return
	}
	t.metrics.AdaptsDone.Inc()
	t.publish(Event{Kind: KindAdaptDone})
	t.nudge()
}

// progress is told how far an adaptation is.
func (t *Task) progress(stage string, done, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.adapting; a != nil {
		a.Stage, a.Done, a.Total = stage, done, total
	}
}
