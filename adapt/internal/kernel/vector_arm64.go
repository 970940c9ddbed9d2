package kernel

// lanes is how many floats the assembly takes at a time. Every arm64 processor
// has its instructions.
//
// The assembly does the same operations on each element in the same order as
// the Go loops, rounding after each (it does not fuse them), so the result is
// the same to the last bit.
const lanes = 4

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
