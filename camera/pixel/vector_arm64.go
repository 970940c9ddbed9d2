package pixel

// lanes is how many floats the assembly takes at a time. Every arm64 has its
// instructions.
const lanes = 4

// axpyVector is axpyLoop for n elements, n being a multiple of lanes.
//
//go:noescape
func axpyVector(dst, x *float32, n int, w float32)

// affineVector is affineLoop for n elements, n being a multiple of lanes.
//
//go:noescape
func affineVector(dst *float32, n int, scale, offset float32)
