package head

import (
	"math"
	"slices"
	"testing"
)

func TestUniform(t *testing.T) {
	rng := NewRandom(1, 2)
	var sum float64
	const n = 100_000
	for range n {
		v := rng.Uniform()
		if v < 0 || v >= 1 || v*(1<<24) != float32(int(v*(1<<24))) {
			t.Fatalf("drew %v", v)
		}
		sum += float64(v)
	}
	if mean := sum / n; math.Abs(mean-0.5) > 4/math.Sqrt(12*n) {
		t.Errorf("mean %v", mean)
	}
	if NewRandom(1, 2).Uniform() == NewRandom(1, 3).Uniform() {
		t.Error("streams are not independent")
	}
}

// The first numbers of SplitMix64 from the state 1234567, as published with it.
func TestMix(t *testing.T) {
	const gamma = 0x9e3779b97f4a7c15
	z := uint64(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if got := mix(z); got != want {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
		z += gamma
	}
}

// Every element reaches every place equally often.
func TestShuffle(t *testing.T) {
	rng := NewRandom(3, StreamOrder)
	const n, runs = 6, 12_000
	var count [n][n]int
	for range runs {
		s := []int{0, 1, 2, 3, 4, 5}
		rng.Shuffle(s)
		for place, v := range s {
			count[v][place]++
		}
		slices.Sort(s)
		if !slices.Equal(s, []int{0, 1, 2, 3, 4, 5}) {
			t.Fatalf("not a permutation: %v", s)
		}
	}
	for v := range n {
		for place, c := range count[v] {
			if math.Abs(float64(c)-runs/n) > 5*math.Sqrt(runs/n) {
				t.Errorf("%d was at place %d in %d of %d", v, place, c, runs)
			}
		}
	}
	rng.Shuffle(nil)
}

func TestDropout(t *testing.T) {
	for _, rate := range []float64{0, 0.2, 0.5, 0.9} {
		mask := make([]float32, 50_000)
		NewRandom(4, StreamDropout).Dropout(mask, rate)
		kept := 0
		for _, v := range mask {
			switch {
			case v == float32(1/(1-rate)):
				kept++
			case v != 0:
				t.Fatalf("rate %v: factor %v", rate, v)
			}
		}
		n := float64(len(mask))
		if got := float64(kept) / n; math.Abs(got-(1-rate)) > 4*math.Sqrt(rate*(1-rate)/n) {
			t.Errorf("rate %v: kept %v", rate, got)
		}
	}
}
