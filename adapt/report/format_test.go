package report

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		percent(0):          "0.0 %",
		percent(1):          "100.0 %",
		percent(0.99999):    "99.9 %",
		percent(0.9994):     "99.9 %",
		percent(1e-9):       "0.1 %",
		percent(0.12345):    "12.3 %",
		percent(math.NaN()): "n/a",
		loss(0.27305):       "0.2731",
		loss(math.Inf(1)):   "n/a",
		duration(0.0421):    "42 ms",
		duration(0.68):      "0.68 s",
		duration(9.994):     "9.99 s",
		duration(59.96):     "60.0 s",
		duration(100):       "1 min 40 s",
		duration(3599.9):    "1 h 00 min",
		duration(7384):      "2 h 03 min",
		plural(1, "a", "b"): "1 a",
		plural(0, "a", "b"): "0 b",
		short("abc", 3):     "abc",
		short("abcdefg", 5): "ab\u2026fg",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAxes(t *testing.T) {
	one := func(v ...float64) []series { return []series{{Values: v}} }
	for _, c := range []struct {
		name      string
		a         axis
		low, high float64
	}{
		{"loss", lossAxis(one(2.31, 0.4)), 0, 3},
		{"small loss", lossAxis(one(0.031)), 0, 0.04},
		{"zero loss", lossAxis(one(0, 0)), 0, 1},
		{"no loss", lossAxis(one(math.NaN())), 0, 1},
		{"a burst", lossAxis(one(1.9e30, 1)), 0, 2e30},
		{"accuracy", accuracyAxis(one(0.43, 0.98)), 0.4, 1},
		{"perfect", accuracyAxis(one(1, 1)), 0, 1},
		{"nothing right", accuracyAxis(one(0, 0.2)), 0, 1},
		{"nearly perfect", accuracyAxis(one(0.991)), 0.99, 1},
		{"no accuracy", accuracyAxis(nil), 0, 1},
	} {
		if math.Abs(c.a.Low-c.low) > 1e-9*c.high || math.Abs(c.a.High-c.high) > 1e-9*c.high {
			t.Errorf("%s: %+v, want %g to %g", c.name, c.a, c.low, c.high)
		}
		if parts := (c.a.High - c.a.Low) / c.a.Step; parts < 1 || parts > 8 {
			t.Errorf("%s: %g parts", c.name, parts)
		}
	}
}

func TestEpochTicks(t *testing.T) {
	for _, n := range []int{1, 2, 5, 8, 9, 16, 24, 41, 200, 9999} {
		ticks := epochTicks(n)
		if ticks[0].Value != 1 || len(ticks) > 11 || n > 1 && len(ticks) < 2 {
			t.Errorf("%d epochs: %v", n, ticks)
		}
		for i, tick := range ticks[1:] {
			if tick.Value <= ticks[i].Value || tick.Value > float64(n) {
				t.Errorf("%d epochs: %v", n, ticks)
			}
		}
	}
}

func TestShorten(t *testing.T) {
	s := &textReport{style: newStyle(TextOptions{})}
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 9, "short"},
		{"valve_number_twelve", 9, "valv~elve"},
		{"\u7535\u5b50\u5143\u4ef6\u5206\u7c7b", 7, "\u7535\u5b50~\u7c7b"}, // Each takes two columns.
		{"abc", 1, "a~"},
	} {
		if got := s.shorten(c.in, c.width); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for in, want := range map[string]string{
		"":            "",
		"null":        "",
		`"reference"`: `recipe="reference"`,
		`{"rate":1e-3,"class_weights":"","a":{"b":[1]},"n":null}`: `rate=1e-3 class weights=none a={"b":[1]} n=none`,
		`{"rate":1,`: "rate=1",
	} {
		var got []string
		for _, s := range settings([]byte(in)) {
			got = append(got, s.Name+"="+s.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("lamp_red")
	f.Add("\x1b]0;title\a")
	f.Add("\u202egpj.exe")
	f.Add("\xff\xfe\ufffd")
	f.Add("ni\u00f1o \u200d\u200c \u7535")
	f.Fuzz(func(t *testing.T, name string) {
		got := clean(name)
		if !utf8.ValidString(got) {
			t.Errorf("%q became %q", name, got)
		}
		for _, r := range got {
			if !shown(r) {
				t.Errorf("%q became %q", name, got)
			}
		}
		if again := clean(got); again != got {
			t.Errorf("%q became %q, then %q", name, got, again)
		}
	})
}
