package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// running is what exists while Run runs.
type running struct {
	ctx    context.Context //nolint:containedctx // what SetTasks starts lives as long as Run
	cancel context.CancelCauseFunc
	done   chan struct{}
	jobs   sync.WaitGroup
	tasks  map[*Task]*taskJobs
	notify *notifier
}

// taskJobs are the goroutines that keep one task up to date.
type taskJobs struct {
	cancel context.CancelFunc
	jobs   sync.WaitGroup
}

// Run watches the tasks' sources, the store and the folders of samples until
// ctx ends, and returns nil when everything it started has ended. After Close
// the error is ErrClosed.
func (r *Runtime) Run(ctx context.Context) error {
	wait, err := r.Start(ctx)
	if err != nil {
		return err
	}
	return wait()
}

// Start begins what Run does, and returns when it has begun: from then on every
// task takes Adapt. wait returns when Run would, and what it would.
func (r *Runtime) Start(ctx context.Context) (wait func() error, err error) {
	run, err := r.startRun(ctx)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	go func() {
		<-run.ctx.Done()
		r.endRun(run)
	}()
	return func() error {
		<-run.done
		if err := context.Cause(run.ctx); errors.Is(err, ErrClosed) {
			return err
		}
		return nil
	}, nil
}

func (r *Runtime) startRun(ctx context.Context) (*running, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	switch {
	case r.isClosed():
		return nil, ErrClosed
	case r.running != nil:
		return nil, errors.New("it runs already")
	}
	run := &running{done: make(chan struct{}), tasks: map[*Task]*taskJobs{}, notify: newNotifier(r.log)}
	run.ctx, run.cancel = context.WithCancelCause(ctx)
	r.running = run
	run.jobs.Go(func() { run.notify.run(run.ctx, r.options.Poll) })
	r.publish(Event{Kind: KindStart})
	for _, t := range r.Tasks() {
		r.startTask(t)
	}
	r.arrange()
	return run, nil
}

// endRun waits for everything that Run has started.
func (r *Runtime) endRun(run *running) {
	r.changing.Lock()
	defer r.changing.Unlock()
	run.cancel(nil)
	for t := range run.tasks {
		r.stopTask(t)
	}
	run.jobs.Wait()
	r.running = nil
	r.arrange()
	close(run.done)
}

// stopRun ends Run, if it runs, and waits for it.
func (r *Runtime) stopRun(cause error) {
	r.changing.Lock()
	run := r.running
	r.changing.Unlock()
	if run != nil {
		run.cancel(cause)
		<-run.done
	}
}

// startTask starts what keeps a task up to date, if Run runs. Needs changing.
func (r *Runtime) startTask(t *Task) {
	run := r.running
	if run == nil {
		return
	}
	t.setAdaptable(true)
	j := new(taskJobs)
	var ctx context.Context
	ctx, j.cancel = context.WithCancel(run.ctx)
	run.tasks[t] = j
	run.notify.watch(t, []string{t.folder(), t.generationsFolder()}, t.nudge)
	for _, job := range []func(context.Context){t.follow, t.beat, t.adaptWhenAsked} {
		j.jobs.Go(func() { job(ctx) })
	}
	j.jobs.Go(func() { t.watchSamples(ctx, run.notify) })
}

// stopTask ends what startTask started. Needs changing.
func (r *Runtime) stopTask(t *Task) {
	run := r.running
	if run == nil || run.tasks[t] == nil {
		return
	}
	run.notify.forget(t)
	run.tasks[t].cancel()
	run.tasks[t].jobs.Wait()
	delete(run.tasks, t)
}
