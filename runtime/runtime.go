package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/metrics"
)

// Runtime runs tasks. The package comment has the rules of ownership,
// concurrency and failure.
type Runtime struct {
	options Options
	store   *models.Store
	log     *slog.Logger
	metrics *metrics.Metrics
	hub     *Hub
	pools   *pools
	sinks   sinks
	// adapting holds one token, which the adaptation that runs takes out.
	adapting chan struct{}
	// background are short jobs that outlive whoever started them.
	background sync.WaitGroup

	// changing is held by whoever changes tasks, pipelines and running.
	changing  sync.Mutex
	pipelines map[string]*pipeline // by source URI
	running   *running             // nil: Run does not run

	mu     sync.RWMutex // guards what follows, for readers
	tasks  map[string]*Task
	closed bool
	// standBy is why nothing adapts for now; nil: it may.
	standBy error
}

const defaultPoll = 2 * time.Second

// New returns a Runtime without tasks. It starts nothing.
func New(o Options) (*Runtime, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("new runtime: no store given")
	case o.Engine == nil:
		return nil, errors.New("new runtime: no engine given")
	case o.Workers < 0 || o.Workers > 1024:
		return nil, fmt.Errorf("new runtime: %d workers: want 1 to 1024, or 0 for one a processor", o.Workers)
	case o.Poll < 0:
		return nil, fmt.Errorf("new runtime: poll every %v", o.Poll)
	}
	o.Workers = cmp.Or(o.Workers, goruntime.GOMAXPROCS(0))
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	if o.Metrics == nil {
		o.Metrics = metrics.New()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runtime{
		options: o, store: o.Store, log: o.Log, metrics: o.Metrics, hub: newHub(),
		pools:     newPools(o.Engine, o.Workers, o.Metrics.Interpreters),
		adapting:  make(chan struct{}, 1),
		pipelines: map[string]*pipeline{}, tasks: map[string]*Task{},
	}
	r.adapting <- struct{}{}
	return r, nil
}

// Task returns the task of that name, or ErrNoTask.
func (r *Runtime) Task(name string) (*Task, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.tasks[name]; t != nil {
		return t, nil
	}
	err := fmt.Errorf("task %q: %w", name, ErrNoTask)
	if len(r.tasks) == 0 {
		return nil, hint.Wrap(err, "no task is configured")
	}
	return nil, hint.Wrap(err, "there are: "+strings.Join(slices.Sorted(maps.Keys(r.tasks)), ", "))
}

// Tasks returns all tasks by name.
func (r *Runtime) Tasks() []*Task {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.tasks), func(a, b *Task) int { return strings.Compare(a.name, b.name) })
}

// Events returns where events are published.
func (r *Runtime) Events() *Hub { return r.hub }

// Metrics returns the runtime's instruments.
func (r *Runtime) Metrics() *metrics.Metrics { return r.metrics }

// Ready returns nil when every task serves, and otherwise which do not and why.
func (r *Runtime) Ready() error {
	var errs []error
	for _, t := range r.Tasks() {
		s, err := t.serving()
		s.release()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Close ends Run, waits for SetTasks, lets what is in flight finish, and frees every base and sink.
// Sinks have a few seconds for the events that still wait. Further calls do
// nothing.
func (r *Runtime) Close() error {
	r.stopRun(ErrClosed)
	r.changing.Lock()
	defer r.changing.Unlock()
	r.mu.Lock()
	r.closed = true
	tasks := r.tasks
	r.tasks = map[string]*Task{}
	r.mu.Unlock()
	for _, t := range tasks {
		t.close()
	}
	r.hub.close()
	err := r.sinks.close()
	r.background.Wait()
	r.pools.wait()
	return err
}

func (r *Runtime) isClosed() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.closed
}

// publish sends an event and logs it.
func (r *Runtime) publish(e Event) Event {
	e = r.hub.publish(e)
	level := slog.LevelInfo
	switch e.Kind {
	case KindHeartbeat:
		level = slog.LevelDebug
	case KindSourceLost, KindRefused, KindRollback, KindAdaptFailed:
		level = slog.LevelWarn
	}
	if !r.log.Enabled(context.Background(), level) {
		return e
	}
	var attrs []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("task", e.Task), slog.String("label", e.Label), slog.String("previous", e.Previous), slog.String("source", e.Source),
		slog.String("message", e.Message), slog.String("hint", e.Hint),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Generation != 0 {
		attrs = append(attrs, slog.Int("generation", e.Generation))
	}
	if e.Score != 0 {
		attrs = append(attrs, slog.Float64("score", float64(e.Score)))
	}
	r.log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	return e
}
