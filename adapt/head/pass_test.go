package head

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// The gradient equals the difference quotient of the loss, for every parameter,
// with and without a hidden layer, dropout and weights.
func TestGradientAgainstFiniteDifferences(t *testing.T) {
	for _, c := range []struct {
		name            string
		hidden, rows    int
		dropout, weight bool
	}{
		{"plain", 6, 5, false, false},
		{"one row", 6, 1, false, false},
		{"dropout", 8, 7, true, false},
		{"weights", 6, 6, false, true},
		{"both", 7, 9, true, true},
		{"linear", 0, 5, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, x, labels := smooth(9, c.hidden, 4, c.rows)
			rng := NewRandom(5, 5)
			var keep, weights []float32
			if c.dropout {
				keep = make([]float32, c.rows*c.hidden)
				rng.Dropout(keep, 0.5)
			}
			if c.weight {
				for range c.rows {
					weights = append(weights, 0.2+2*rng.Uniform())
				}
			}
			p := NewPass(h, c.rows)
			loss := func() float64 {
				p.Forward(x, c.rows, keep)
				sum, _ := p.Loss(labels, weights)
				return sum / float64(c.rows)
			}
			loss()
			grad := zero(h.Features, h.Hidden, h.Classes)
			p.Backward(grad, labels, weights)

			params, grads := h.Params(), grad.Params()
			for k := range params {
				for i := range params[k] {
					at := params[k][i]
					params[k][i] = at + step
					up, high := loss(), params[k][i]
					params[k][i] = at - step
					down, low := loss(), params[k][i]
					params[k][i] = at
					want := (up - down) / float64(high-low)
					if got := float64(grads[k][i]); math.Abs(got-want) > 5e-4*(1+math.Abs(want)) {
						t.Errorf("parameter %d of %d: gradient %v, difference quotient %v", i, k, got, want)
					}
				}
			}
		})
	}
}

// step is how far a parameter moves for a difference quotient.
const step = 1.0 / 512

// smooth returns a sample in which no hidden unit is so close to its switch
// that a step gets it there: at the kink no difference quotient holds.
func smooth(features, hidden, classes, rows int) (*Head, []float32, []int32) {
	for seed := uint64(1); ; seed++ {
		h, x, labels := sampleOf(seed, features, hidden, classes, rows)
		y := make([]float32, rows*hidden)
		if hidden > 0 {
			kernel.Dense(y, x, h.W1, h.B1, rows, features, hidden)
		}
		if !slices.ContainsFunc(y, func(v float32) bool { return math.Abs(float64(v)) < 4*step }) {
			return h, x, labels
		}
	}
}

// Neither the number of processors nor the size of the workspace changes a bit.
func TestPassIsTheSameOnAnyNumberOfProcessors(t *testing.T) {
	h, x, labels := sample(1281, 128, 11, 32)
	keep := make([]float32, 32*128)
	NewRandom(1, StreamDropout).Dropout(keep, 0.5)
	run := func(procs, room int) (*Head, *Head) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		trained, grad := h.Clone(), zero(h.Features, h.Hidden, h.Classes)
		p, adam := NewPass(trained, room), NewAdam(trained, 1e-3)
		for range 3 {
			p.Forward(x, 32, keep)
			p.Backward(grad, labels, nil)
			adam.Step(trained, grad)
		}
		return trained, grad
	}
	want, wantGrad := run(1, 32)
	for _, procs := range []int{1, 2, 3, 7} {
		got, gotGrad := run(procs, 32+procs)
		equal(t, got, want)
		equal(t, gotGrad, wantGrad)
	}
	if want.W1[0] == h.W1[0] {
		t.Error("nothing was trained")
	}
}

func equal(t *testing.T, got, want *Head) {
	t.Helper()
	g, w := got.Params(), want.Params()
	for k := range w {
		for i := range w[k] {
			if math.Float32bits(g[k][i]) != math.Float32bits(w[k][i]) {
				t.Fatalf("parameter %d of %d: %v, want %v to the bit", i, k, g[k][i], w[k][i])
			}
		}
	}
}

// A batch gives each row what Scores gives it alone.
func TestForwardAgreesWithScores(t *testing.T) {
	h, x, labels := sample(13, 6, 4, 5)
	p := NewPass(h, 8)
	p.Forward(x, 5, nil)
	sum, correct := p.Loss(labels, nil)
	var wantSum float64
	wantCorrect := 0
	score := h.Scorer()
	for r, label := range labels {
		s := score(x[r*13:][:13])
		wantSum -= math.Log(float64(s[label]))
		best := 0
		for j := range s {
			if s[j] > s[best] {
				best = j
			}
		}
		if best == int(label) {
			wantCorrect++
		}
	}
	if math.Abs(sum-wantSum) > 1e-5 || correct != wantCorrect {
		t.Errorf("loss %v and %d correct, want %v and %d", sum, correct, wantSum, wantCorrect)
	}
}

func TestForwardPanics(t *testing.T) {
	h, x, _ := sample(13, 6, 4, 5)
	for name, call := range map[string]func(p *Pass){
		"too many rows": func(p *Pass) { p.Forward(x, 5, nil) },
		"too few":       func(p *Pass) { p.Forward(x, 3, nil) },
		"dropout":       func(p *Pass) { p.Forward(x[:13], 1, make([]float32, 5)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: did not panic", name)
				}
			}()
			call(NewPass(h, 4))
		}()
	}
}

func TestDivide(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(5))
	for _, n := range []int{0, 1, 2, 3, 5, 9, 10, 11, 64, 1281} {
		seen := make([]int32, n)
		divide(n, worthwhile, func(lo, hi int) {
			if lo%2 != 0 {
				t.Errorf("n %d: a part begins at %d", n, lo)
			}
			for i := lo; i < hi; i++ {
				seen[i]++
			}
		})
		for i, v := range seen {
			if v != 1 {
				t.Fatalf("n %d: %d was done %d times", n, i, v)
			}
		}
	}
}

// One training step of the reference head on the shared base.
func BenchmarkStep(b *testing.B) {
	h, x, labels := sample(1280, 128, 10, 32)
	p, adam, grad := NewPass(h, 32), NewAdam(h, 1e-3), h.Clone()
	for b.Loop() {
		p.Forward(x, 32, nil)
		p.Backward(grad, labels, nil)
		adam.Step(h, grad)
	}
}

func BenchmarkScores(b *testing.B) {
	h, x, _ := sample(1280, 128, 10, 1)
	score := h.Scorer()
	for b.Loop() {
		score(x)
	}
}
