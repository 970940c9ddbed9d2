package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// odd are numbers on which two roundings, a fused product or a flush to zero
// would show.
var odd = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32,
	math.SmallestNonzeroFloat32, -1e-42, 1e-30, 16777217, 1.0000001, 0.33333334,
}

func oddities(rng *rand.Rand, n int) []float32 {
	s := random(rng, n)
	for i := range s {
		if rng.IntN(4) == 0 {
			s[i] = odd[rng.IntN(len(odd))]
		}
	}
	return s
}

// alike is same, but one NaN is as good as another: which of two a processor
// passes on depends on the order of the operands, which the compiler chooses.
func alike(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i, v := range want {
		if v != v && got[i] != got[i] {
			want[i] = got[i]
		}
	}
	same(t, name, got, want)
}

// The assembly and the Go loops give the same bits, whatever the length.
func TestVector(t *testing.T) {
	if lanes == 0 {
		t.Skip("this processor has no assembly here")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		var w [4][]float32
		for i := range w {
			w[i] = oddities(rng, n)
		}
		y, z := from(oddities(rng, n)), from(oddities(rng, n))
		wantY, wantZ := from(y.data), from(z.data)
		v, u := quad(oddities(rng, 4)), quad(oddities(rng, 4))
		accumulateTwo(y.data, z.data, w[0], w[1], w[2], w[3], v, u)
		accumulateTwoLoop(wantY.data, wantZ.data, w[0], w[1], w[2], w[3], v, u)
		y.check(t, "y")
		z.check(t, "z")
		alike(t, "y", y.data, wantY.data)
		alike(t, "z", z.data, wantZ.data)

		one := from(oddities(rng, n))
		wantOne := append([]float32(nil), one.data...)
		accumulate(one.data, w[0], w[1], w[2], w[3], v)
		accumulateLoop(wantOne, w[0], w[1], w[2], w[3], v)
		one.check(t, "one row")
		alike(t, "one row", one.data, wantOne)

		s := AdamStep{Alpha: 1e-3, Keep1: 0.1, Keep2: 1e-3, Epsilon: 1e-7}
		a := [4]guarded{}
		b := [4]guarded{}
		for i := range a {
			a[i] = from(oddities(rng, n))
			b[i] = from(a[i].data)
		}
		Adam(a[0].data, a[1].data, a[2].data, a[3].data, s)
		adamLoop(b[0].data, b[1].data, b[2].data, b[3].data, s)
		for i := range a {
			a[i].check(t, "adam")
			alike(t, "adam", a[i].data, b[i].data)
		}
	}
}
