package decide

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// see lets d see a frame a letter: A to D are sure of a class, a to d are not,
// ? shows none of the classes, n has a score of NaN. It returns the changes as
// they came: "." for none, else the letter of what was decided.
func see(d *Decider, frames string) string {
	var out strings.Builder
	for _, f := range frames {
		var changed bool
		switch {
		case f == '?':
			changed = d.Observe(0, 1, true)
		case f == 'n':
			changed = d.Observe(0, float32(math.NaN()), false)
		case f >= 'a':
			changed = d.Observe(int(f-'a'), 0.79, false)
		default:
			changed = d.Observe(int(f-'A'), 0.8, false)
		}
		if changed {
			out.WriteString(currently(d))
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

// currently is the letter of what is decided, "-" for nothing.
func currently(d *Decider) string {
	class, ok := d.Current()
	switch {
	case !ok:
		return "-"
	case class == Unknown:
		return "?"
	}
	return string(rune('A' + class))
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		name         string
		options      Options
		frames, want string
	}{
		{"three in a row", Options{}, "AAAA", "..A."},
		{"told once", Options{}, "AAAAAAAAAA", "..A......."},
		{"at the threshold, not below", Options{}, "aaaaaAAA", ".......A"},
		{"NaN votes for nobody", Options{}, "nnnnnnAAA", "........A"},
		{"three of five, with gaps", Options{}, "AaAaA", "....A"},
		{"three of six is not", Options{}, "AaaAaaAaaAaaA", "............."},
		{"a row broken by doubt", Options{Window: 1, Share: 1, InARow: 3}, "AAaAAaAAA", "A........"},
		{"a change", Options{}, "AAABBB", "..A..B"},
		{"one stray frame", Options{}, "AAAABAAA", "..A....."},
		{"two stray frames", Options{}, "AAAABBAA", "..A....."},
		{"to and fro changes nothing", Options{}, "AAABABABABABAB", "..A..........."},
		{"pairs to and fro change nothing", Options{}, "AAABBAABBAABBAA", "..A............"},
		{"to and fro from the start decides once", Options{}, "ABABABABAB", "....A....."},
		{"three of five while the current fades", Options{}, "AAABaBaB", "..A....B"},
		{"doubt keeps the decision", Options{}, "AAAaaaaaaaaaa", "..A.........."},
		{"doubt, then the same again", Options{}, "AAAaaaaaAAA", "..A........"},
		{"unknown is a class", Options{}, "AAA???AAA", "..A..?..A"},
		{"unknown by share", Options{}, "AAAa?a?a?", "..A.....?"},
		{"unknown at first", Options{}, "???", "..?"},
		{"three classes", Options{}, "AAABBBCCC", "..A..B..C"},
		{"neither of two newcomers", Options{}, "AAABCBCBC", "..A....B."},
		{"one in a row", Options{InARow: 1}, "ABbBA", "AB..A"},
		{"a long row alone", Options{InARow: 4, Window: 4, Share: 1}, "AAABAAAA", ".......A"},
		{"60 % of ten", Options{InARow: 100, Window: 10}, "AaAaAaaAAA", ".........A"},
		{"all of three", Options{InARow: 100, Window: 3, Share: 1}, "AAABBB", "..A..B"},
		{"share rounds up", Options{InARow: 100, Window: 4, Share: 0.6}, "AAaAaA", "...A.."},
		{"a low threshold", Options{Threshold: 0.79}, "aaa", "..A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := see(New(c.options, 4), c.frames); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.frames, got, c.want)
			}
		})
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		window int
		share  float64
		want   int
	}{{5, 0.6, 3}, {10, 0.6, 6}, {4, 0.6, 3}, {100, 0.57, 57}, {100, 0.07, 7}, {1, 1, 1}, {3, 0.51, 2}, {3600, 1, 3600}} {
		if got := (Options{Window: c.window, Share: c.share}).need(); got != c.want {
			t.Errorf("%v of %d: %d, want %d", c.share, c.window, got, c.want)
		}
	}
}

func TestReset(t *testing.T) {
	d := New(Options{}, 2)
	if got := see(d, "AA"); got != ".." || currently(d) != "-" {
		t.Errorf("got %s, decided %s", got, currently(d))
	}
	d.Reset(4)
	if got := see(d, "AADDD"); got != "....D" {
		t.Errorf("after a reset: %s", got)
	}
	d.Reset(1) // the window of before must not count towards any class
	if got := see(d, "aAaAaaaAAA"); got != ".........A" {
		t.Errorf("after another reset: %s", got)
	}
}

func TestValidate(t *testing.T) {
	for _, o := range []Options{{}, {Threshold: 1, InARow: 1, Window: 1, Share: 1}, {InARow: 3600, Window: 3600, Share: 0.51}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for field, o := range map[string]Options{
		"threshold": {Threshold: 1.1},
		"in_a_row":  {InARow: -1},
		"window":    {Window: 3601},
		"share":     {Share: 0.5},
	} {
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), field) || hint.Of(err) == "" {
			t.Errorf("%+v: %v (hint: %s)", o, err, hint.Of(err))
		}
	}
	nan := float32(math.NaN())
	for _, o := range []Options{{Threshold: nan}, {Threshold: -0.1}, {InARow: 3601}, {Window: -1}, {Share: math.NaN()}, {Share: 1.1}} {
		if o.Validate() == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestPanics(t *testing.T) {
	for name, do := range map[string]func(){
		"bad options":      func() { New(Options{Share: 0.2}, 2) },
		"negative classes": func() { New(Options{}, -1) },
		"class too high":   func() { New(Options{}, 2).Observe(2, 1, false) },
		"class too low":    func() { New(Options{}, 2).Observe(-1, 1, false) },
		"classes gone":     func() { d := New(Options{}, 3); d.Reset(2); d.Observe(2, 1, false) },
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
	if !New(Options{InARow: 1}, 0).Observe(7, 0, true) {
		t.Error("a class of an unknown frame counted")
	}
}

func TestNoAllocation(t *testing.T) {
	d := New(Options{}, 3)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		d.Observe(i%3, 0.9, i%7 == 0)
		d.Current()
		i++
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := New(Options{}, 10)
	b.ReportAllocs()
	for i := range b.N {
		d.Observe(i/4%10, 0.9, false)
	}
}

func ExampleDecider() {
	labels := []string{"off", "on"}
	d := New(Options{}, len(labels))
	for _, score := range []float32{0.95, 0.60, 0.91, 0.97, 0.99, 0.98} {
		if d.Observe(1, score, false) {
			class, _ := d.Current()
			fmt.Println("now", labels[class])
		}
	}
	// Output: now on
}
