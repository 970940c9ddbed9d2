package probation

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old   = Generation{Number: 3, Labels: []string{"off", "on", "broken"}, Unknown: true}
	young = Generation{Number: 4, Labels: []string{"on", "off", "broken"}, Unknown: true} // another order
)

// The classes of young and old by label.
const (
	on, off, broken          = 0, 1, 2
	oldOff, oldOn, oldBroken = 0, 1, 2
)

func nan() float32 { return float32(math.NaN()) }

// wantVerdict checks the verdict at start, words included.
func wantVerdict(t *testing.T, w *Watch, d Decision, words ...string) {
	t.Helper()
	v := w.Verdict(start)
	if v.Decision != d || (v.Reason == "") != (d == Continue) {
		t.Fatalf("after %d frames: %+v, want %s", w.frames, v, d)
	}
	for _, word := range words {
		if !strings.Contains(v.Reason, word) {
			t.Errorf("the reason %q does not say %q", v.Reason, word)
		}
	}
}

func TestGoodAfterFrames(t *testing.T) {
	w := NewWatch(Options{Frames: 50}, start, young, Generation{}, nil)
	for range 49 {
		w.Add(Answer{Class: on, Score: 0.9})
	}
	wantVerdict(t, w, Continue)
	w.Add(Answer{Class: on, Score: 0.9})
	wantVerdict(t, w, Good, "50 frames")
	for range 10 { // what was decided stands
		w.Fail(errors.New("too late"))
	}
	wantVerdict(t, w, Good)
}

func TestGoodAfterTime(t *testing.T) {
	w := NewWatch(Options{Time: time.Hour, MinFrames: 3}, start, young, old, nil)
	later := start.Add(2 * time.Hour)
	for range 3 {
		if v := w.Verdict(later); v.Decision != Continue {
			t.Fatalf("after %d frames: %+v", w.frames, v)
		}
		w.Add(Answer{Class: on, Score: 0.9})
	}
	if v := w.Verdict(start.Add(time.Hour - 1)); v.Decision != Continue {
		t.Errorf("before the time: %+v", v)
	}
	if v := w.Verdict(start.Add(time.Hour)); v.Decision != Good {
		t.Errorf("after the time: %+v", v)
	}
}

func TestNeverGoodWithoutMinFrames(t *testing.T) {
	w := NewWatch(Options{Frames: 5}, start, young, old, nil) // MinFrames is 30
	for range 29 {
		w.Add(Answer{Class: on, Score: 0.9})
	}
	wantVerdict(t, w, Continue)
	w.Add(Answer{Class: on, Score: 0.9})
	wantVerdict(t, w, Good)
}

func TestErrors(t *testing.T) {
	w := NewWatch(Options{}, start, young, old, nil)
	w.Fail(errors.New("one"))
	w.Add(Answer{Class: on, Score: 1})
	w.Fail(errors.New("two"))
	wantVerdict(t, w, Continue)
	w.Fail(errors.New("the interpreter gave up"))
	wantVerdict(t, w, RollBack, "3 frames failed", "the interpreter gave up")
	w.Add(Answer{Class: on, Score: 1})
	wantVerdict(t, w, RollBack)
}

func TestNaN(t *testing.T) {
	w := NewWatch(Options{}, start, young, old, nil)
	w.AddPair(Answer{Class: on, Score: nan()}, Answer{Class: oldOn, Score: nan()})
	wantVerdict(t, w, Continue) // the features are to blame
	w.AddPair(Answer{Class: on, Score: 0.5}, Answer{Class: oldOn, Score: nan()})
	wantVerdict(t, w, Continue)
	w.AddPair(Answer{Class: on, Score: nan()}, Answer{Class: oldOn, Score: 1})
	wantVerdict(t, w, RollBack, "not numbers in 1 of 3")
	if s := w.Stats(start); s.NaN != 1 || s.Beside != nil || s.MeanScore != 0.5 || s.TopShare != 1 {
		t.Errorf("stats %+v", s)
	}

	w = NewWatch(Options{MaxNaN: 2}, start, young, Generation{}, nil)
	w.Add(Answer{Score: nan()})
	wantVerdict(t, w, Continue)
	w.Add(Answer{Score: nan()})
	wantVerdict(t, w, RollBack)
}

func TestAgreement(t *testing.T) {
	w := NewWatch(Options{MinAgreement: 0.75, MinFrames: 40}, start, young, old, nil)
	pair := func(n int, class, other int, score, otherScore float32) {
		for range n {
			w.AddPair(Answer{Class: class, Score: score, Latency: 2 * time.Millisecond},
				Answer{Class: other, Score: otherScore, Latency: time.Millisecond})
		}
	}
	pair(20, on, oldOn, 0.9, 0.8)
	pair(4, Unknown, Unknown, 0.5, 0.5)
	pair(16, off, oldOn, 0.7, 0.9)
	wantVerdict(t, w, Continue) // it is asked every 32 frames
	s := w.Stats(start)
	if b := s.Beside; b == nil || b.Generation != 3 || b.Frames != 40 || b.Agreement != 0.6 ||
		math.Abs(b.ScoreShift-(20*0.1-16*0.2)/40) > 1e-6 || b.Latency.Frames != 40 {
		t.Errorf("beside: %+v", s.Beside)
	}
	if s.TopLabel != "on" || s.TopShare != 0.5 || s.Unknown != 4 || s.Frames != 40 || s.Latency.MeanMS != 2 {
		t.Errorf("stats: %+v", s)
	}
	pair(24, on, oldBroken, 1, 1)
	wantVerdict(t, w, RollBack, "generation 3", "37.5 %", "75.0 %")
}

// slowly answers n frames that take d each, the other's being unknown.
func slowly(w *Watch, n int, d time.Duration) {
	for range n {
		w.Add(Answer{Class: on, Score: 1, Latency: d})
	}
}

func TestLatencyAgainstRecord(t *testing.T) {
	record := NewRecord(3)
	for i := range 1000 {
		record.Add(Answer{Class: oldOn, Score: 1, Latency: 20*time.Millisecond + time.Duration(i%10)*time.Millisecond})
	}
	begin := func() *Watch { return NewWatch(Options{Frames: 1000}, start, young, old, record) }

	w := begin()
	slowly(w, 399, 70*time.Millisecond)
	wantVerdict(t, w, Continue)
	slowly(w, 1, 70*time.Millisecond)
	wantVerdict(t, w, RollBack, "70.0 ms", "generation 3", "29.0 ms", "allowed is 2 times")

	w = begin() // a burst that ends is no reason
	slowly(w, 200, 70*time.Millisecond)
	slowly(w, 200, 20*time.Millisecond)
	slowly(w, 200, 70*time.Millisecond)
	slowly(w, 399, 20*time.Millisecond)
	wantVerdict(t, w, Continue)
	slowly(w, 1, 20*time.Millisecond)
	wantVerdict(t, w, Good)

	w = begin() // one frame in a hundred may be slow: the 99th percentile is not
	for i := range 1000 {
		d := 20 * time.Millisecond
		if i%100 == 99 {
			d = time.Second
		}
		slowly(w, 1, d)
	}
	wantVerdict(t, w, Good)

	w = begin() // slow in the last block: watched until it is proven or refuted
	slowly(w, 800, 20*time.Millisecond)
	slowly(w, 200, 90*time.Millisecond)
	wantVerdict(t, w, Continue)
	slowly(w, 200, 20*time.Millisecond)
	wantVerdict(t, w, Good)
}

func TestLatencyLimits(t *testing.T) {
	few, quick := NewRecord(3), NewRecord(3)
	for range 150 {
		few.Add(Answer{Class: oldOn, Score: 1, Latency: time.Millisecond})
	}
	for range 300 {
		quick.Add(Answer{Class: oldOn, Score: 1, Latency: time.Millisecond})
	}
	for name, c := range map[string]struct {
		record *Record
		o      Options
		took   time.Duration
		want   Decision
	}{
		"nothing to compare with": {nil, Options{}, time.Second, Continue},
		"too little to compare":   {few, Options{}, time.Second, Continue},
		"within the slack":        {quick, Options{}, 5 * time.Millisecond, Continue},
		"beyond the slack":        {quick, Options{}, 7 * time.Millisecond, RollBack},
		"a wider factor":          {quick, Options{LatencyFactor: 8}, 7 * time.Millisecond, Continue},
		"never":                   {quick, Options{LatencyFactor: -1}, time.Minute, Continue},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch(c.o, start, young, old, c.record)
			slowly(w, 600, c.took)
			wantVerdict(t, w, c.want)
		})
	}
}

// In the shadow the other generation's latencies are those of the same frames,
// so what slows both down is no reason.
func TestLatencyBeside(t *testing.T) {
	for name, c := range map[string]struct {
		ours, theirs time.Duration
		want         Decision
	}{
		"both slow": {40 * time.Millisecond, 30 * time.Millisecond, Continue},
		"one slow":  {40 * time.Millisecond, 10 * time.Millisecond, RollBack},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch(Options{}, start, young, old, nil)
			for range 400 {
				w.AddPair(Answer{Class: on, Score: 1, Latency: c.ours}, Answer{Class: oldOn, Score: 1, Latency: c.theirs})
			}
			wantVerdict(t, w, c.want)
		})
	}
}

func TestPanics(t *testing.T) {
	for name, do := range map[string]func(){
		"bad options":   func() { NewWatch(Options{Frames: -1}, start, young, old, nil) },
		"other classes": func() { NewWatch(Options{}, start, young, old, NewRecord(4)) },
		"no such class": func() { NewWatch(Options{}, start, young, old, nil).Add(Answer{Class: 3}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			do()
		})
	}
}

func TestOptions(t *testing.T) {
	if (Options{}).OrDefault() != (Options{Frames: 1000, Time: 10 * time.Minute, MinFrames: 30, MaxErrors: 3, MaxNaN: 1, LatencyFactor: 2,
		LatencyFrames: 200, LatencySlack: 5 * time.Millisecond, Collapse: 0.95, CollapseFrames: 200}) {
		t.Errorf("defaults: %+v", Options{}.OrDefault())
	}
	for _, o := range []Options{{}, {LatencyFactor: -1, Collapse: -1}, {MinAgreement: 1, Collapse: 1}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for field, o := range map[string]Options{
		"frames": {Frames: -1}, "min_frames": {MinFrames: -1}, "max_errors": {MaxErrors: -1}, "max_nan": {MaxNaN: -1},
		"latency_frames": {LatencyFrames: 99}, "collapse_frames": {CollapseFrames: -1}, "time": {Time: -1},
		"latency_slack": {LatencySlack: -1}, "latency_factor": {LatencyFactor: 1}, "collapse": {Collapse: 0.5}, "min_agreement": {MinAgreement: math.NaN()},
	} {
		if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+" ") || hint.Of(err) == "" {
			t.Errorf("%+v: %v (hint: %s)", o, err, hint.Of(err))
		}
	}
}

func TestNoAllocation(t *testing.T) {
	record := NewRecord(3)
	w := NewWatch(Options{Frames: 1 << 20}, start, young, old, record)
	i := 0
	if n := testing.AllocsPerRun(2000, func() {
		a := Answer{Class: i / 5 % 3, Score: 0.9, Latency: time.Duration(i%100) * time.Millisecond}
		record.Add(a)
		if i%2 == 0 {
			w.Add(a)
		} else {
			w.AddPair(a, a)
		}
		w.Verdict(start)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if w.Verdict(start).Decision != Continue {
		t.Error("the verdict fell: the test shows nothing")
	}
}

func BenchmarkAddPair(b *testing.B) {
	w := NewWatch(Options{Frames: maxFrames}, start, young, old, nil)
	b.ReportAllocs()
	for i := range b.N {
		class := i / 5 % 3
		w.AddPair(Answer{Class: class, Score: 0.9, Latency: time.Millisecond}, Answer{Class: class, Score: 0.9, Latency: time.Millisecond})
	}
}
