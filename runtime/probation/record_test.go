package probation

import (
	"slices"
	"testing"
	"time"
)

func TestRecordForgets(t *testing.T) {
	r := NewRecord(2)
	add := func(frames, class int, latency time.Duration) {
		for range frames {
			r.Add(Answer{Class: class, Score: 1, Latency: latency})
		}
	}
	for range 50 {
		add(97, 0, time.Second)
		add(3, 1, time.Second)
	}
	if got := r.visited(); r.Frames() != 5000 || !slices.Equal(got, []uint64{0, 50, 50}) {
		t.Errorf("%d frames, visits %v", r.Frames(), got)
	}
	add(4999, 1, time.Millisecond) // its last visit goes on: no new one
	if got := r.visited(); r.Frames() != 9999 || !slices.Equal(got, []uint64{0, 50, 50}) {
		t.Errorf("%d frames, visits %v", r.Frames(), got)
	}
	add(2, Unknown, 0)
	r.Add(Answer{Class: -7, Score: nan()}) // a frame, but no visit
	add(1, Unknown, 0)
	if got := r.visited(); r.Frames() != 5003 || !slices.Equal(got, []uint64{1, 0, 0}) {
		t.Errorf("%d frames, visits %v", r.Frames(), got)
	}
	if l := r.Latency(); l.Count() != 4999 || l.Max() != time.Millisecond {
		t.Errorf("latencies: %+v", l.Summary())
	}
	// The visits that were counted before still belong to their half.
	if r.old.frames != 5000 || r.new.frames != 3 {
		t.Errorf("halves of %d and %d", r.old.frames, r.new.frames)
	}
}
