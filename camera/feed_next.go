package camera

import (
	"context"
	"io"
	"slices"
	"time"
)

// spares is how many frames lie ready at most: three pieces of memory go round,
// of which one is being filled.
const spares = 2

// handover is where frames pass from Run to Next. Feed's mutex guards it, except
// for the channels, which each hold one token and wake the other side up.
type handover struct {
	fresh  *Frame   // nobody has taken it yet
	free   []*Frame // nobody's
	wanted bool     // Next waits for a frame of a source that is not live
	over   error    // what Next returns when nothing is left; nil: more may come

	arrived chan struct{}
	asked   chan struct{}
}

func newHandover() handover {
	return handover{
		free:    make([]*Frame, 0, spares),
		arrived: make(chan struct{}, 1),
		asked:   make(chan struct{}, 1),
	}
}

// wake puts a token into c unless one is there.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// end lets Next return err once the last frame is taken.
func (h *handover) end(err error) {
	h.over = err
	if err == nil {
		h.over = io.EOF
	}
	wake(h.arrived)
}

// spare returns a frame to fill.
func (h *handover) spare() *Frame {
	n := len(h.free)
	if n == 0 {
		return new(Frame)
	}
	frame := h.free[n-1]
	h.free = h.free[:n-1]
	return frame
}

// recycle takes a frame that nobody uses any more.
func (h *handover) recycle(frame *Frame) {
	if frame != nil && len(h.free) < spares && !slices.Contains(h.free, frame) {
		h.free = append(h.free, frame)
	}
}

// Next returns the newest frame that it has not returned yet, or waits for one.
//
// The frame is the caller's until it is given back as held, which may be nil, and
// which is the feed's again whatever Next returns. After Run has ended and the
// last frame is taken the error is io.EOF, or Run's; and it is ctx's when ctx ends
// first. Next does not allocate.
func (f *Feed) Next(ctx context.Context, held *Frame) (*Frame, error) {
	for {
		f.mu.Lock()
		f.hand.recycle(held)
		held = nil
		frame, over := f.hand.fresh, f.hand.over
		f.hand.fresh = nil
		f.hand.wanted = frame == nil
		f.mu.Unlock()
		switch {
		case frame != nil:
			return frame, nil
		case over != nil:
			return nil, over
		}
		wake(f.hand.asked)
		select {
		case <-f.hand.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// wanted waits until Next asks for a frame, and reports false if ctx ended first.
func (f *Feed) wanted(ctx context.Context) bool {
	for ctx.Err() == nil {
		f.mu.Lock()
		wanted := f.hand.wanted
		f.mu.Unlock()
		if wanted {
			return true
		}
		select {
		case <-f.hand.asked:
		case <-ctx.Done():
		}
	}
	return false
}

// take returns a frame to fill, giveBack returns one that was not passed on.
func (f *Feed) take() *Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hand.spare()
}

func (f *Feed) giveBack(frame *Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hand.recycle(frame)
}

// pass hands a frame on and returns the next one to fill. A frame of a live
// source takes the place of one that nobody took; the others wait their turn,
// because nothing is read before Next asks.
func (f *Feed) pass(frame *Frame, now time.Time) *Frame {
	f.mu.Lock()
	f.stats.Frames++
	f.stats.LastFrame = now
	next := f.hand.fresh
	f.hand.fresh = frame
	f.hand.wanted = false
	if next != nil {
		f.stats.Dropped++
	} else {
		next = f.hand.spare()
	}
	f.mu.Unlock()
	wake(f.hand.arrived)
	return next
}
