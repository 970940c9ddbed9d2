// Command fleet has many devices follow a channel, in one process, and writes what
// the origin sees and how long they take:
//
//	go run ./bench/fleet --devices 100000 --out bench/results
//
// Each device is a real models/update.Client over a state folder of its own (on a
// RAM disk, if there is one with room), which reads a real, signed repository and
// verifies it. The network alone is made up: lines of three kinds with their round
// trips and rates, requests that fail, downloads that break off, devices that are
// away. Time is virtual: nothing sleeps, each device has the time that its requests
// have taken. The same seed gives the same figures, but for those of the machine.
//
// What is not simulated: an origin that cannot keep up, packets that get lost, and
// what a device does with a base once it has it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	devices int
	out     string
	base    string
	state   string
	only    string
	again   time.Duration
	nudge   time.Duration
	seed    uint64
	threads int
}

func main() {
	var o options
	flag.IntVar(&o.devices, "devices", 10_000, "devices of the fleet")
	flag.StringVar(&o.out, "out", "", "folder that gets fleet.md, fleet.json and fleet.svg; none: the table is printed alone")
	flag.StringVar(&o.base, "base", filepath.FromSlash("models/base/mobilenet_v2_0.35_128.tflite"), "the base that is tuned and published")
	flag.StringVar(&o.state, "state", "", "folder for the devices' state; none: a RAM disk, if there is one with room")
	flag.StringVar(&o.only, "only", "", "scenarios to run, separated by commas; none: all")
	flag.DurationVar(&o.again, "again", -1, "in place of the scenarios' wait after a look that failed; 0s: a whole period")
	flag.DurationVar(&o.nudge, "nudge", 0, "in place of the time over which the scenarios' nudge spreads devices")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of all chance")
	flag.IntVar(&o.threads, "threads", runtime.GOMAXPROCS(0), "threads")
	flag.Parse()
	// Most of what the devices hold stays: to look for what does not, often, is dear.
	debug.SetGCPercent(300)
	debug.SetMemoryLimit(8 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.devices < 1 || o.threads < 1 {
		return errors.New("a fleet has a device at least, and a thread to run it")
	}
	data, err := os.ReadFile(o.base)
	if err != nil {
		return fmt.Errorf("%w; run it in the root of the checkout, or give --base", err)
	}
	bases, err := lineage(data, 3)
	if err != nil {
		return fmt.Errorf("tune %s: %w", o.base, err)
	}
	if o.state == "" {
		o.state = ramDisk(o.devices)
	}
	r := &report{Seed: o.seed, Devices: o.devices, Processor: processor(), Threads: o.threads, RAMDisk: o.state == "/dev/shm"}
	for _, s := range scenarios() {
		if o.only != "" && !contains(strings.Split(o.only, ","), s.Name) {
			continue
		}
		s.alter(o)
		got, err := simulate(ctx, o, bases, s, r)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		r.Scenarios = append(r.Scenarios, got)
		fmt.Fprintf(os.Stderr, "%s: %d devices, %d looks, %.0f s\n", s.Name, o.devices, got.Looks, got.Machine.Wall)
		if o.out != "" { // as far as it has come
			if err := r.write(o.out); err != nil {
				return err
			}
		}
	}
	os.Stdout.Write(r.markdown())
	return nil
}

// simulate runs a scenario in a folder that is gone afterwards.
func simulate(ctx context.Context, o options, bases [][]byte, s scenario, r *report) (got *outcome, err error) {
	dir, err := os.MkdirTemp(o.state, "edge-fleet-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	f, err := newFleet(ctx, dir, bases, s, o.devices, o.seed)
	if err != nil {
		return nil, err
	}
	if r.Rebuild == 0 && f.coming.Number > 0 {
		r.describe(f)
		took, err := f.rebuilt(ctx, filepath.Join(dir, "rebuilt"), 20)
		if err != nil {
			return nil, err
		}
		r.Rebuild = took.Seconds() * 1000
	}
	bytes, files := used(dir)
	t, c, err := f.run(ctx, o.threads)
	if err != nil {
		return nil, err
	}
	got = f.outcome(t, c)
	after, then := used(dir)
	got.Machine.Disk, got.Machine.Files = after-bytes, then-files
	got.Machine.Resident, got.Machine.Wall = resident(), time.Since(began).Seconds()
	return got, nil
}

// alter has the flags that a scenario can be changed by.
func (s *scenario) alter(o options) {
	if o.again >= 0 && s.Again > 0 {
		s.Again = o.again
		s.Title += fmt.Sprintf(" (again after %s)", o.again)
	}
	if o.nudge > 0 && s.Nudge > 0 {
		s.Nudge = o.nudge
		s.Title += fmt.Sprintf(" (nudge over %s)", o.nudge)
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.TrimSpace(n) == name {
			return true
		}
	}
	return false
}
