package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
)

// device is one of the fleet: the client that a real one has, over a folder of its
// own, and a simulated line.
type device struct {
	id     string
	dir    string
	client *update.Client // nil until it first does something
	src    source
	base   digest.Digest // of the active generation
	has    int           // release
	taken  time.Duration // when it had the release that the scenario is about; 0: not yet
	misses int           // looks in a row that failed
	next   time.Duration // its next look by itself
	free   time.Duration // it is at work until then
}

// task is what every device does.
const task = "shelf"

// older is the share of devices whose head was worse on the last base, so that they
// stayed with the one before; strange that of those with a base that no delta
// begins at.
const (
	older   = 0.06
	strange = 0.04
)

// newDevice returns the device of a number, the same for the same seed. It is
// somewhere between two looks.
func (f *fleet) newDevice(n int) *device {
	random := rand.New(rand.NewPCG(f.seed, uint64(n))) //nolint:gosec // chance, not secrecy
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte("device"), f.seed), uint64(n)))
	d := &device{id: hex.EncodeToString(sum[:16])}
	d.dir = filepath.Join(f.dir, fmt.Sprint(n%1000), d.id)
	d.src = source{origin: f.origin, line: newLine(random), random: random}
	d.base, d.has = f.before(1), len(f.bases)-2
	switch at := random.Float64(); {
	case at < strange:
		d.base = "sha256:" + digest.Digest(hex.EncodeToString(sum[:]))
	case at < strange+older:
		d.base = f.before(2)
	}
	d.next = residue(random, f.scenario.Period)
	d.src.flaky = random.Float64() < f.scenario.Flaky
	if random.Float64() < f.scenario.Away {
		d.src.gone = lead + between(random, -2*time.Hour, 0)
		d.src.back = lead + between(random, time.Hour, 4*time.Hour)
	}
	return d
}

// sort names what is wrong with a device's network.
func (d *device) sort() string {
	switch {
	case d.src.flaky:
		return "flaky"
	case d.src.back > 0:
		return "away"
	}
	return "healthy"
}

// residue is the time until the next look of a device that has always looked every
// period, give or take a quarter: longer gaps are more likely to be met.
func residue(random *rand.Rand, period time.Duration) time.Duration {
	for {
		gap := jittered(random, period)
		if random.Float64() < float64(gap)/(1.25*float64(period)) {
			return time.Duration(random.Float64() * float64(gap))
		}
	}
}

func jittered(random *rand.Rand, period time.Duration) time.Duration {
	return between(random, period*3/4, period*5/4)
}

func between(random *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(random.Int64N(int64(high-low)+1))
}

// open is a start of the device's program.
func (d *device) open(f *fleet, t *tally) error {
	d.src.tally = t
	if err := linked(f.template, d.dir); err != nil {
		return err
	}
	var err error
	d.client, err = f.client(d.dir, &d.src)
	return err
}

// linked gives a folder the files of another. The client replaces files and never
// changes them, so many folders can share one until then. Locks are not shared.
func linked(from, to string) error {
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.MkdirAll(to, 0o700)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		here, there := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case e.IsDir():
			err = linked(here, there)
		case filepath.Ext(here) != ".lock":
			err = os.Link(here, there)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// look has the device ask for what is new, and take it. It says when it wants to
// look again.
func (d *device) look(ctx context.Context, f *fleet, w *worker, at time.Duration) error {
	if d.client == nil {
		if err := d.open(f, &w.tally); err != nil {
			return err
		}
	}
	d.src.begin(max(at, d.free))
	err := d.try(ctx, f, w)
	d.free = d.src.now
	pause := f.scenario.Period
	switch {
	case err == nil:
		d.misses = 0
	case errors.Is(err, update.ErrNetwork) && f.scenario.Again == 0:
	case errors.Is(err, update.ErrNetwork):
		pause = min(pause, f.scenario.Again<<min(d.misses, 10))
		d.misses++
	default:
		return fmt.Errorf("device %s, %s after the beginning: %w", d.id, d.free, err)
	}
	d.next = d.free + jittered(d.src.random, pause)
	return nil
}

func (d *device) try(ctx context.Context, f *fleet, w *worker) error {
	before := w.tally.asked
	begun := cpu()
	ch, err := d.client.Check(ctx)
	took := cpu() - begun
	w.tally.checks++
	if err != nil {
		w.tally.failed++
		return err
	}
	switch {
	case d.src.flaky: // requests that fail are no measure
	case w.tally.asked-before == quietRequests:
		w.cost.quiet.add(took)
	default:
		w.cost.news.add(took)
	}
	r, ok, _ := ch.Newest(release.Device{
		ID: d.id, Edge: "v1.0.0", Architecture: "arm64", MemoryMiB: 4096, Task: task, Base: d.base, Width: 128, Height: 128,
	}, d.has)
	if !ok {
		return nil
	}
	return d.take(ctx, f, w, r)
}

// quietRequests is what a look asks for when nothing is new: the next root, which
// is not there, and the timestamp.
const quietRequests = 2

// take gets the base of a release, by the shortest way that leads there.
func (d *device) take(ctx context.Context, f *fleet, w *worker, r release.Release) error {
	begun := cpu()
	_, err := d.client.Fetch(ctx, way(r.Base, d.base), nil)
	if err != nil {
		w.tally.broken++
		return err
	}
	if !d.src.flaky {
		w.cost.fetch.add(cpu() - begun)
	}
	w.tally.fetches++
	due, ok := f.due(d)
	if !ok || due > d.src.now || r.Number != f.coming.Number || d.taken != 0 {
		return fmt.Errorf("it took release %d, which is not for it now", r.Number)
	}
	d.base, d.has, d.taken = r.Base.Digest, r.Number, d.src.now
	err = update.ChangeState(ctx, d.dir, func(s *update.State) {
		s.Tasks[task] = update.TaskState{Release: r.Number, Base: r.Base.Digest, When: epoch.Add(d.src.now)}
	})
	return errors.Join(err, d.client.Clean())
}

// way is what update.Client.Base fetches first: the shortest delta from a base that
// is here, else the whole file.
func way(b release.Base, from digest.Digest) release.File {
	w := *b.Full
	for _, d := range b.Deltas {
		if d.From == from && d.Bytes < w.Bytes {
			w = d.File
		}
	}
	return w
}
