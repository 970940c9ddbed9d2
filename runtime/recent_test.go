package runtime

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	start := time.Now()
	r := newRecent(start)
	if v := r.rate(start); v != 0 {
		t.Errorf("%v", v)
	}
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for i := range 300 { // thirty a second for ten seconds
		r.add(at(i*1000/30), time.Millisecond, 0, 0, 0)
	}
	for _, c := range []struct {
		ms   int
		want float64
	}{{10_000, 30}, {10_900, 30}, {15_000, 15}, {19_000, 3}, {21_000, 0}, {1_000_000, 0}} {
		if v := r.rate(at(c.ms)); v != c.want {
			t.Errorf("at %d ms: %v, want %v", c.ms, v, c.want)
		}
	}
	r.addImages(at(1_000_500), 20)
	if v := r.rate(at(1_001_000)); v != 2 {
		t.Errorf("%v, want 2", v)
	}
}

func TestQuantiles(t *testing.T) {
	var w window
	if q := w.quantiles(); q != (Quantiles{}) {
		t.Errorf("%+v", q)
	}
	w.add(3 * time.Millisecond)
	if q := w.quantiles(); q != (Quantiles{3, 3, 3, 3}) {
		t.Errorf("%+v", q)
	}
	w = window{}
	for i := range 1000 { // of which the last 512 count: 489 to 1000 ms
		w.add(time.Duration(i+1) * time.Millisecond)
	}
	if q := w.quantiles(); q != (Quantiles{744, 949, 995, 1000}) {
		t.Errorf("%+v", q)
	}
}

func TestOften(t *testing.T) {
	var o often
	now := time.Now()
	for i, c := range []struct {
		after time.Duration
		count int
		say   bool
	}{{0, 1, true}, {time.Millisecond, 1, false}, {2 * time.Millisecond, 2, false}, {time.Second, 3, true}, {3 * time.Second, 1, true}} {
		if count, say := o.note(now.Add(c.after)); say != c.say || say && count != c.count {
			t.Errorf("%d: %d, %v", i, count, say)
		}
	}
}
