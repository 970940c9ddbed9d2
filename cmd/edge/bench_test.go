package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/speed"
)

func TestBenchThreads(t *testing.T) {
	for processors, want := range map[int][]int{1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 4}, 6: {1, 2, 4, 6}, 8: {1, 2, 4, 8}} {
		if got := benchThreads(processors); !slices.Equal(got, want) {
			t.Errorf("%d processors: %v, want %v", processors, got, want)
		}
	}
}

// The table has each measure with its middle half, and says what makes times too long.
func TestBenchText(t *testing.T) {
	ms := func(low, median, high float64) speed.Timed {
		return speed.Timed{MS: speed.Figure{Median: median, Low: low, High: high, Runs: 7}}
	}
	busy := 3.5
	r := &benchReport{
		Base:       benchBase{Name: "garden", Type: "int8", Width: 96, Height: 64, Features: 12},
		Machine:    benchMachine{Model: "Board", Platform: "linux/arm64", Processors: 4, TFLite: "2.21.0", LoadBefore: &busy},
		Forward:    []speed.Forward{{Threads: 1, Batch: 1, Timed: ms(0.1, 0.25, 0.3)}, {Threads: 4, Batch: 8, Timed: ms(100, 123.4, 200)}},
		Decode:     []benchExtract{{Of: "10x20", Extract: speed.Extract{Timed: ms(1, 2, 4)}}},
		Extract:    benchExtract{Of: "photos", Extract: speed.Extract{Timed: ms(4, 5, 8)}},
		Train:      speed.Train{Images: 1000, Classes: 10, Epochs: 5, Timed: ms(50, 60, 70)},
		PeakRSSMiB: 75.4,
	}
	var b strings.Builder
	if err := r.text(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"base garden, int8, 96x64, 12 features", "machine Board, linux/arm64, 4 processors", "without XNNPACK",
		"load 3.5 before the start: something else keeps the device busy",
		"1 thread 0.250 0.100 to 0.300 4000", "4 threads, 8 together 123 100 to 200 8.10",
		"10x20, decoded by one processor 2.00 1.00 to 4.00 500", "photos, to features by all 5.00 4.00 to 8.00 200",
		"1000 images, 10 classes, 5 epochs 60.0 50.0 to 70.0 12.0", "75 MiB of memory",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	busy, r.Base.XNNPACK = 1, true
	b.Reset()
	if err := r.text(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "load ") || strings.Contains(b.String(), "XNNPACK") {
		t.Errorf("a warning without a reason in\n%s", b.String())
	}
}
