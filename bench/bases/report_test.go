package main

import (
	"strings"
	"testing"
)

// The table has a row a set and a column a base, and the differences are the right way round.
func TestReport(t *testing.T) {
	sets := []set{{"photos", "", false}, {"held", "", true}}
	var bases []*measured
	for i, name := range []string{"float", "int8", "narrow", "wide"} {
		times := []float64{1 + float64(i), 2, 3, 4, 5, 6, 7, 8, 9, 10}
		bases = append(bases, &measured{
			name: name, bytes: int64(100 + i), times: [2][]float64{times, times},
			accuracy: map[string][]float64{"photos": {70, 80 + float64(i), 90}, "held": {50}},
		})
	}
	text := report(bases, sets, 3)
	for _, want := range []string{
		"mean of 3 seeds",
		"|  | float | int8 | narrow | wide |\n|---|---|---|---|---|\n",
		"| photos | **80.0** (70.0 / 80.0 / 90.0) | **80.3** (70.0 / 81.0 / 90.0) |",
		"| held | **50.0** (50.0) |",
		"| bytes | 100 | 101 | 102 | 103 |",
		"| ms a picture, 1 thread | 2.000 (6.000) |",
		"| ms a picture, 2 threads |",
		"- photos: -0.7 points from narrow to float, +0.3 from that to int8.",
		"- int8 is 1.00x as fast as float with one thread",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "- held:") {
		t.Errorf("pictures that were held back are compared as test pictures:\n%s", text)
	}
}
