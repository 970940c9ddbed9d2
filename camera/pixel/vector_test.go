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

// TestShrinkVector: rows that shrink, by the assembly and by the loop alone.
func TestShrinkVector(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, source := range []int{2, 3, 7, 64, 129, 250, 1000, 9000} {
		for _, target := range []int{1, 2, 3, 10, 63, 128} {
			if target >= source {
				continue
			}
			// The part that counts may begin and end within a pixel.
			for _, part := range []span{{0, float64(source)}, {0.4, float64(source) - 0.9}} {
				across := newTent(source, part, target, Bilinear)
				if across.radius <= 1 {
					continue
				}
				var s scratch
				fast := s.shrinkSteps(across, target)
				if source == 250 && target == 128 && part.start == 0 && fast < 120 {
					t.Errorf("only %d steps may be fast", fast)
				}
				src := make([]byte, 3*source)
				for i := range src {
					if src[i] = byte(rng.Uint32()); rng.IntN(3) == 0 {
						src[i] = 255
					}
				}
				got, want := make([]float32, 3*target+4), make([]float32, 3*target+4)
				slope := float32(1 / across.radius)
				shrinkRow(got[:3*target], src, s.steps, fast, slope)
				shrinkRow(want[:3*target], src, s.steps, 0, slope)
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%d to %d of %v: element %d is %v, want %v", source, target, part, i, got[i], want[i])
					}
				}
			}
		}
	}
}
