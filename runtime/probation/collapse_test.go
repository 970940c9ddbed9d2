package probation

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pass shows the same scene to both generations: visits of the other to classes
// in turn, ten frames each, home in between. says is what the judged makes of a
// class of the other.
func pass(w *Watch, visits int, says func(visit, other int) int) {
	beside := func(frames, visit, other int) {
		for range frames {
			w.AddPair(Answer{Class: says(visit, other), Score: 0.9}, Answer{Class: other, Score: 0.9})
		}
	}
	for v := range visits {
		beside(40, v, oldOn)
		beside(10, v, []int{oldOff, oldBroken, Unknown}[v%3])
	}
	beside(40, visits, oldOn)
}

var alike = map[int]int{oldOn: on, oldOff: off, oldBroken: broken, Unknown: Unknown}

func TestCollapseBeside(t *testing.T) {
	always := func(class int) func(int, int) int { return func(int, int) int { return class } }
	following := func(visits int) func(int, int) int {
		return func(v, other int) int {
			if v < visits {
				return alike[other]
			}
			return on
		}
	}
	for _, c := range []struct {
		name   string
		visits int
		says   func(visit, other int) int
		o      Options
		want   Decision
	}{
		{"six missed visits are not enough", 6, always(on), Options{}, Continue},
		{"seven are", 7, always(on), Options{}, RollBack},
		{"another class", 7, always(broken), Options{}, RollBack},
		{"everything unknown", 7, always(Unknown), Options{}, RollBack},
		{"one that follows", 30, following(30), Options{}, Continue},
		{"one that follows half", 14, following(7), Options{}, Continue},
		{"switched off", 30, always(on), Options{Collapse: -1}, Continue},
		{"asked later", 8, always(on), Options{CollapseFrames: 1000}, Continue},
		{"nothing to see", 0, always(on), Options{}, Continue},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewWatch(Options{Frames: 10_000, CollapseFrames: 1, Collapse: c.o.Collapse}, start, young, old, nil)
			if c.o.CollapseFrames > 0 {
				w.options.CollapseFrames = c.o.CollapseFrames
			}
			pass(w, c.visits, c.says)
			for w.frames%collapseEvery != 0 {
				w.AddPair(Answer{Class: c.says(c.visits, oldOn), Score: 0.9}, Answer{Class: oldOn, Score: 0.9})
			}
			wantVerdict(t, w, c.want)
		})
	}
}

// A judged that follows few of many visits has collapsed although it names other
// classes now and then.
func TestCollapseWithAFewHits(t *testing.T) {
	w := NewWatch(Options{Frames: 100_000}, start, young, old, nil)
	pass(w, 30, func(v, other int) int {
		if v%10 == 0 {
			return alike[other]
		}
		return on
	})
	wantVerdict(t, w, RollBack, `"on" for 9`, "generation 3 in")
}

// Flicker of the other generation is no visit: a judged that is steadier has not
// collapsed.
func TestSteadierIsNoCollapse(t *testing.T) {
	w := NewWatch(Options{Frames: 3000}, start, young, old, nil)
	for i := range 3000 {
		other := oldOn
		if i%6 >= 4 {
			other = oldOff
		}
		w.AddPair(Answer{Class: on, Score: 0.9}, Answer{Class: other, Score: 0.5})
	}
	wantVerdict(t, w, Good)
}

// Who cannot say a class did not miss it, and a class that the other could not
// say is no proof.
func TestCollapseComparesWhatBothKnow(t *testing.T) {
	without := Generation{Number: 2, Labels: old.Labels}
	for name, c := range map[string]struct {
		judged, other Generation
		says          int
		want          Decision
	}{
		"the other cannot say unknown":  {young, without, Unknown, Good},
		"the other cannot say the new":  {Generation{Number: 5, Labels: []string{"on", "off", "broken", "new"}}, without, 3, Good},
		"the judged lost both classes":  {Generation{Number: 5, Labels: []string{"on", "other"}}, without, 0, Good},
		"the judged lost one of them":   {Generation{Number: 5, Labels: []string{"on", "off"}}, without, 0, RollBack},
		"both know everything":          {young, old, on, RollBack},
		"the judged cannot say unknown": {Generation{Number: 5, Labels: young.Labels}, old, on, RollBack},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch(Options{}, start, c.judged, c.other, nil)
			for v := range 21 {
				for range 40 {
					w.AddPair(Answer{Class: c.says, Score: 0.9}, Answer{Class: oldOn, Score: 0.9})
				}
				for range 10 {
					w.AddPair(Answer{Class: c.says, Score: 0.9}, Answer{Class: []int{oldOff, oldBroken}[v%2], Score: 0.9})
				}
			}
			wantVerdict(t, w, c.want)
		})
	}
}

// busy is a record with a visit to another class every so many frames.
func busy(every int) *Record {
	r := NewRecord(len(old.Labels))
	for i := range 8000 {
		class := oldOn
		if i%every >= every-5 {
			class = oldOff
		}
		r.Add(Answer{Class: class, Score: 0.9})
	}
	return r
}

func TestCollapseAgainstRecord(t *testing.T) {
	for name, c := range map[string]struct {
		record *Record
		frames int
		want   Decision
	}{
		"busy before":        {busy(50), 999, RollBack},
		"hardly anything":    {busy(2000), 999, Continue},
		"too early to tell":  {busy(50), 199, Continue},
		"nothing known":      {nil, 999, Continue},
		"an empty record":    {NewRecord(3), 999, Continue},
		"one class, all day": {busy(100_000), 999, Continue},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWatch(Options{}, start, young, old, c.record)
			for range c.frames {
				w.Add(Answer{Class: on, Score: 0.9})
			}
			wantVerdict(t, w, c.want)
		})
	}
	w := NewWatch(Options{}, start, young, old, busy(50))
	for i := range 1000 { // as busy as before, though hardly 5 % of the time
		class := on
		if i%60 >= 57 {
			class = broken
		}
		w.Add(Answer{Class: class, Score: 0.9})
	}
	wantVerdict(t, w, Good)
}

// A generation that is no worse must not be sent away: alike ones, in scenes in
// which one class fills 96 % of the frames, over many probations.
func TestFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 96))
	sent := 0
	const trials = 500
	for range trials {
		w := NewWatch(Options{}, start, young, old, nil)
		for v := 0; w.Verdict(start).Decision == Continue; v++ {
			// Each follows a visit in two of three cases, on its own.
			other, judged := oldOn, on
			if rng.IntN(3) > 0 {
				other = oldOff
			}
			if rng.IntN(3) > 0 {
				judged = off
			}
			for range 72 {
				w.AddPair(Answer{Class: on, Score: 0.9}, Answer{Class: oldOn, Score: 0.9})
			}
			for range 3 {
				w.AddPair(Answer{Class: judged, Score: 0.9}, Answer{Class: other, Score: 0.9})
			}
		}
		if w.Verdict(start).Decision == RollBack {
			sent++
		}
	}
	t.Logf("%d of %d sent away", sent, trials)
	if sent > trials/50 {
		t.Errorf("%d of %d good generations were sent away", sent, trials)
	}
}

func TestAtMost(t *testing.T) {
	for _, c := range []struct {
		k, n uint64
		p    float64
		want float64
	}{
		{0, 7, 0.5, 1. / 128}, {0, 6, 0.5, 1. / 64}, {1, 4, 0.5, 5. / 16}, {2, 5, 0.2, 0.94208}, {5, 5, 0.3, 1}, {9, 3, 0.3, 1}, {0, 0, 0.5, 1},
		{3, 10, 0.1, 0.9872048016}, // by hand: Σ C(10,i) 0.1^i 0.9^(10-i)
	} {
		if got := atMost(c.k, c.n, c.p); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("P(X ≤ %d | %d, %v) = %v, want %v", c.k, c.n, c.p, got, c.want)
		}
	}
	if got := atMost(4000, 100_000, 0.05); !(got >= 0 && got < 1e-10) {
		t.Errorf("a long tail: %v", got)
	}
}
