package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-adapt/edge/adapt/watch"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/metrics"
)

// Task is a task that runs. It stays the same Task when SetTasks changes its
// configuration; when SetTasks has removed it, it serves nothing any more.
type Task struct {
	runtime *Runtime
	name    string
	config  atomic.Pointer[TaskConfig]
	metrics *metrics.Task

	active slot // the generation that serves
	before slot // the one before, while the active one is on probation on the same base
	shadow slot // the one that runs beside the active one

	judging     judging
	recent      *recent
	counts      counts
	starting    starting
	unconfirmed atomic.Bool // a start may still fail: see starting

	// changing holds one token, which whoever changes the slots takes out.
	changing chan struct{}
	follower followerState // guarded by changing

	// Each holds one token while there is something to do.
	wake        chan struct{} // for follow
	pokeBeat    chan struct{} // for beat: the configuration has changed
	pokeSamples chan struct{} // for watchSamples: the configuration or a folder has changed
	adaptAsked  chan struct{} // for adaptWhenAsked

	view *view // guarded by the Runtime's changing; nil without a source

	mu        sync.Mutex // guards what follows
	closed    bool
	problem   *Problem
	decision  *DecisionStatus
	spoke     time.Time    // when the last change or heartbeat was published
	adaptable bool         // somebody waits for adaptAsked
	adapting  *AdaptStatus // nil: none runs or waits
	adapted   watch.State  // of the samples, when the last adaptation began
	lastEvent *Event
	pipeline  *pipeline // that runs the source; nil without
	often     often
}

// counts are what Counts are read from.
type counts struct {
	frames, skippedInterval, skippedStill, failed, images, imagesFailed, events atomic.Uint64
}

func newTask(r *Runtime, c TaskConfig) *Task {
	now := time.Now()
	t := &Task{
		runtime: r, name: c.Name, metrics: r.metrics.Task(c.Name), recent: newRecent(now), spoke: now,
		changing: make(chan struct{}, 1), wake: make(chan struct{}, 1), pokeBeat: make(chan struct{}, 1),
		pokeSamples: make(chan struct{}, 1), adaptAsked: make(chan struct{}, 1),
	}
	t.changing <- struct{}{}
	t.config.Store(&c)
	return t
}

// Name returns the task's name.
func (t *Task) Name() string { return t.name }

// Config returns what the task was last told by SetTasks.
func (t *Task) Config() TaskConfig { return *t.config.Load() }

// Model describes the generation that serves, or returns ErrNotServing and why.
func (t *Task) Model() (Model, error) {
	s, err := t.serving()
	if err != nil {
		return Model{}, err
	}
	defer s.release()
	m := s.model
	m.Labels = slices.Clone(m.Labels)
	return m, nil
}

// serving returns the generation that serves, to be released.
func (t *Task) serving() (*served, error) {
	if s := t.active.acquire(); s != nil {
		return s, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err := fmt.Errorf("task %q: %w", t.name, ErrNotServing)
	switch {
	case t.closed:
		return nil, fmt.Errorf("task %q: %w: it was removed", t.name, ErrNotServing)
	case t.problem != nil:
		return nil, hint.Wrap(fmt.Errorf("%w: %s", err, t.problem.Message), t.problem.Hint)
	}
	return nil, err
}

// Activate opens generation n, makes it the store's active one, and serves it.
// After an error the generation before serves on, and is still the active one.
func (t *Task) Activate(ctx context.Context, n int, why string) error {
	if err := t.lock(ctx); err != nil {
		return fmt.Errorf("activate: %w", err)
	}
	defer t.unlock()
	if t.active.generation() == n {
		return t.runtime.store.Activate(ctx, t.name, n, why) // the pointer may stand elsewhere
	}
	s, err := t.openNumber(ctx, n)
	if err != nil {
		t.refuse(n, err)
		return fmt.Errorf("activate: %w", err)
	}
	if err := t.runtime.store.Activate(ctx, t.name, n, why); err != nil {
		s.release()
		return err
	}
	t.put(s, why, false)
	return nil
}

// Rollback goes back to the last generation that was marked good, else to the
// one before, and serves it.
func (t *Task) Rollback(ctx context.Context, why string) error {
	if err := t.lock(ctx); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	defer t.unlock()
	return t.goBack(ctx, 0, models.ByPerson, why, false)
}

// MarkGood records that the generation that serves is good, which ends its
// probation.
func (t *Task) MarkGood(ctx context.Context) error {
	if err := t.lock(ctx); err != nil {
		return fmt.Errorf("mark good: %w", err)
	}
	defer t.unlock()
	n := t.active.generation()
	if n == 0 {
		_, err := t.serving()
		return fmt.Errorf("mark good: %w", err)
	}
	return t.markGood(ctx, n, "said so")
}

// SetShadow runs generation n beside the active one, without consequences. 0
// ends that.
func (t *Task) SetShadow(ctx context.Context, n int) error {
	if err := t.lock(ctx); err != nil {
		return fmt.Errorf("set the shadow: %w", err)
	}
	defer t.unlock()
	if err := t.setShadow(ctx, n); err != nil {
		return fmt.Errorf("set the shadow: %w", err)
	}
	return nil
}

// lock waits until nobody else changes the task's generations.
func (t *Task) lock(ctx context.Context) error {
	select {
	case <-t.changing:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	if closed {
		t.unlock()
		return fmt.Errorf("task %q: %w", t.name, ErrNoTask)
	}
	return nil
}

func (t *Task) unlock() { t.changing <- struct{}{} }

// close lets go of the task's generations. What is in flight finishes.
func (t *Task) close() {
	<-t.changing
	defer t.unlock()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, s := range []*slot{&t.active, &t.before, &t.shadow} {
		s.swap(nil)
	}
	t.startHolds()
	t.runtime.metrics.Forget(t.name)
}

// openNumber opens generation n of the task.
func (t *Task) openNumber(ctx context.Context, n int) (*served, error) {
	g, err := t.runtime.store.Generation(t.name, n)
	if err != nil {
		return nil, err
	}
	return t.runtime.open(ctx, g)
}

// nudge wakes the task's follower.
func (t *Task) nudge() { signal(t.wake) }

// signal puts a token into c unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// publish sends an event of the task.
func (t *Task) publish(e Event) {
	e.Task = t.name
	e = t.runtime.publish(e)
	t.counts.events.Add(1)
	t.metrics.Event(string(e.Kind))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastEvent = &e
}

// decided publishes that the task sees something else.
func (t *Task) decided(e Event) {
	t.mu.Lock()
	t.decision = &DecisionStatus{Label: e.Label, Unknown: e.Unknown, Since: e.Time, Score: e.Score}
	t.spoke = e.Time
	t.mu.Unlock()
	t.publish(e)
}

// sees notes the score of another frame with the same label.
func (t *Task) sees(score float32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.decision != nil {
		t.decision.Score = score
	}
}

// judge passes a remark on, and wakes the follower if there is a verdict.
func (t *Task) judge(r remark) {
	if r.shadow != 0 && r.shadowErr == nil {
		t.metrics.ShadowFrames.Inc()
		t.metrics.Shadow.Observe(r.shadowAnswer.Latency.Seconds())
		if r.shadowAnswer.Class == r.answer.Class {
			t.metrics.ShadowSame.Inc()
		}
	}
	if t.judging.add(r) {
		t.nudge()
	}
}

// frameFailed counts a frame that could not be classified.
func (t *Task) frameFailed(err error) {
	t.counts.failed.Add(1)
	t.metrics.SkippedError.Inc()
	t.mu.Lock()
	n, say := t.often.note(time.Now())
	t.mu.Unlock()
	if say {
		t.runtime.log.Warn("frames could not be classified", "task", t.name, "frames", n, "error", err)
	}
}

// setProblem remembers what is wrong, with which generation, until clearProblem.
func (t *Task) setProblem(generation int, err error) {
	p := &Problem{Message: err.Error(), Hint: hint.Of(err), Generation: generation, Since: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.problem; old != nil && old.Message == p.Message && old.Generation == p.Generation {
		return
	}
	t.problem = p
}

// clearProblem forgets what was wrong, unless it is wrong with generation keep.
func (t *Task) clearProblem(keep int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.problem != nil && (keep == 0 || t.problem.Generation != keep) {
		t.problem = nil
	}
}

// isMissing reports whether the store simply has no such thing.
func isMissing(err error) bool { return errors.Is(err, models.ErrNotFound) }
