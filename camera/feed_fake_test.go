package camera_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// step is one Read of a fake source: what it gives after how long.
type step struct {
	after time.Duration
	err   error
}

// forever is a step that gives nothing.
const forever = 1 << 62

// frames returns n steps that give a frame each.
func frames(n int, every time.Duration) []step {
	steps := make([]step, n)
	for i := range steps {
		steps[i].after = every
	}
	return steps
}

// fake is a source that follows a script and comes to its end with it.
type fake struct {
	live  bool
	deaf  bool // to contexts
	steps []step

	done    int
	number  uint64
	closing sync.Once
	closed  chan struct{}
}

func (s *fake) Read(ctx context.Context, f *camera.Frame) error {
	if s.done == len(s.steps) {
		return io.EOF
	}
	step := s.steps[s.done]
	heard := ctx.Done()
	if s.deaf {
		heard = nil
	}
	timer := time.NewTimer(step.after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-heard:
		return ctx.Err()
	case <-s.closed:
		return camera.ErrClosed
	}
	s.done++
	if step.err != nil {
		return step.err
	}
	s.number++
	f.Resize(2, 2)
	f.Number, f.Captured = s.number, time.Now()
	return nil
}

func (s *fake) Info() camera.Info { return camera.Info{Driver: "fake", Live: s.live} }

func (s *fake) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// rig is a Feed over fake sources, and what it told.
type rig struct {
	*testing.T
	feed    *camera.Feed
	cancel  context.CancelFunc
	ran     chan error
	begun   time.Time
	opened  []time.Duration // after begun
	changes []camera.Change
	skipped []string
	sources []*fake
}

// start runs a feed. script gives the source of each try, from 1, or an error.
func start(t *testing.T, o camera.FeedOptions, script func(try int) (*fake, error)) *rig {
	r := &rig{T: t, ran: make(chan error, 1), begun: time.Now()}
	if o.Open == nil {
		o.Open = func(context.Context) (camera.Source, error) {
			r.opened = append(r.opened, time.Since(r.begun))
			source, err := script(len(r.opened))
			if err != nil {
				return nil, err
			}
			source.closed = make(chan struct{})
			r.sources = append(r.sources, source)
			return source, nil
		}
	}
	o.Notify = func(c camera.Change) { r.changes = append(r.changes, c) }
	o.Skipped = func(s *camera.Skipped) { r.skipped = append(r.skipped, s.Error()) }
	r.feed = camera.NewFeed(o)
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.ran <- r.feed.Run(ctx) }()
	return r
}

// stop ends the feed and returns what Run returned. The bubble that the test runs
// in finds goroutines that are left.
func (r *rig) stop() error {
	r.Helper()
	r.cancel()
	err := <-r.ran
	for i, s := range r.sources {
		select {
		case <-s.closed:
		default:
			r.Errorf("source %d was not closed", i+1)
		}
	}
	return err
}

// states lists the states that were entered.
func (r *rig) states() (states []camera.State) {
	for _, c := range r.changes {
		states = append(states, c.State)
	}
	return states
}

// next takes a frame that must come.
func (r *rig) next(held *camera.Frame) *camera.Frame {
	r.Helper()
	frame, err := r.feed.Next(r.Context(), held)
	if err != nil {
		r.Fatalf("next: %v", err)
	}
	return frame
}

// under runs a test under a clock of its own.
func under(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// later lets time pass, and waits until everybody has done what they do by then.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
