package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edge-adapt/edge/runtime/metrics"
)

// Sink takes events somewhere: a file, a database, another program.
type Sink interface {
	// Deliver hands over one event. It may take its time and try again; events
	// wait in a bounded queue meanwhile, and the oldest are dropped. ctx ends when
	// the runtime closes and the sink has had its time to finish.
	Deliver(ctx context.Context, e Event) error
	// Close is called once, after the last Deliver.
	Close() error
}

const (
	sinkQueue = 256
	sinkGrace = 5 * time.Second // for the events that wait when the runtime closes
)

// sinks runs the sinks, each in a goroutine of its own.
type sinks struct {
	mu     sync.Mutex
	all    map[string]*sinkRunner
	closed bool
	jobs   sync.WaitGroup
}

type sinkRunner struct {
	runtime *Runtime
	name    string
	sink    Sink
	events  *Subscription
	metrics *metrics.Sink
	ctx     context.Context //nolint:containedctx // ends sinkGrace after the last event
	cancel  context.CancelFunc
	dropped uint64
	often   often
	err     error // of Close
}

// AddSink hands every event from now on to s, until Close. The name must be new.
// After an error the caller still owns s.
func (r *Runtime) AddSink(name string, s Sink) error {
	r.sinks.mu.Lock()
	defer r.sinks.mu.Unlock()
	switch {
	case r.sinks.closed:
		return fmt.Errorf("add sink %q: %w", name, ErrClosed)
	case name == "":
		return errors.New("add a sink: it has no name")
	case r.sinks.all[name] != nil:
		return fmt.Errorf("add sink %q: there is one of that name", name)
	}
	run := &sinkRunner{runtime: r, name: name, sink: s, events: r.hub.Subscribe(sinkQueue), metrics: r.metrics.Sink(name)}
	run.ctx, run.cancel = context.WithCancel(context.Background())
	if r.sinks.all == nil {
		r.sinks.all = map[string]*sinkRunner{}
	}
	r.sinks.all[name] = run
	r.sinks.jobs.Go(run.run)
	return nil
}

// run delivers until the hub closes the subscription.
func (s *sinkRunner) run() {
	defer s.cancel()
	for e := range s.events.C {
		err := s.sink.Deliver(s.ctx, e)
		count(s.metrics.Dropped, &s.dropped, s.events.Dropped())
		if err == nil {
			s.metrics.Delivered.Inc()
			continue
		}
		s.metrics.Failed.Inc()
		if n, say := s.often.note(time.Now()); say {
			s.runtime.log.Warn("events could not be delivered", "sink", s.name, "events", n, "error", err)
		}
	}
	if err := s.sink.Close(); err != nil {
		s.err = fmt.Errorf("close sink %q: %w", s.name, err)
	}
}

// count brings a counter, of which last is known, up to now.
func count(c prometheus.Counter, last *uint64, now uint64) {
	c.Add(float64(now - *last))
	*last = now
}

// close waits until every sink has delivered what waits, for a bounded time, and
// is closed. The hub must be closed.
func (s *sinks) close() error {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.mu.Unlock()
	var errs []error
	for _, run := range all {
		late := time.AfterFunc(sinkGrace, run.cancel)
		defer late.Stop()
	}
	s.jobs.Wait()
	for _, run := range all {
		errs = append(errs, run.err)
	}
	return errors.Join(errs...)
}
