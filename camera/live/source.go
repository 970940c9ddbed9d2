// Package live makes a camera.Source of anything that sends pictures when it
// likes: a connection, a child process.
//
// One goroutine, the producer, takes what comes, so that nothing piles up in a
// socket or a pipe; it keeps the newest picture only, undecoded. Read decodes that
// one. A consumer that is slow therefore sees what is in front of the camera now, and
// costs no decoding for what it does not look at.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
)

// defaultStall is how long a source may be silent if nobody says otherwise, as in
// camera.FeedOptions.
const defaultStall = 10 * time.Second

// Options says what a Source is made of.
type Options struct {
	// Info describes the source. Live is set, width and height follow the
	// pictures.
	Info camera.Info
	// Produce runs in a goroutine of its own until it returns, which it does soon
	// after ctx ends. It calls put with each picture as it arrived; put takes the
	// memory, and gives back other memory of any length to put the next one in
	// (nil at first). What Produce returns is what Read returns from then on;
	// nil counts as io.EOF does: a live source does not end by itself, so it is
	// a failure.
	Produce func(ctx context.Context, put func(picture []byte) []byte) error
	// Decode turns a picture into pixels. It is called by Read alone. Its errors
	// become camera.Skipped.
	Decode func(dst *pixel.RGB, picture []byte) error
	// Stop ends a Produce that waits. It is called once, after its ctx has ended
	// and before it is waited for. Nil: the ctx is enough.
	Stop func() error
	// Stall is how long there may be no picture before Read says
	// camera.ErrStalled. Zero: 10 s.
	Stall time.Duration
}

// errEnded is what Read returns where a producer just stopped.
var errEnded = errors.New("the other side ended the stream")

// Source is an open live source.
type Source struct {
	decode func(dst *pixel.RGB, picture []byte) error
	stall  time.Duration
	stop   func() error

	cancel   context.CancelFunc
	closing  sync.Once
	closeErr error
	produced chan struct{} // Produce has returned
	news     chan struct{} // of capacity 1: there is a picture, or an end

	mu       sync.Mutex
	info     camera.Info
	fresh    []byte    // the newest picture, if any is waiting
	waiting  bool      // fresh holds a picture
	spare    []byte    // memory for the producer
	captured time.Time // of fresh; before the first picture, when it was opened
	number   uint64
	err      error // what Read says once fresh is taken
	closed   bool

	held  []byte // Read's own
	timer *time.Timer
}

// New starts the producer and returns its source.
func New(o Options) *Source {
	o.Info.Live = true
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Source{
		decode: o.Decode, stall: o.Stall, stop: o.Stop, cancel: cancel,
		produced: make(chan struct{}), news: make(chan struct{}, 1),
		info: o.Info, captured: time.Now(),
	}
	go func() {
		defer close(s.produced)
		err := o.Produce(ctx, s.put)
		if err == nil || err == io.EOF { //nolint:errorlint // wrapped, it says more than this
			err = errEnded
		}
		s.fail(err)
	}()
	return s
}

// put takes a picture from the producer.
func (s *Source) put(picture []byte) []byte {
	now := time.Now()
	s.mu.Lock()
	if s.waiting {
		s.spare = s.fresh // nobody looked at it
	}
	s.fresh, s.waiting, s.captured = picture, true, now
	next := s.spare
	s.spare = nil
	s.mu.Unlock()
	s.tell()
	return next[:0]
}

// tell wakes Read.
func (s *Source) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// fail sets what Read says from now on. The first failure stays.
func (s *Source) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.tell()
}

// Read implements camera.Source.
func (s *Source) Read(ctx context.Context, f *camera.Frame) error {
	captured, err := s.take(ctx)
	if err != nil {
		return err
	}
	if err := s.decode(&f.Image, s.held); err != nil {
		return &camera.Skipped{Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	s.info.Width, s.info.Height = f.Image.Width, f.Image.Height
	f.Number, f.Captured, f.Name = s.number, captured, ""
	return nil
}

// take waits for a picture and puts it into s.held.
func (s *Source) take(ctx context.Context) (captured time.Time, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return captured, err
		}
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return captured, camera.ErrClosed
		case s.waiting:
			if s.spare == nil {
				s.spare = s.held
			}
			s.held, s.fresh, s.waiting = s.fresh, nil, false
			captured = s.captured
			s.mu.Unlock()
			return captured, nil
		case s.err != nil:
			err := s.err
			s.mu.Unlock()
			return captured, err
		}
		left := time.Until(s.captured.Add(s.stall))
		s.mu.Unlock()
		if left <= 0 {
			s.fail(fmt.Errorf("%w (%v)", camera.ErrStalled, s.stall))
			continue
		}
		if err := s.wait(ctx, left); err != nil {
			return captured, err
		}
	}
}

// wait waits until there is news, or for so long.
func (s *Source) wait(ctx context.Context, left time.Duration) error {
	if s.timer == nil {
		s.timer = time.NewTimer(left)
	} else {
		s.timer.Reset(left)
	}
	defer s.timer.Stop()
	select {
	case <-s.news:
	case <-s.timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Info implements camera.Source.
func (s *Source) Info() camera.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// Close implements camera.Source.
func (s *Source) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.tell()
		s.cancel()
		if s.stop != nil {
			s.closeErr = s.stop()
		}
	})
	<-s.produced
	return s.closeErr
}
