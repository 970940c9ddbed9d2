package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cost is what the devices' work took of this machine's processor.
type cost struct {
	quiet mean // a look with nothing new
	news  mean // one with a new channel document
	fetch mean // a download: received, hashed, written, renamed
}

func (c *cost) add(o *cost) {
	c.quiet.join(o.quiet)
	c.news.join(o.news)
	c.fetch.join(o.fetch)
}

// mean is a mean duration.
type mean struct {
	sum time.Duration
	n   int64
}

func (m *mean) add(d time.Duration) { m.sum += d; m.n++ }
func (m *mean) join(o mean)         { m.sum += o.sum; m.n += o.n }

// milliseconds returns the mean, 0 of nothing.
func (m mean) milliseconds() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum.Seconds() * 1000 / float64(m.n)
}

// cpu is the processor's time of this thread.
func cpu() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
