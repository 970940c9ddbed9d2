package main

import (
	"context"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
)

const (
	// gcDelay is how long after a new generation the store is tidied: the one before
	// may still be wanted, and several may come together.
	gcDelay = time.Minute
	gcEvery = 24 * time.Hour
)

// tidy removes generations and bases that nobody needs, a while after there is a
// new one and once a day, as long as this daemon keeps the store.
func (d *daemon) tidy(ctx context.Context) {
	events := d.rt.Events().Subscribe(16)
	defer events.Close()
	due := time.NewTimer(gcDelay)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events.C:
			if !ok {
				return
			}
			if e.Kind == runtime.KindGeneration || e.Kind == runtime.KindAdaptDone {
				due.Reset(gcDelay)
			}
		case <-due.C:
			d.collect(ctx)
			due.Reset(gcEvery)
		}
	}
}

// collect tidies the store once, as the configuration says.
func (d *daemon) collect(ctx context.Context) {
	c := d.config().GC
	if c.Newest == 0 || d.rt.StandingBy() != nil {
		return
	}
	r, err := d.store.GC(ctx, models.GCOptions{Newest: c.Newest, Limit: int64(c.Limit)})
	if err != nil && ctx.Err() == nil {
		d.hinted("the store could not be tidied", err)
	}
	if len(r.Removed) > 0 {
		d.log.Info("the store is tidied", "removed", len(r.Removed), "freed", humanize.IBytes(uint64(max(0, r.Freed))), "bytes", r.Bytes) //nolint:gosec // not below zero
	}
	if over := r.Over(); over > 0 {
		d.log.Warn("the store takes more than gc.limit all the same", "over", humanize.IBytes(uint64(over)), "hint", "unpin generations, or raise gc.limit: edge models gc --dry-run") //nolint:gosec // above zero
	}
}
