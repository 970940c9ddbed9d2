package pattern

import (
	"context"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// clock ticks at a fixed rate from the moment it is first waited for. Like a
// camera's, it does not wait for whoever is late: ticks that have passed are left
// out.
type clock struct {
	period time.Duration
	next   time.Time
	timer  *time.Timer
}

func newClock(rate float64) clock {
	return clock{period: time.Duration(float64(time.Second) / rate)}
}

// wait waits for the next tick.
func (c *clock) wait(ctx context.Context, closed <-chan struct{}) error {
	now := time.Now()
	if c.timer == nil {
		c.next = now
		c.timer = time.NewTimer(0)
	} else {
		c.timer.Reset(c.next.Sub(now))
	}
	defer c.timer.Stop()
	select {
	case <-c.timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-closed:
		return camera.ErrClosed
	}
	now = time.Now()
	c.next = c.next.Add(now.Sub(c.next).Truncate(c.period) + c.period)
	return nil
}
