package head

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// Pass carries batches forward and back through a head. It owns the memory
// in between, so that a training step allocates next to nothing.
//
// Large batches are divided among the processors by rows, and gradients by
// rows of the weights; no sum is ever divided, so the results do not depend on
// how many processors there are. A Pass is not safe for concurrent use, and
// the head must not change between Forward and Backward.
type Pass struct {
	head *Head
	max  int // rows that fit

	rows   int       // of the last Forward
	input  []float32 // of the last Forward, the caller's
	keep   []float32 // of the last Forward, the caller's, or nil
	hidden []float32 // [max][Hidden], after relu and dropout
	dhide  []float32 // [max][Hidden], gradient of hidden
	logits []float32 // [max][Classes]
	dlogit []float32 // [max][Classes], gradient of logits
	turned []float32 // [Classes][Hidden], the last layer's weights
}

// NewPass returns a Pass over h for batches of up to rows rows.
func NewPass(h *Head, rows int) *Pass {
	return &Pass{
		head:   h,
		max:    rows,
		hidden: make([]float32, rows*h.Hidden),
		dhide:  make([]float32, rows*h.Hidden),
		logits: make([]float32, rows*h.Classes),
		dlogit: make([]float32, rows*h.Classes),
		turned: make([]float32, h.Hidden*h.Classes),
	}
}

// Forward computes the logits (the scores before softmax) of rows rows of
// features, and returns them as [rows][Classes]. They are valid until the next
// call.
//
// features is [rows][Features]. keep is [rows][Hidden], the factors of dropout
// that Random.Dropout makes, or nil for none. Both must stay as they are until
// Backward is done. It panics if a length differs.
func (p *Pass) Forward(features []float32, rows int, keep []float32) []float32 {
	h := p.head
	if rows > p.max || len(features) != rows*h.Features || keep != nil && len(keep) != rows*h.Hidden {
		panic(fmt.Sprintf("head: %d rows of %d features with %d dropout factors, in a pass of up to %d rows of %d",
			rows, len(features), len(keep), p.max, h.Features))
	}
	p.rows, p.input, p.keep = rows, features, keep
	logits := p.logits[:rows*h.Classes]
	divide(rows, h.Features*h.inputs(), func(lo, hi int) {
		n := hi - lo
		x := features[lo*h.Features : hi*h.Features]
		if h.Hidden > 0 {
			y := p.hidden[lo*h.Hidden : hi*h.Hidden]
			kernel.Dense(y, x, h.W1, h.B1, n, h.Features, h.Hidden)
			kernel.Relu(y)
			if keep != nil {
				kernel.Multiply(y, keep[lo*h.Hidden:hi*h.Hidden])
			}
			x = y
		}
		kernel.Dense(logits[lo*h.Classes:hi*h.Classes], x, h.W2, h.B2, n, h.inputs(), h.Classes)
	})
	return logits
}

// Loss returns the cross-entropy of the last Forward, summed over its rows and
// each multiplied by its weight, and how many rows have their label as the
// highest score. labels and weights are [rows]; nil weights are all 1.
func (p *Pass) Loss(labels []int32, weights []float32) (sum float64, correct int) {
	c := p.head.Classes
	for r, label := range labels[:p.rows] {
		z := p.logits[r*c:][:c]
		loss := kernel.CrossEntropy(z, int(label))
		if weights != nil {
			loss *= float64(weights[r])
		}
		sum += float64(loss)
		if kernel.Argmax(z) == int(label) {
			correct++
		}
	}
	return sum, correct
}

// Backward writes into grad the gradient of Loss divided by the number of rows
// (the mean over the batch, as Keras has it, also when there are weights).
// grad has the shape of the head; labels and weights are as in Loss.
func (p *Pass) Backward(grad *Head, labels []int32, weights []float32) {
	h, rows := p.head, p.rows
	dlogit := p.dlogit[:rows*h.Classes]
	for r, label := range labels[:rows] {
		scale := 1 / float32(rows)
		if weights != nil {
			scale *= weights[r]
		}
		kernel.SoftmaxGrad(dlogit[r*h.Classes:][:h.Classes], p.logits[r*h.Classes:][:h.Classes], int(label), scale)
	}
	last := p.input
	if h.Hidden > 0 {
		last = p.hidden[:rows*h.Hidden]
	}
	in := h.inputs()
	kernel.DenseGradBias(grad.B2, dlogit, rows, h.Classes)
	divide(in, rows*h.Classes, func(lo, hi int) {
		kernel.DenseGradWeights(grad.W2, last, dlogit, rows, in, h.Classes, lo, hi)
	})
	if h.Hidden == 0 {
		return
	}
	dhide := p.dhide[:rows*h.Hidden]
	kernel.DenseGradInput(dhide, dlogit, h.W2, p.turned, rows, h.Hidden, h.Classes)
	kernel.ReluMask(dhide, last)
	if p.keep != nil {
		// A dropped unit is 0 in last, so the mask has stopped it already;
		// what is left is the factor of those that were kept.
		kernel.Multiply(dhide, p.keep)
	}
	kernel.DenseGradBias(grad.B1, dhide, rows, h.Hidden)
	divide(h.Features, rows*h.Hidden, func(lo, hi int) {
		kernel.DenseGradWeights(grad.W1, p.input, dhide, rows, h.Features, h.Hidden, lo, hi)
	})
}
