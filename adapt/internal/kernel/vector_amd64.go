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

// adamVector is Adam for the first n elements, n being a multiple of lanes.
//
//go:noescape
func adamVector(w, gw, m, v *float32, n int, s *AdamStep)
