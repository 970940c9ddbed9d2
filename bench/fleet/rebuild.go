package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
)

// rebuilt has n devices take the last base with a store of their own: fetched as a
// delta, rebuilt and kept. The devices of a scenario leave that out, since 100,000
// stores have no room. It returns the mean of the processor's time, on all threads.
func (f *fleet) rebuilt(ctx context.Context, dir string, n int) (time.Duration, error) {
	parent := f.bases[len(f.bases)-2]
	b := f.coming.Base
	var sum time.Duration
	for i := range n {
		store, err := models.Open(filepath.Join(dir, fmt.Sprint(i), "store"))
		if err != nil {
			return 0, err
		}
		if err := store.PutBlob(ctx, bytes.NewReader(parent), digest.Of(parent), int64(len(parent))); err != nil {
			return 0, err
		}
		src := &source{origin: f.origin, tally: &tally{}, now: lead, line: line{trip: time.Millisecond, rate: 1e9}}
		c, err := f.client(filepath.Join(dir, fmt.Sprint(i), "state"), src)
		if err != nil {
			return 0, err
		}
		if _, err := c.Check(ctx); err != nil {
			return 0, err
		}
		before := allThreads()
		if err := c.Base(ctx, store, b, nil); err != nil {
			return 0, err
		}
		sum += allThreads() - before
	}
	return sum / time.Duration(max(n, 1)), nil
}

// allThreads is the processor's time of this process.
func allThreads() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
