package main

import (
	"container/heap"
	"context"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
)

// fleet is the devices of one scenario, and what they ask.
type fleet struct {
	scenario scenario
	seed     uint64
	dir      string          // the devices' folders
	template string          // the folder of a device that has looked once
	bases    [][]byte        // by age
	digests  []digest.Digest // of bases
	coming   release.Release // what is published; its number is 0 if nothing is
	origin   *origin
	devices  []*device
}

// newFleet publishes what the scenario publishes, and makes the devices. All of it
// is kept in dir.
func newFleet(ctx context.Context, dir string, bases [][]byte, s scenario, devices int, seed uint64) (*fleet, error) {
	f := &fleet{scenario: s, seed: seed, dir: filepath.Join(dir, "devices"), template: filepath.Join(dir, "template"), bases: bases}
	for _, b := range bases {
		f.digests = append(f.digests, digest.Of(b))
	}
	r, err := newRepository(ctx, filepath.Join(dir, "publisher"), bases)
	if err != nil {
		return nil, err
	}
	if f.coming, err = r.follow(ctx, s); err != nil {
		return nil, err
	}
	if f.origin, err = readOrigin(r.Public(), r.stamps); err != nil {
		return nil, err
	}
	if err := f.look(ctx); err != nil {
		return nil, err
	}
	for n := range devices {
		f.devices = append(f.devices, f.newDevice(n))
	}
	return f, nil
}

// before returns the base so many before the last.
func (f *fleet) before(n int) digest.Digest { return f.digests[len(f.digests)-1-n] }

// due returns when the roll-out comes to a device; ok is false if it does not.
func (f *fleet) due(d *device) (at time.Duration, ok bool) {
	return f.scenario.due(release.Bucket(d.id, f.coming.Rollout.Salt))
}

// look makes the template: a device that has looked, a while ago.
func (f *fleet) look(ctx context.Context) error {
	src := &source{origin: f.origin, tally: &tally{}, now: -usualPeriod, line: line{trip: time.Millisecond, rate: 1e9}}
	c, err := f.client(f.template, src)
	if err != nil {
		return err
	}
	_, err = c.Check(ctx)
	return err
}

// client is a device's, with the time that its source has come to.
func (f *fleet) client(dir string, src *source) (*update.Client, error) {
	return update.New(update.Config{
		Dir: dir, Root: f.origin.root, Channel: channel, Source: src, Retry: retry(), Reserve: -1,
		Clock: update.NewClock(update.ClockConfig{
			Dir: dir, Build: epoch.Add(-100 * day),
			System: func() time.Time { return epoch.Add(src.now) }, Synchronised: func() bool { return true },
		}),
	})
}

// run lets the time of the scenario pass, and returns what was counted and what it
// cost. Devices do not meet, so how many threads there are changes nothing of the
// former.
func (f *fleet) run(ctx context.Context, threads int) (*tally, *cost, error) {
	workers := make([]*worker, threads)
	group, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		w := &worker{}
		workers[i] = w
		for n := i; n < len(f.devices); n += threads {
			w.plan(f, n)
		}
		group.Go(func() error { return w.run(ctx, f) })
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	sum, paid := &tally{}, &cost{}
	for _, w := range workers {
		sum.add(&w.tally)
		paid.add(&w.cost)
	}
	return sum, paid, nil
}

// worker is a thread, with the devices that are its own.
type worker struct {
	events events
	tally  tally
	cost   cost
}

// event is a device that wants to look.
type event struct {
	at     time.Duration
	device int
	nudged bool
}

// plan enters when a device looks by itself, and when it hears of each step.
func (w *worker) plan(f *fleet, n int) {
	d := f.devices[n]
	heap.Push(&w.events, event{at: d.next, device: n})
	if f.scenario.Nudge == 0 {
		return
	}
	for _, s := range f.scenario.Steps {
		heard := s.At
		if heard >= d.src.gone && heard < d.src.back {
			heard = d.src.back // the broker keeps the last message for it
		}
		heap.Push(&w.events, event{heard + between(d.src.random, 0, f.scenario.Nudge), n, true})
	}
}

func (w *worker) run(ctx context.Context, f *fleet) error {
	// The processor's time is counted by thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for len(w.events) > 0 && w.events[0].at < f.scenario.Length {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		e := heap.Pop(&w.events).(event)
		d := f.devices[e.device]
		if !e.nudged && e.at != d.next {
			continue // something else made it look, and it chose anew
		}
		if err := d.look(ctx, f, w, e.at); err != nil {
			return err
		}
		heap.Push(&w.events, event{at: d.next, device: e.device})
	}
	return nil
}

// events are a heap, the next one first. Those of one moment go by device, so that
// nothing depends on the order in which they were entered.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at != e[j].at {
		return e[i].at < e[j].at
	}
	return e[i].device < e[j].device
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
