//go:build !amd64 && !arm64

package kernel

// lanes is 0: there is no assembly for this processor. A variable, since what
// divides by a constant 0 is not compiled.
var lanes = 0

func accumulateVector(y, w0, w1, w2, w3 *float32, n int, v *quad) { panic("kernel: no assembly") }

func accumulateTwoVector(y, z, w0, w1, w2, w3 *float32, n int, v, u *quad) {
	panic("kernel: no assembly")
}

func blockVector(y, x, w *float32, out, row, term, n int) { panic("kernel: no assembly") }

func adamVector(w, gw, m, v *float32, n int, s *AdamStep) { panic("kernel: no assembly") }
