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
	// Deliver hands over one event. It may take its time and try again; up to 1024
	// events wait meanwhile, then the oldest are dropped. ctx ends when the sink is
	// removed, or the runtime closed, and it has had five seconds to finish.
	Deliver(ctx context.Context, e Event) error
	// Close is called once, after the last Deliver.
	Close() error
}

const (
	sinkQueue = 1024
	sinkGrace = 5 * time.Second // for the events that wait when the runtime closes
)

// sinks runs the sinks, each in a goroutine of its own.
type sinks struct {
	mu     sync.Mutex
	all    map[string]*sinkRunner
	closed bool
}

type sinkRunner struct {
	runtime *Runtime
	name    string
	sink    Sink
	events  *Subscription
	metrics *metrics.Sink
	ctx     context.Context //nolint:containedctx // ends sinkGrace after the last event
	cancel  context.CancelFunc
	done    chan struct{}
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
	run := &sinkRunner{runtime: r, name: name, sink: s, events: r.hub.Subscribe(sinkQueue), metrics: r.metrics.Sink(name), done: make(chan struct{})}
	run.ctx, run.cancel = context.WithCancel(context.Background())
	if r.sinks.all == nil {
		r.sinks.all = map[string]*sinkRunner{}
	}
	r.sinks.all[name] = run
	go run.run()
	return nil
}

// RemoveSink takes a sink away: what waits is delivered, for up to five seconds,
// and the sink is closed. The error is that of closing it.
func (r *Runtime) RemoveSink(name string) error {
	r.sinks.mu.Lock()
	run := r.sinks.all[name]
	delete(r.sinks.all, name)
	r.sinks.mu.Unlock()
	if run == nil {
		return fmt.Errorf("remove sink %q: there is none of that name", name)
	}
	run.events.Close()
	return run.wait()
}

// run delivers until the subscription is closed.
func (s *sinkRunner) run() {
	defer close(s.done)
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

// wait waits until a sink whose subscription is closed has delivered what waits,
// for a bounded time, and is closed.
func (s *sinkRunner) wait() error {
	late := time.AfterFunc(sinkGrace, s.cancel)
	defer late.Stop()
	<-s.done
	return s.err
}

// count brings a counter, of which last is known, up to now.
func count(c prometheus.Counter, last *uint64, now uint64) {
	c.Add(float64(now - *last))
	*last = now
}

// close ends every sink as RemoveSink does, all at once. The hub must be closed.
func (s *sinks) close() error {
	s.mu.Lock()
	s.closed = true
	all := s.all
	s.all = nil
	s.mu.Unlock()
	var errs []error
	var waiting sync.WaitGroup
	var mu sync.Mutex
	for _, run := range all {
		waiting.Go(func() {
			err := run.wait()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	waiting.Wait()
	return errors.Join(errs...)
}
