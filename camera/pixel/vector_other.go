//go:build !amd64 && !arm64

package pixel

// lanes is 0: there is no assembly for this processor. A variable, since what
// divides by a constant 0 is not compiled.
var lanes = 0

func axpyVector(dst, x *float32, n int, w float32) { panic("pixel: no assembly") }

func affineVector(dst *float32, n int, scale, offset float32) { panic("pixel: no assembly") }

func shrinkVector(dst *float32, src *byte, steps *step, n int, slope float32, c *carry) {
	panic("pixel: no assembly")
}
