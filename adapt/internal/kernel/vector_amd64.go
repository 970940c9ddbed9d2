package kernel

import "golang.org/x/sys/cpu"

// lanes is how many floats the assembly takes at a time, 0 where the processor
// lacks its instructions (AVX) and the Go loops do all the work.
//
// Both do the same operations on each element in the same order, rounding
// after each, so the result is the same to the last bit.
var lanes = func() int {
	if cpu.X86.HasAVX {
		return 8
	}
	return 0
}()

// accumulateVector is accumulate for the first n elements, n being a multiple
// of lanes.
//
//go:noescape
func accumulateVector(y, w0, w1, w2, w3 *float32, n int, v *quad)

// accumulateTwoVector is accumulateTwo for the first n elements, n being a
// multiple of lanes.
//
//go:noescape
func accumulateTwoVector(y, z, w0, w1, w2, w3 *float32, n int, v, u *quad)

// blockVector adds a product of matrices to a block of y: 4 rows of 16 columns.
//
//	for q < 4, j < 16, t < n: y[q*out+j] += x[q*row+t*term] * w[t*out+j]
//
//go:noescape
func blockVector(y, x, w *float32, out, row, term, n int)

// adamVector is Adam for the first n elements, n being a multiple of lanes.
//
//go:noescape
func adamVector(w, gw, m, v *float32, n int, s *AdamStep)
