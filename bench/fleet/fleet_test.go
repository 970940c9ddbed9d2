package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/models/release"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const small = 200 // devices

// named returns a scenario of the report.
func named(t testing.TB, name string) scenario {
	for _, s := range scenarios() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no scenario %q", name)
	return scenario{}
}

// folder returns one on a RAM disk if there is one: the clients sync all they write.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(ramDisk(1000), "edge-fleet-test-")
	must(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ran lets the time of a scenario pass.
func ran(t testing.TB, l [][]byte, s scenario, devices, threads int, seed uint64) (*fleet, *outcome) {
	t.Helper()
	f, err := newFleet(t.Context(), folder(t), l, s, devices, seed)
	must(t, err)
	sum, paid, err := f.run(t.Context(), threads)
	must(t, err)
	return f, f.outcome(sum, paid)
}

func TestFleet(t *testing.T) {
	l, err := lineage(embedded(t), 3)
	must(t, err)
	t.Run("nudge", func(t *testing.T) { checkUntroubled(t, l, "nudge") })
	t.Run("polling", func(t *testing.T) { checkUntroubled(t, l, "polling") })
	t.Run("staged", func(t *testing.T) { checkStages(t, l) })
	t.Run("trouble", func(t *testing.T) { checkTrouble(t, l) })
	t.Run("patience", func(t *testing.T) { checkPatience(t, l) })
	t.Run("quiet", func(t *testing.T) { checkQuiet(t, l) })
	t.Run("seeds", func(t *testing.T) { checkSeeds(t, l) })
	t.Run("cancelled", func(t *testing.T) { checkCancelled(t, l) })
}

// checkArrived expects that devices of a sort have the release, whole, by the
// shortest way, and were sent no byte of it twice.
func checkArrived(t *testing.T, f *fleet, sort string) {
	t.Helper()
	last := f.coming
	for _, d := range f.devices {
		if d.sort() != sort {
			continue
		}
		if d.taken == 0 || d.base != last.Base.Digest {
			t.Errorf("%s device %s has not got the release", sort, d.id)
			continue
		}
		var files []sent
		for _, s := range d.src.sent {
			if strings.HasPrefix(s.name, "targets/bases/") || strings.HasPrefix(s.name, "targets/deltas/") {
				files = append(files, s)
			}
		}
		if len(files) != 1 || files[0].again != 0 || files[0].have != len(f.origin.files[files[0].name]) {
			t.Errorf("%s device %s was sent %+v", sort, d.id, files)
		}
		if sort != "flaky" && d.src.again() != 0 {
			t.Errorf("%s device %s was sent %d bytes twice", sort, d.id, d.src.again())
		}
		if left, _ := os.ReadDir(filepath.Join(d.dir, "parts")); len(left) > 0 {
			t.Errorf("%s device %s kept %v", sort, d.id, left)
		}
	}
}

func checkUntroubled(t *testing.T, l [][]byte, name string) {
	f, o := ran(t, l, named(t, name), small, 2, 1)
	checkArrived(t, f, "healthy")
	if o.Release.Taken != small || o.Fetches != small || o.Failed+o.Broken+o.Retries+o.Unheard+o.Lost+o.Again != 0 {
		t.Errorf("nothing goes wrong here, and yet: %+v", *o)
	}
	// Nothing but the nudge makes them come sooner than by themselves.
	limit := 1.25*usualPeriod.Seconds() + 60
	if name == "nudge" {
		limit = (10 * time.Minute).Seconds() + 60
	}
	if o.Release.All < 0 || o.Release.All > limit {
		t.Errorf("the last has it after %.0f s, of %.0f", o.Release.All, limit)
	}
	ways := map[string]int{}
	for _, d := range f.devices {
		for _, s := range d.src.sent {
			ways[strings.Split(s.name, "/")[1]]++
		}
	}
	if ways["deltas"]+ways["bases"] != small || !within(ways["bases"], small, strange) {
		t.Errorf("%d came as deltas, %d whole", ways["deltas"], ways["bases"])
	}
}

// within reports whether a binomial count lies within five standard deviations.
func within(count, of int, share float64) bool {
	mean := float64(of) * share
	return math.Abs(float64(count)-mean) <= 5*math.Sqrt(mean*(1-share))+1
}

func checkStages(t *testing.T, l [][]byte) {
	s := named(t, "staged")
	f, o := ran(t, l, s, small, 2, 1)
	checkArrived(t, f, "healthy")
	for i, step := range s.Steps {
		due, early, before := 0, 0, 0
		for _, d := range f.devices {
			place := release.Bucket(d.id, f.coming.Rollout.Salt)
			if place < step.Percent {
				due++
			} else if i+1 < len(s.Steps) && d.taken < s.Steps[i+1].At {
				early++
			}
			if i+1 < len(s.Steps) && d.taken < s.Steps[i+1].At {
				before++
			}
		}
		if !within(due, small, step.Percent/100) {
			t.Errorf("%v %% of %d devices are %d", step.Percent, small, due)
		}
		if early > 0 {
			t.Errorf("%d devices have the release before the roll-out came to them", early)
		}
		if before > due {
			t.Errorf("%d devices have the release at %v %%, which are %d", before, step.Percent, due)
		}
	}
	if o.Release.Taken != small || o.Again+o.Lost != 0 {
		t.Errorf("in the end: %+v", *o)
	}
}

func checkTrouble(t *testing.T, l [][]byte) {
	s := named(t, "trouble")
	s.Flaky, s.Away = 0.2, 0.1 // enough of each
	f, o := ran(t, l, s, small, 2, 1)
	for _, sort := range []string{"healthy", "flaky", "away"} {
		checkArrived(t, f, sort)
	}
	if len(o.Sorts) != 3 || o.Retries == 0 || o.Failed == 0 || o.Lost == 0 || o.Again == 0 {
		t.Fatalf("there was no trouble: %+v", *o)
	}
	healthy, flaky, away := o.Sorts[0], o.Sorts[1], o.Sorts[2]
	if healthy.All > 660 || flaky.All <= 0 || away.All < 3600 {
		t.Errorf("the last have it after %.0f, %.0f and %.0f s", healthy.All, flaky.All, away.All)
	}
	if !within(flaky.Due, small, 0.2) || !within(away.Due, small, 0.1) {
		t.Errorf("%d flaky, %d away", flaky.Due, away.Due)
	}
	// Two thirds of what a delta has are the most that broke off with it.
	if o.Lost+o.Again > o.Content/4 {
		t.Errorf("%d bytes were wasted of %d", o.Lost+o.Again, o.Content)
	}
}

// checkPatience expects flaky devices to be later where they wait a whole period
// after a look that failed.
func checkPatience(t *testing.T, l [][]byte) {
	slowest := func(again time.Duration) float64 {
		s := named(t, "trouble")
		s.Flaky, s.Away, s.Length = 0.99, 0, lead+12*time.Hour
		s.alter(options{again: again})
		_, o := ran(t, l, s, 100, 2, 1)
		if o.Release.Taken != 100 || o.Failed == 0 {
			t.Errorf("again after %s: %+v", again, *o)
		}
		return o.Release.NearlyAll
	}
	if soon, late := slowest(5*time.Minute), slowest(0); soon > 2*3600 || late < 4*3600 {
		t.Errorf("99 %% have it after %.0f s, and after %.0f where they wait a period", soon, late)
	}
}

// checkQuiet expects two requests a look, and as many looks as the period makes.
func checkQuiet(t *testing.T, l [][]byte) {
	s := named(t, "quiet-6h")
	f, o := ran(t, l, s, 1000, 2, 1)
	if o.Requests != quietRequests*o.Looks || o.Missing != o.Looks || o.Fetches != 0 || o.Release != nil {
		t.Errorf("%+v", *o)
	}
	if want := s.Length.Hours() / s.Period.Hours(); !within(int(o.Looks), len(f.devices), want) {
		t.Errorf("%d looks of %d devices, %.3f of them in that time", o.Looks, len(f.devices), want)
	}
}

// checkSeeds expects the same of the same seed, however many threads, and something
// else of another.
func checkSeeds(t *testing.T, l [][]byte) {
	s := named(t, "trouble")
	s.Flaky, s.Length = 0.5, lead+time.Hour
	figures := func(threads int, seed uint64) string {
		_, o := ran(t, l, s, 40, threads, seed)
		o.Machine = machine{}
		data, err := json.Marshal(o)
		must(t, err)
		return string(data)
	}
	one := figures(1, 1)
	if three := figures(3, 1); one != three {
		t.Errorf("one thread: %s\nthree: %s", one, three)
	}
	if other := figures(1, 2); one == other {
		t.Error("another seed gives the same")
	}
}

func checkCancelled(t *testing.T, l [][]byte) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	state := folder(t)
	_, err := simulate(ctx, options{devices: 5, threads: 1, state: state, seed: 1}, l, named(t, "nudge"), &report{})
	if !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A small run of the whole program writes its three files.
func TestRun(t *testing.T) {
	out := t.TempDir()
	base := filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite")
	must(t, run(t.Context(), options{devices: 20, out: out, base: base, state: folder(t), only: "nudge, quiet-6h", again: -1, seed: 1, threads: 2}))
	data, err := os.ReadFile(filepath.Join(out, "fleet.json"))
	must(t, err)
	var r report
	must(t, json.Unmarshal(data, &r))
	if len(r.Scenarios) != 2 || r.Scenarios[0].Release.Taken != 20 || r.Scenarios[1].Release != nil || r.Delta <= 0 || r.Delta >= r.Base || r.Rebuild <= 0 {
		t.Errorf("%s", data)
	}
	text, err := os.ReadFile(filepath.Join(out, "fleet.md"))
	must(t, err)
	for _, want := range []string{"release to all, nudge over 10 minutes | 0.5 | 2", "| all | 20 | 20 |", "nothing new, every 6 hours"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	picture, err := os.ReadFile(filepath.Join(out, "fleet.svg"))
	must(t, err)
	if !strings.Contains(string(picture), "</svg>") {
		t.Errorf("%.100q is no picture", picture)
	}
	if err := run(t.Context(), options{}); err == nil {
		t.Error("a fleet of none")
	}
	names := map[string]bool{}
	for _, s := range scenarios() {
		names[s.Name] = true
		if !slices.IsSortedFunc(s.Steps, func(a, b step) int { return int(a.At - b.At) }) {
			t.Errorf("the steps of %s do not rise", s.Name)
		}
	}
	if len(names) != len(scenarios()) {
		t.Error("two scenarios have one name")
	}
}
