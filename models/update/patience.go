package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Patience is how slow a server may be. Zero values are the usual ones.
type Patience struct {
	Stall  time.Duration // without a byte; zero: 30 seconds
	Window time.Duration // over which the rate is taken; zero: a minute
	Rate   int64         // bytes a second at least, over Window; zero: 256
}

func (p Patience) orDefault() Patience {
	if p.Stall <= 0 {
		p.Stall = 30 * time.Second
	}
	if p.Window <= 0 {
		p.Window = time.Minute
	}
	if p.Rate <= 0 {
		p.Rate = 256
	}
	return p
}

// watch is a body that ends when patience does. It is used by one goroutine.
type watch struct {
	p      Patience
	name   string
	parent context.Context //nolint:containedctx // lives as long as the request that it belongs to
	ctx    context.Context //nolint:containedctx // as parent
	cancel context.CancelCauseFunc
	stall  *time.Timer
	body   io.ReadCloser
	skip   int64 // bytes to read and forget first

	began time.Time // of the window
	bytes int64     // in it
}

// watch returns a context for a request, which ends when nothing comes.
func (p Patience) watch(parent context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &watch{p: p, parent: parent, ctx: ctx, cancel: cancel, began: time.Now()}
	w.stall = time.AfterFunc(p.Stall, func() { cancel(fmt.Errorf("%w: nothing came for %s", ErrNetwork, p.Stall)) })
	return ctx, w
}

func (w *watch) Read(p []byte) (int, error) {
	for w.skip > 0 {
		n, err := w.read(p[:min(int64(len(p)), w.skip)])
		if w.skip -= int64(n); err != nil {
			return 0, err
		}
	}
	return w.read(p)
}

func (w *watch) read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.bytes += int64(n)
	if err == nil {
		w.stall.Reset(w.p.Stall)
		if took := time.Since(w.began); took >= w.p.Window {
			if float64(w.bytes) < took.Seconds()*float64(w.p.Rate) {
				w.cancel(fmt.Errorf("%w: %d bytes came in %s, at least %d a second should", ErrNetwork, w.bytes, took.Round(time.Millisecond), w.p.Rate))
			} else {
				w.began, w.bytes = time.Now(), 0
			}
		}
	}
	if cause := context.Cause(w.ctx); cause != nil {
		return n, fmt.Errorf("%s: %w", w.name, cause)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w: %w", w.name, ErrNetwork, err)
	}
	return n, err
}

func (w *watch) Close() error {
	w.stop()
	return w.body.Close()
}

// stop ends the request and its timer.
func (w *watch) stop() {
	w.stall.Stop()
	w.cancel(context.Canceled)
}

// Retry is how a network that failed is asked again. Zero values are the usual
// ones.
type Retry struct {
	Tries int           // in a row without progress; zero: 5
	Pause time.Duration // after the first failure at most; doubles each time; zero: 1 second
	Limit time.Duration // of a pause; zero: 1 minute
}

func (r Retry) orDefault() Retry {
	if r.Tries <= 0 {
		r.Tries = 5
	}
	if r.Pause <= 0 {
		r.Pause = time.Second
	}
	if r.Limit <= 0 {
		r.Limit = time.Minute
	}
	return r
}

// do calls attempt until it succeeds, fails for another reason than the network's,
// fails too often in a row, or ctx ends. attempt says whether it got further.
func (r Retry) do(ctx context.Context, attempt func() (further bool, err error)) error {
	for failed := 0; ; {
		further, err := attempt()
		if err == nil || !errors.Is(err, ErrNetwork) || ctx.Err() != nil {
			return err
		}
		if further {
			failed = 0
		}
		if failed++; failed >= r.Tries {
			return err
		}
		select {
		case <-time.After(r.pause(failed, err)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pause is random between half and all of what doubles, so that devices that
// failed together do not come back together; or what the server asked for.
func (r Retry) pause(failed int, err error) time.Duration {
	most := min(r.Pause<<min(failed-1, 20), r.Limit)
	if asked := new(later); errors.As(err, &asked) && asked.after > 0 {
		return min(asked.after, r.Limit)
	}
	return most/2 + rand.N(most/2+1) //nolint:gosec // chance, not secrecy
}
