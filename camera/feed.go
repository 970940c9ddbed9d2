package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Feed runs a source and keeps it running: Run opens it, opens it again after a
// failure, and ends only when its context ends, the source comes to its end by
// itself, or trying again is of no use.
//
// Of a live source, Next gives the newest frame that it has not given yet; frames
// that nobody took in time are dropped and counted. Of any other, Next and Read go
// in step: the source is read when Next asks, and no frame is lost. Frames pass
// through three pieces of memory that go round, so that nothing is allocated for a
// frame once the pictures have reached their size.
//
// Run and Next are each for one goroutine, Stats is for any.
type Feed struct {
	options FeedOptions

	mu      sync.Mutex
	hand    handover
	stats   Stats
	started bool

	// The rest is Run's alone.
	quiet time.Time // since when no frame came, from a source that had run
}

// FeedOptions says what a Feed runs. All but Open may be zero.
type FeedOptions struct {
	// Open opens the source. Its context also ends when the source is to be
	// closed, so that it may be kept.
	Open func(ctx context.Context) (Source, error)
	// MinWait and MaxWait bound the wait before another try. It starts with
	// MinWait, is doubled with each try, and half of it is left to chance, so that
	// many devices do not come back to one server at once. A source that ran for
	// longer than the last wait makes it start anew. Zero: 250 ms and 30 s.
	MinWait, MaxWait time.Duration
	// Stall is how long a live source may be without a frame; then it is closed
	// and opened anew, with ErrStalled. Zero: 10 s.
	Stall time.Duration
	// Opening is how long Open may take. Zero: 30 s.
	Opening time.Duration
	// Notify is called with every change of state, by Run's goroutine, which
	// waits for it. Nil: nobody asks.
	Notify func(Change)
	// Skipped is called with every picture that could not be used, in the same
	// way.
	Skipped func(*Skipped)
}

const (
	defaultMinWait = 250 * time.Millisecond
	defaultMaxWait = 30 * time.Second
	defaultStall   = 10 * time.Second
	defaultOpening = 30 * time.Second
)

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// NewFeed returns a Feed that runs nothing until Run is called.
func NewFeed(o FeedOptions) *Feed {
	o.MinWait, o.MaxWait = orDefault(o.MinWait, defaultMinWait), orDefault(o.MaxWait, defaultMaxWait)
	o.MaxWait = max(o.MinWait, o.MaxWait)
	o.Stall, o.Opening = orDefault(o.Stall, defaultStall), orDefault(o.Opening, defaultOpening)
	f := &Feed{options: o, hand: newHandover()}
	f.stats.State, f.stats.Since = Opening, time.Now()
	return f
}

// Run runs the source until ctx ends or the source does, and returns nil then.
// It returns an error if trying again is of no use (ErrUnsupported, ErrBadURI).
// When it returns the source is closed. It may be called once.
func (f *Feed) Run(ctx context.Context) error {
	f.mu.Lock()
	again := f.started
	f.started = true
	f.mu.Unlock()
	if again {
		return errors.New("run a feed: it has run before")
	}
	err := f.run(ctx)
	if err != nil {
		f.change(Change{State: Failed, Err: err})
	} else {
		f.change(Change{State: Ended})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hand.end(err)
	return err
}

func (f *Feed) run(ctx context.Context) error {
	back := backOff{least: f.options.MinWait, most: f.options.MaxWait}
	try := 1
	for ctx.Err() == nil {
		f.change(Change{State: Opening, Try: try})
		ran, err := f.session(ctx)
		switch {
		case ctx.Err() != nil, ended(err):
			return nil //nolint:nilerr // that is no failure of the feed
		case errors.Is(err, ErrUnsupported), errors.Is(err, ErrBadURI):
			return err
		}
		try++
		if back.note(ran) {
			try = 1
		}
		wait := back.next()
		f.change(Change{State: Waiting, Err: err, Try: try, Wait: wait})
		sleep(ctx, wait)
	}
	return nil
}

// ended reports whether a source came to its end by itself. A connection's end,
// wrapped, is a failure like any other.
func ended(err error) bool { return err == io.EOF } //nolint:errorlint // not wrapped

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// session opens the source once, reads it until it ends and closes it. It
// returns for how long it ran, and why it does no longer.
func (f *Feed) session(ctx context.Context) (ran time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	late := time.AfterFunc(f.options.Opening, func() {
		cancel(fmt.Errorf("not open after %v: %w", f.options.Opening, ErrStalled))
	})
	source, err := f.options.Open(ctx)
	late.Stop()
	if err != nil {
		return 0, causeOf(ctx, err)
	}
	// Whatever ends ctx also closes the source: it may be deaf to contexts while
	// it waits for a device.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = source.Close()
	})
	defer func() {
		if !stop() {
			<-closed
		}
		_ = source.Close() // what it says no longer matters
	}()

	began, err := f.read(ctx, cancel, source)
	if !began.IsZero() {
		ran = time.Since(began)
	}
	return ran, causeOf(ctx, err)
}

// causeOf returns why ctx ended, if it did, else err.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// read reads an open source until it ends or fails. It returns since when it
// ran: a live source runs with its first frame.
func (f *Feed) read(ctx context.Context, cancel context.CancelCauseFunc, source Source) (began time.Time, err error) {
	live := source.Info().Live
	var stall *time.Timer
	if live {
		stall = time.AfterFunc(f.options.Stall, func() {
			err := fmt.Errorf("nothing for %v: %w", f.options.Stall, ErrStalled)
			cancel(hint.Wrap(err, "see that the camera has power and its network holds; it is opened anew"))
		})
		defer stall.Stop()
	} else {
		began = time.Now()
		f.running(source)
		defer func() { f.quiet = time.Now() }()
	}

	frame := f.take()
	defer func() { f.giveBack(frame) }()
	for first := true; ; {
		if !live && !f.wanted(ctx) {
			return began, ctx.Err()
		}
		if err := source.Read(ctx, frame); err != nil {
			var skipped *Skipped // here, because it takes memory
			if !errors.As(err, &skipped) {
				return began, err
			}
			f.skip(skipped)
			continue
		}
		now := time.Now()
		if first {
			first = false
			if live {
				began = now
				f.running(source)
			} else {
				f.describe(source)
			}
		}
		if live {
			f.quiet = now
			stall.Reset(f.options.Stall)
		}
		frame = f.pass(frame, now)
	}
}
