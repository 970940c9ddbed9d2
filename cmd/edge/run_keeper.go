package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// keeper makes this daemon the one that keeps its store, now or as soon as that
// is possible: the daemon that adapts. Its methods are called one after the other.
type keeper struct {
	dir string // of the store
	log *slog.Logger
	// standBy is told why this daemon does not adapt, and with nil that it does.
	standBy func(why error)

	release func() // nil: this daemon does not keep the store
	reason  string // why not, as it was last said
}

// try takes the store over if nobody has it, and says what changes by that.
func (k *keeper) try() {
	release, err := keepStore(k.dir)
	if err == nil {
		if k.reason != "" {
			k.log.Info("this daemon keeps the store now, and adapts", "store", k.dir)
		}
		k.release = release
		k.standBy(nil)
		return
	}
	next := "make " + k.dir + " writable; it is tried again by itself"
	if errors.Is(err, errKept) {
		next = "ask the other daemon; this one takes over when that ends"
	}
	k.standBy(hint.Wrap(err, next))
	if reason := err.Error(); reason != k.reason {
		k.reason = reason
		k.log.Warn("this daemon serves and does not adapt", "store", k.dir, "reason", err, "hint", next)
	}
}

// run tries again and again until this daemon keeps the store or ctx ends. A wait
// for the lock itself could not be ended.
func (k *keeper) run(ctx context.Context, every time.Duration) {
	if k.release != nil {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for k.release == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.try()
		}
	}
}

// close lets another daemon have the store.
func (k *keeper) close() {
	if k.release != nil {
		k.release()
		k.release = nil
	}
}
