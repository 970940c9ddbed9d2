package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// shapes meets every remainder of the blocked loops, and empty ones.
func shapes(t *testing.T, f func(t *testing.T, rng *rand.Rand, rows, in, out int)) {
	for _, rows := range []int{0, 1, 2, 3, 4, 5, 7, 8, 32} {
		for _, in := range []int{1, 2, 3, 4, 5, 8, 11, 64, 75} {
			for _, out := range []int{1, 2, 3, 10, 17, 32, 37} {
				t.Run(fmt.Sprintf("%dx%dx%d", rows, in, out), func(t *testing.T) {
					f(t, rand.New(rand.NewPCG(uint64(rows), uint64(in*100+out))), rows, in, out)
				})
			}
		}
	}
}

func TestDense(t *testing.T) {
	shapes(t, func(t *testing.T, rng *rand.Rand, rows, in, out int) {
		x, w, b := random(rng, rows*in), random(rng, in*out), random(rng, out)
		want := make([]float32, rows*out)
		for r := range rows {
			for j := range out {
				var s float32
				for i := range in {
					s += float32(x[r*in+i] * w[i*out+j])
				}
				want[r*out+j] = s + b[j]
			}
		}
		y := guard(rows * out)
		Dense(y.data, x, w, b, rows, in, out)
		y.check(t, "y")
		same(t, "y", y.data, want)

		// However the rows are divided, the bits are the same.
		for cut := range rows + 1 {
			y := guard(rows * out)
			Dense(y.data[:cut*out], x[:cut*in], w, b, cut, in, out)
			Dense(y.data[cut*out:], x[cut*in:], w, b, rows-cut, in, out)
			same(t, "y in two parts", y.data, want)
		}
	})
}

func TestDenseGradWeights(t *testing.T) {
	shapes(t, func(t *testing.T, rng *rand.Rand, rows, in, out int) {
		x, dy := random(rng, rows*in), random(rng, rows*out)
		want := make([]float32, in*out)
		for i := range in {
			for j := range out {
				for r := range rows {
					want[i*out+j] += float32(x[r*in+i] * dy[r*out+j])
				}
			}
		}
		gw := guard(in * out)
		DenseGradWeights(gw.data, x, dy, rows, in, out, 0, in)
		gw.check(t, "gw")
		same(t, "gw", gw.data, want)

		for cut := range in + 1 {
			part := guard(in * out)
			DenseGradWeights(part.data, x, dy, rows, in, out, 0, cut)
			for i, v := range part.data[cut*out:] {
				if v != -12345 {
					t.Fatalf("wrote %d elements past row %d", i+1, cut)
				}
			}
			DenseGradWeights(part.data, x, dy, rows, in, out, cut, in)
			part.check(t, "gw in two parts")
			same(t, "gw in two parts", part.data, want)
		}
	})
}

func TestDenseGradBias(t *testing.T) {
	shapes(t, func(t *testing.T, rng *rand.Rand, rows, _, out int) {
		dy := random(rng, rows*out)
		want := make([]float32, out)
		for j := range out {
			for r := range rows {
				want[j] += dy[r*out+j]
			}
		}
		gb := guard(out)
		DenseGradBias(gb.data, dy, rows, out)
		gb.check(t, "gb")
		same(t, "gb", gb.data, want)
	})
}

func TestDenseGradInput(t *testing.T) {
	shapes(t, func(t *testing.T, rng *rand.Rand, rows, in, out int) {
		dy, w := random(rng, rows*out), random(rng, in*out)
		want := make([]float32, rows*in)
		for r := range rows {
			for i := range in {
				for j := range out {
					want[r*in+i] += float32(dy[r*out+j] * w[i*out+j])
				}
			}
		}
		dx := guard(rows * in)
		turned := guard(in * out)
		DenseGradInput(dx.data, dy, w, turned.data, rows, in, out)
		turned.check(t, "turned")
		dx.check(t, "dx")
		same(t, "dx", dx.data, want)
	})
}

func TestLengthsAreChecked(t *testing.T) {
	s := func(n int) []float32 { return make([]float32, n) }
	calls := map[string]func(){
		"Dense y":            func() { Dense(s(5), s(6), s(6), s(2), 2, 3, 2) },
		"Dense x":            func() { Dense(s(4), s(7), s(6), s(2), 2, 3, 2) },
		"Dense w":            func() { Dense(s(4), s(6), s(5), s(2), 2, 3, 2) },
		"Dense b":            func() { Dense(s(4), s(6), s(6), s(3), 2, 3, 2) },
		"DenseGradWeights":   func() { DenseGradWeights(s(7), s(6), s(4), 2, 3, 2, 0, 3) },
		"DenseGradWeights x": func() { DenseGradWeights(s(6), s(5), s(4), 2, 3, 2, 0, 3) },
		"DenseGradWeights d": func() { DenseGradWeights(s(6), s(6), s(5), 2, 3, 2, 0, 3) },
		"DenseGradBias":      func() { DenseGradBias(s(3), s(4), 2, 2) },
		"DenseGradInput":     func() { DenseGradInput(s(6), s(4), s(7), s(6), 2, 3, 2) },
		"DenseGradInput t":   func() { DenseGradInput(s(6), s(4), s(6), s(5), 2, 3, 2) },
		"ReluMask":           func() { ReluMask(s(3), s(4)) },
		"Multiply":           func() { Multiply(s(3), s(4)) },
		"Softmax":            func() { Softmax(s(3), s(4)) },
		"Adam g":             func() { Adam(s(3), s(4), s(3), s(3), AdamStep{}) },
		"Adam m":             func() { Adam(s(3), s(3), s(2), s(3), AdamStep{}) },
		"Adam v":             func() { Adam(s(3), s(3), s(3), s(4), AdamStep{}) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			call()
		})
	}
}

func TestNoAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, w, b, y := random(rng, 5*9), random(rng, 9*6), random(rng, 6), make([]float32, 5*6)
	gw, gb, dx := make([]float32, 9*6), make([]float32, 6), make([]float32, 5*9)
	m, v := make([]float32, 9*6), make([]float32, 9*6)
	n := testing.AllocsPerRun(10, func() {
		Dense(y, x, w, b, 5, 9, 6)
		Relu(y)
		Multiply(y, y)
		SoftmaxGrad(y[:6], y[:6], 2, 1)
		CrossEntropy(y[:6], 1)
		Temper(y[:6], 0.5)
		ReluMask(y, y)
		DenseGradWeights(gw, x, y, 5, 9, 6, 0, 9)
		DenseGradBias(gb, y, 5, 6)
		DenseGradInput(dx, y, w, gw, 5, 9, 6)
		Adam(w, gw, m, v, AdamStep{1e-3, .1, .001, 1e-7})
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The shapes of the reference head on the shared base, with a batch of 32.
func BenchmarkDense(b *testing.B) {
	const rows, in, out = 32, 1280, 128
	rng := rand.New(rand.NewPCG(1, 1))
	x, w, bias, y := random(rng, rows*in), random(rng, in*out), random(rng, out), make([]float32, rows*out)
	for b.Loop() {
		Dense(y, x, w, bias, rows, in, out)
	}
	b.ReportMetric(rows*in*out*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "products/ns")
}

func BenchmarkDenseGradWeights(b *testing.B) {
	const rows, in, out = 32, 1280, 128
	rng := rand.New(rand.NewPCG(1, 1))
	x, dy, gw := random(rng, rows*in), random(rng, rows*out), make([]float32, in*out)
	for b.Loop() {
		DenseGradWeights(gw, x, dy, rows, in, out, 0, in)
	}
	b.ReportMetric(rows*in*out*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "products/ns")
}

func BenchmarkAdam(b *testing.B) {
	const n = 1280 * 128
	rng := rand.New(rand.NewPCG(1, 1))
	w, g, m, v := random(rng, n), random(rng, n), random(rng, n), make([]float32, n)
	for b.Loop() {
		Adam(w, g, m, v, AdamStep{1e-3, .1, .001, 1e-7})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/weight")
}
