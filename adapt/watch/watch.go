// Package watch tells when a folder of samples has changed and is still again.
//
// What counts is what a look at the folder shows: names, sizes and times.
// Notices of the kernel only say when to look; filesystems that give none (NFS,
// SMB, FUSE) are looked at now and then.
package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/internal/notices"
)

// maxWatched bounds the folders with notices: the kernel gives a user some
// thousands of watches. Changes in others are found at the next look.
const maxWatched = 512

// Options says which folder is watched, and how. All but Dir may be zero.
type Options struct {
	Dir string
	// Settle is how long the folder must be still before a change counts. Zero
	// means 2 s.
	Settle time.Duration
	// Poll is how often the folder is looked at without a notice. Zero means 10 s.
	Poll time.Duration
	// Warn is told why the folder could not be looked at, each time; nil means
	// nobody asks.
	Warn func(error)
}

// Run calls do at once, and again each time the folder has changed since the
// call before began and has then been still. It returns nil when ctx ends, and
// an error if the folder cannot be looked at in the beginning. do runs in the
// calling goroutine.
func Run(ctx context.Context, o Options, do func()) error {
	if o.Settle == 0 {
		o.Settle = 2 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
	}
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	done, err := Look(o.Dir)
	if err != nil {
		return fmt.Errorf("watch the samples: %w", err)
	}
	n := newTeller(done.Folders)
	defer n.close()
	do()
	for ctx.Err() == nil {
		now, err := Look(o.Dir)
		switch {
		case err != nil:
			o.Warn(fmt.Errorf("watch the samples: %w", err))
			n.wait(ctx, o.Poll)
		case n.watch(now.Folders):
			// Something may have come into a new folder before it was watched.
		case now.Sum == done.Sum:
			n.wait(ctx, o.Poll)
		default:
			if now, ok := settled(ctx, o, now); ok {
				done = now
				do()
			}
		}
	}
	return nil
}

// settled waits until two looks at the folder, Settle apart, show the same, which
// it returns; ok is false if there is none to be had.
func settled(ctx context.Context, o Options, before State) (now State, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return State{}, false
		case <-time.After(o.Settle):
		}
		now, err := Look(o.Dir)
		if err != nil {
			o.Warn(fmt.Errorf("watch the samples: %w", err))
			return State{}, false
		}
		if now.Sum == before.Sum {
			return now, true
		}
		before = now
	}
}

// teller waits for the kernel to tell of a change.
type teller struct {
	w     *notices.Watcher // nil: it does not tell
	asked map[string]bool  // folders of the latest call of watch
}

func newTeller(folders []string) *teller {
	w, err := notices.New()
	if err != nil {
		return &teller{}
	}
	n := &teller{w: w}
	n.watch(folders)
	return n
}

// watch asks for notices of these folders, and reports whether one of them was
// not asked for before. Those that are gone end by themselves.
func (n *teller) watch(folders []string) (fresh bool) {
	if n.w == nil {
		return false
	}
	have, asked := map[string]bool{}, map[string]bool{}
	for _, folder := range n.w.WatchList() {
		have[folder] = true
	}
	for _, folder := range folders[:min(len(folders), maxWatched)] {
		asked[folder] = true
		// A folder that came again under its name is added again. One in a folder that
		// was renamed is never in the list by its new name: what counts is who asked.
		if !have[folder] && n.w.Add(folder) == nil && !n.asked[folder] {
			fresh = true // what cannot be watched is looked at now and then
		}
	}
	n.asked = asked
	return fresh
}

// wait returns after a notice, at the latest after poll, or when ctx ends.
func (n *teller) wait(ctx context.Context, poll time.Duration) {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	if n.w == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		return
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-n.w.Events:
	case <-n.w.Errors: //nolint:errcheck // the look that follows finds what it was
	}
	for { // one look is enough for all that came at once
		select {
		case _, ok := <-n.w.Events:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

func (n *teller) close() {
	if n.w != nil {
		n.w.Close()
	}
}
