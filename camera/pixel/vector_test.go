package pixel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The assembly and the loops give the same bits, whatever the length, and write
// nothing else.
func TestVector(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-42, 1e-30, 16777217, 1.0000001, math.MaxFloat32, float32(math.Inf(-1))}
	values := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			if s[i] = float32(rng.NormFloat64()); rng.IntN(4) == 0 {
				s[i] = odd[rng.IntN(len(odd))]
			}
		}
		return s
	}
	same := func(name string, n int, got, want []float32) {
		t.Helper()
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
				t.Fatalf("%s of %d: element %d is %v, want %v", name, n, i, got[i], want[i])
			}
		}
	}
	for n := range 60 {
		x, got := values(n), values(n+8)
		want := append([]float32(nil), got...)
		w, offset := values(1)[0], values(1)[0]
		axpy(got[:n], x, w)
		axpyLoop(want[:n], x, w)
		same("axpy", n, got, want)
		affine(got[:n], w, offset)
		affineLoop(want[:n], w, offset)
		same("affine", n, got, want)
	}
}
