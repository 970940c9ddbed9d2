package main

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/update"
)

func TestLine(t *testing.T) {
	l := line{trip: 100 * time.Millisecond, rate: 1e6}
	at, fresh := l.connect(time.Hour)
	if !fresh || at != time.Hour+200*time.Millisecond {
		t.Fatalf("a connection took %s, %t", at-time.Hour, fresh)
	}
	// 14,600 and 29,200 and 58,400 bytes in a trip each, then the line is full: 100,000
	// bytes are under way.
	n := 14_600 + 29_200 + 58_400 + 1_000_000
	end := l.receive(at, n)
	if want := 300*time.Millisecond + time.Second; (end - at - want).Abs() > time.Millisecond {
		t.Errorf("%d bytes took %s, want %s", n, end-at, want)
	}
	if next := l.receive(end, 500_000); (next - end - 500*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("a warm line took %s for 0.5 s", next-end)
	} else if _, fresh := l.connect(next + idle - 1); fresh {
		t.Error("the connection is kept, and a new one was made")
	} else if _, fresh := l.connect(next + idle); !fresh {
		t.Error("the connection was idle too long, and is used")
	}
	if got := l.underway(5000); got != 5000 {
		t.Errorf("%d of 5000 bytes are under way", got)
	}
}

func TestLinesAreOfTheirKinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var logs float64
	const n = 10_000
	for range n {
		l := newLine(random)
		if l.trip <= 0 || l.rate <= 0 {
			t.Fatalf("%+v", l)
		}
		logs += math.Log(l.rate)
	}
	var want float64
	for _, k := range kinds {
		want += k.share * math.Log(k.rate)
	}
	if got := logs / n; math.Abs(got-want) > 0.1 {
		t.Errorf("the mean logarithm of rates is %.2f, want %.2f", got, want)
	}
}

func TestTally(t *testing.T) {
	var one, two tally
	one.deliver(900*time.Millisecond, 3100*time.Millisecond, 2200)
	one.request(61*time.Second, true)
	two.request(61*time.Second, false)
	two.lose(5*time.Second, 7)
	one.add(&two)
	for i, want := range map[int]int64{0: 100, 1: 1000, 2: 1000, 3: 100, 5: 7, 61: 2 * responseDown} {
		if got := one.egress[i]; got < want-2 || got > want+2 {
			t.Errorf("%d bytes in second %d, want %d", got, i, want)
		}
	}
	var sum int64
	for _, n := range one.egress {
		sum += n
	}
	if sum != one.down || one.down != 2200+7+2*responseDown || one.asked != 2 || one.missing != 1 || one.lost != 7 {
		t.Errorf("%d bytes in seconds; %+v", sum, one)
	}
	if p := peak([]int64{1, 5, 0, 4, 4}, 2); p != 8 {
		t.Errorf("peak of two: %d", p)
	}
	if p := peak([]int64{3}, 60); p != 3 {
		t.Errorf("peak of sixty: %d", p)
	}
}

// A device that is away tries as often as update.Client does, with its pauses, in
// its own time and not in ours.
func TestAwayWaitsInItsOwnTime(t *testing.T) {
	s := &source{origin: &origin{}, tally: &tally{}, random: rand.New(rand.NewPCG(1, 1)), line: line{trip: time.Millisecond, rate: 1e6}, back: day}
	s.begin(time.Hour)
	for range usualTries {
		if _, _, err := s.Open(t.Context(), timestampName, 0); !errors.Is(err, update.ErrNetwork) {
			t.Fatal(err)
		}
	}
	if took := s.now - time.Hour; took < 7500*time.Millisecond || took > 15100*time.Millisecond {
		t.Errorf("five tries took %s: pauses of 1, 2, 4 and 8 s, half of each at least", took)
	}
	if s.tally.unheard != usualTries || s.tally.retries != usualTries-1 || s.tally.asked != 0 {
		t.Errorf("%+v", *s.tally)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Open(ctx, timestampName, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOriginChangesWithTime(t *testing.T) {
	o := &origin{
		files:  map[string][]byte{"targets/a": []byte("0123456789")},
		stamps: []stamp{{-day, []byte("old")}, {time.Hour, []byte("new")}},
	}
	for at, want := range map[time.Duration]string{-2 * day: "old", 0: "old", time.Hour - 1: "old", time.Hour: "new", day: "new"} {
		if got := string(o.get(timestampName, at)); got != want {
			t.Errorf("at %s: %s", at, got)
		}
	}
	s := &source{origin: o, tally: &tally{}, line: line{trip: time.Millisecond, rate: 1e6}}
	s.begin(0)
	body, size, err := s.Open(t.Context(), "targets/a", 4)
	must(t, err)
	if data, err := io.ReadAll(body); err != nil || string(data) != "456789" || size != 10 {
		t.Errorf("%q of %d, %v", data, size, err)
	}
	if _, _, err := s.Open(t.Context(), "metadata/2.root.json", 0); !errors.Is(err, update.ErrNotThere) {
		t.Errorf("what is not there: %v", err)
	}
	if _, _, err := s.Open(t.Context(), "targets/a", 11); !errors.Is(err, update.ErrDamaged) {
		t.Errorf("beyond the end: %v", err)
	}
	if s.tally.missing != 1 || s.tally.asked != 3 {
		t.Errorf("%+v", *s.tally)
	}
}
