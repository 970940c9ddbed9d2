package camera_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// ready is a source that gives a small frame whenever a token is there.
type ready struct {
	live   bool
	tokens chan struct{}
	number uint64
	once   sync.Once
	closed chan struct{}
}

func newReady(live bool) *ready {
	return &ready{live: live, tokens: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (s *ready) Read(ctx context.Context, f *camera.Frame) error {
	select {
	case <-s.tokens:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return camera.ErrClosed
	}
	s.number++
	f.Resize(64, 48)
	f.Number, f.Captured = s.number, time.Now()
	return nil
}

func (s *ready) Info() camera.Info { return camera.Info{Driver: "ready", Live: s.live} }

func (s *ready) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// runReady runs a feed over a source that gives frames for tokens, and returns
// what takes the next frame.
func runReady(tb testing.TB, live bool) (take func()) {
	source := newReady(live)
	feed := camera.NewFeed(camera.FeedOptions{Open: func(context.Context) (camera.Source, error) { return source, nil }})
	ctx, cancel := context.WithCancel(tb.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := feed.Run(ctx); err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(func() {
		cancel()
		running.Wait()
	})
	var held *camera.Frame
	return func() {
		source.tokens <- struct{}{}
		frame, err := feed.Next(ctx, held)
		if err != nil {
			tb.Fatal(err)
		}
		held = frame
	}
}

func TestFramesPassWithoutAllocation(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "in step": false} {
		t.Run(name, func(t *testing.T) {
			take := runReady(t, live)
			for range 10 {
				take()
			}
			if n := testing.AllocsPerRun(1000, take); n != 0 {
				t.Errorf("%v allocations a frame, want none", n)
			}
		})
	}
}

// BenchmarkFeed measures what a frame costs on its way from Read to Next, the
// change of goroutines included.
func BenchmarkFeed(b *testing.B) {
	for name, live := range map[string]bool{"live": true, "in step": false} {
		b.Run(name, func(b *testing.B) {
			take := runReady(b, live)
			take()
			b.ReportAllocs()
			for b.Loop() {
				take()
			}
		})
	}
}
