package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// SetTasks makes tasks the runtime's tasks: it adds, changes and removes. Tasks
// whose configuration is the same lose no frame, and neither does a source that
// one task still watches. It may be called before Run and while it runs.
//
// It opens the active generation of every new task before it returns. A
// generation that cannot be opened is no error of SetTasks: Ready, Model and
// Status tell of it. After an error of a configuration nothing has changed; if
// ctx ends, the tasks are set, and the generations that are not open yet follow
// when Run runs.
func (r *Runtime) SetTasks(ctx context.Context, tasks []TaskConfig) error {
	if err := r.check(tasks); err != nil {
		return fmt.Errorf("set tasks: %w", err)
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	if r.isClosed() {
		return fmt.Errorf("set tasks: %w", ErrClosed)
	}
	next := map[string]*Task{}
	var added, removed []*Task
	for _, c := range tasks {
		t := r.tasks[c.Name]
		switch {
		case t == nil:
			t = newTask(r, c)
			t.look(c)
			added = append(added, t)
		case t.Config() != c:
			t.look(c)
			t.config.Store(&c)
			signal(t.pokeBeat)
			signal(t.pokeSamples)
			t.nudge()
		}
		next[c.Name] = t
	}
	for name, t := range r.tasks {
		if next[name] == nil {
			removed = append(removed, t)
		}
	}
	// Before anybody shows them frames: what is not live comes once.
	for _, t := range added {
		t.catchUp(ctx)
		r.startTask(t) // before anybody finds it: it takes Adapt from the first moment
	}
	r.mu.Lock()
	r.tasks = next
	r.mu.Unlock()
	// From here on no frame reaches a task that is gone.
	r.arrange()
	for _, t := range removed {
		r.stopTask(t)
		t.close()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("set tasks: %w", context.Cause(ctx))
	}
	return nil
}

// check reports what is wrong with the configurations.
func (r *Runtime) check(tasks []TaskConfig) error {
	seen := map[string]bool{}
	for _, c := range tasks {
		err := c.Validate()
		switch {
		case err != nil:
		case seen[c.Name]:
			err = errors.New("it is there twice")
		case c.Source != "" && r.options.OpenSource == nil:
			err = errors.New("it has a source, and this runtime was made without Options.OpenSource")
		case c.AdaptOnChange && r.options.Adapt == nil:
			err = errors.New("it is to adapt on change, and this runtime was made without Options.Adapt")
		}
		if err != nil {
			return fmt.Errorf("task %q: %w", c.Name, err)
		}
		seen[c.Name] = true
	}
	return nil
}

// Validate reports the first field that cannot be followed.
func (c TaskConfig) Validate() error {
	if err := models.CheckTask(c.Name); err != nil {
		return err
	}
	switch {
	case c.Interval < 0:
		return fmt.Errorf("interval %v: want a duration of 0 or more", c.Interval)
	case !(c.Motion >= 0 && c.Motion < 1):
		return hint.Wrap(fmt.Errorf("motion %v: want a number of 0 or more, below 1", c.Motion), "0.02 suits most cameras")
	case c.Heartbeat < 0:
		return fmt.Errorf("heartbeat %v: want a duration of 0 or more", c.Heartbeat)
	case c.Debounce < 0:
		return fmt.Errorf("debounce %v: want a duration of 0 or more", c.Debounce)
	case c.AdaptOnChange && c.Samples == "":
		return hint.Wrap(errors.New("it is to adapt when its samples change, and has no folder of samples"), "give Samples")
	}
	return errors.Join(c.Crop.Validate(), c.Decide.Validate(), c.Probation.Validate())
}

// look gives the task a new way of looking at its source, if what matters for
// that has changed. Needs the Runtime's changing.
func (t *Task) look(c TaskConfig) {
	old := t.view
	switch {
	case c.Source == "":
		t.view = nil
	case old == nil || old.config.Source != c.Source || old.config.Crop != c.Crop || old.config.Interval != c.Interval ||
		old.config.Motion != c.Motion || old.config.Decide != c.Decide:
		t.view = newView(t, c)
	}
}

// arrange gives every source its pipeline and every pipeline its views while Run
// runs, and ends the pipelines that nobody watches. Needs changing.
func (r *Runtime) arrange() {
	views := map[string][]*view{}
	for _, t := range r.Tasks() {
		var p *pipeline
		if v := t.view; v != nil && r.running != nil {
			uri := v.config.Source
			views[uri] = append(views[uri], v)
			if p = r.pipelines[uri]; p == nil {
				p = newPipeline(r, uri)
				r.pipelines[uri] = p
			}
		}
		t.mu.Lock()
		t.pipeline = p
		t.mu.Unlock()
	}
	for _, uri := range slices.Collect(maps.Keys(r.pipelines)) {
		p := r.pipelines[uri]
		p.setViews(views[uri])
		if len(views[uri]) == 0 {
			p.stop()
			delete(r.pipelines, uri)
		} else {
			p.start(r.running.ctx)
		}
	}
}
