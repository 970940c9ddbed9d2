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

// shrinkVector is shrinkLoop for n steps, of which the first, step 1, completes
// the pixel at dst. It reads a byte behind each pixel and writes a float behind
// each one.
//
//go:noescape
func shrinkVector(dst *float32, src *byte, steps *step, n int, slope float32, c *carry)
