package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sentinel is a NaN with a payload that no arithmetic here produces.
const sentinel = 0x7fc0beef

// guarded is a slice with sentinels on both sides of it.
type guarded struct {
	all  []float32
	data []float32
}

const margin = 17

// guard returns a destination of n elements, filled with junk that a kernel
// must overwrite, between sentinels.
func guard(n int) guarded {
	all := make([]float32, margin+n+margin)
	for i := range all {
		all[i] = math.Float32frombits(sentinel)
	}
	data := all[margin : margin+n : margin+n]
	for i := range data {
		data[i] = -12345
	}
	return guarded{all, data}
}

// check fails the test if a sentinel was overwritten.
func (g guarded) check(t *testing.T, name string) {
	t.Helper()
	for i, v := range g.all {
		inside := i >= margin && i < len(g.all)-margin
		if !inside && math.Float32bits(v) != sentinel {
			t.Fatalf("%s: wrote %v at %d, outside of its %d elements", name, v, i-margin, len(g.data))
		}
	}
}

// from copies s between sentinels.
func from(s []float32) guarded {
	g := guard(len(s))
	copy(g.data, s)
	return g
}

func random(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
	return s
}

// same fails unless both have the same bits.
func same(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s[%d] = %v, want %v to the bit", name, i, got[i], want[i])
		}
	}
}
