// Package head is the small classifier over a base's features: its shape, its
// scores, its loss and gradient, its optimiser and its file.
package head

import (
	"errors"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// Head turns features into one probability per class: a dense layer with relu,
// then a dense layer with softmax.
//
//	hidden = relu(features·W1 + B1)
//	scores = softmax(hidden·W2 + B2)
//
// With Hidden zero there is only the second layer, over the features
// themselves. Matrices are row-major, one row per input.
type Head struct {
	Features int // length of a feature vector, at least 1
	Hidden   int // width of the hidden layer; zero means there is none
	Classes  int // at least 1

	W1 []float32 // [Features][Hidden]
	B1 []float32 // [Hidden]
	W2 []float32 // [Hidden][Classes], or [Features][Classes] with Hidden zero
	B2 []float32 // [Classes]
}

// New returns a head with biases of zero and weights drawn from the Glorot
// uniform distribution: evenly from -l to l with l = sqrt(6/(inputs+outputs))
// of the layer (Glorot and Bengio 2010, equation 16).
//
// The same arguments give the same bits on every machine: W1 takes the first
// Features*Hidden draws of the stream StreamWeights of seed, in memory order,
// and W2 the next. New panics if features or classes is below 1 or hidden is
// negative.
func New(features, hidden, classes int, seed uint64) *Head {
	h := zero(features, hidden, classes)
	rng := NewRandom(seed, StreamWeights)
	glorot(rng, h.W1, features, hidden)
	glorot(rng, h.W2, h.inputs(), classes)
	return h
}

// zero returns a head whose every parameter is 0.
func zero(features, hidden, classes int) *Head {
	if features < 1 || hidden < 0 || classes < 1 {
		panic(fmt.Sprintf("head: no head has %d features, %d hidden units and %d classes", features, hidden, classes))
	}
	h := &Head{Features: features, Hidden: hidden, Classes: classes}
	h.W1 = make([]float32, features*hidden)
	h.B1 = make([]float32, hidden)
	h.W2 = make([]float32, h.inputs()*classes)
	h.B2 = make([]float32, classes)
	return h
}

func glorot(rng *Random, w []float32, in, out int) {
	limit := math.Sqrt(6 / float64(in+out))
	for i := range w {
		w[i] = float32((float64(2*rng.Uniform()) - 1) * limit)
	}
}

// inputs is the length of what the last layer reads.
func (h *Head) inputs() int {
	if h.Hidden == 0 {
		return h.Features
	}
	return h.Hidden
}

// Params returns the four parameters in the order W1, B1, W2, B2, aliased.
func (h *Head) Params() [4][]float32 {
	return [4][]float32{h.W1, h.B1, h.W2, h.B2}
}

// Clone returns a head that shares no memory with h.
func (h *Head) Clone() *Head {
	c := zero(h.Features, h.Hidden, h.Classes)
	c.Set(h)
	return c
}

// Set copies the parameters of other, which has the same shape, into h.
func (h *Head) Set(other *Head) {
	if h.Features != other.Features || h.Hidden != other.Hidden || h.Classes != other.Classes {
		panic("head: Set between heads of different shapes")
	}
	from := other.Params()
	for i, p := range h.Params() {
		copy(p, from[i])
	}
}

// Validate says what is wrong with h: a length that its shape does not give,
// or a parameter that is NaN or infinite. It returns nil for a sound head.
func (h *Head) Validate() error {
	if h.Features < 1 {
		return fmt.Errorf("head has %d features", h.Features)
	}
	if h.Hidden < 0 {
		return fmt.Errorf("head has %d hidden units", h.Hidden)
	}
	if h.Classes < 1 {
		return fmt.Errorf("head has %d classes", h.Classes)
	}
	want := [4]int{h.Features * h.Hidden, h.Hidden, h.inputs() * h.Classes, h.Classes}
	name := [4]string{"hidden weights", "hidden biases", "class weights", "class biases"}
	for i, p := range h.Params() {
		if len(p) != want[i] {
			return fmt.Errorf("head has %d %s, want %d", len(p), name[i], want[i])
		}
		if !finite(p) {
			return fmt.Errorf("head's %s are not finite: %w", name[i], ErrNotFinite)
		}
	}
	return nil
}

// ErrNotFinite is the cause when a parameter is NaN or infinite.
var ErrNotFinite = errors.New("NaN or infinity")

// finite reports whether no element is NaN or infinite.
func finite(s []float32) bool {
	// Subtracting a number from itself gives 0 exactly when it is finite, and
	// NaN otherwise; the sum stays NaN.
	var sum float32
	for _, v := range s {
		sum += v - v
	}
	return sum == 0
}

// Scratch returns how many float32 Scores needs to work in: Hidden.
func (h *Head) Scratch() int { return h.Hidden }

// Scores writes one probability per class into dst.
//
// features has shape [Features]: the pooled output of the base. dst has shape
// [Classes] and sums to 1. scratch has at least Scratch() elements, whose
// contents do not matter; it must not overlap the others. Afterwards its first
// Hidden elements are what the hidden layer made of the features. Scores panics if a length differs. It keeps no reference, does not allocate,
// and may be called concurrently with different dst and scratch. Features that
// are NaN or infinite give scores that are NaN.
func (h *Head) Scores(dst, features, scratch []float32) {
	x := features
	if h.Hidden > 0 {
		x = scratch[:h.Hidden]
		kernel.Dense(x, features, h.W1, h.B1, 1, h.Features, h.Hidden)
		kernel.Relu(x)
	}
	kernel.Dense(dst, x, h.W2, h.B2, 1, h.inputs(), h.Classes)
	kernel.Softmax(dst, dst)
}

// Scorer returns Scores with memory of its own: a function for one goroutine,
// whose result is valid until it is called again.
func (h *Head) Scorer() func(features []float32) []float32 {
	dst, scratch := make([]float32, h.Classes), make([]float32, h.Scratch())
	return func(features []float32) []float32 {
		h.Scores(dst, features, scratch)
		return dst
	}
}
