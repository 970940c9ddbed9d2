package head

import (
	"math"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// The constants of Adam, as Kingma and Ba 2015 give them, but for epsilon,
// where Keras has 1e-7.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-7
)

// Adam is the optimiser of one head, equal to Keras 3's of the same name:
// epsilon stands outside of the bias correction, and the powers of the betas
// are float32. It is not safe for concurrent use.
type Adam struct {
	rate         float32
	power1       float64 // beta1 (as float32) to the power of the step
	power2       float64
	mean, square *Head // moving averages of the gradient and of its square
}

// NewAdam returns the optimiser of a head of h's shape before its first step.
// rate is the step size, above 0.
func NewAdam(h *Head, rate float64) *Adam {
	return &Adam{
		rate:   float32(rate),
		power1: 1,
		power2: 1,
		mean:   zero(h.Features, h.Hidden, h.Classes),
		square: zero(h.Features, h.Hidden, h.Classes),
	}
}

// Step changes h by one step along grad, which has its shape.
func (a *Adam) Step(h, grad *Head) {
	a.power1 *= float64(float32(adamBeta1))
	a.power2 *= float64(float32(adamBeta2))
	root := float32(math.Sqrt(float64(1 - float32(a.power2))))
	s := kernel.AdamStep{
		Alpha:   a.rate * root / (1 - float32(a.power1)),
		Keep1:   1 - adamBeta1,
		Keep2:   1 - adamBeta2,
		Epsilon: adamEpsilon,
	}
	w, g, m, v := h.Params(), grad.Params(), a.mean.Params(), a.square.Params()
	for i := range w {
		// A weight costs as much as some 20 products.
		divide(len(w[i]), 20, func(lo, hi int) {
			kernel.Adam(w[i][lo:hi], g[i][lo:hi], m[i][lo:hi], v[i][lo:hi], s)
		})
	}
}
