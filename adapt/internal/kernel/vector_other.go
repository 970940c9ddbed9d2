//go:build !amd64 && !arm64

package kernel

// lanes is 0: there is no assembly for this processor.
const lanes = 0

func accumulateTwoVector(y, z, w0, w1, w2, w3 *float32, n int, v, u *quad) {
	panic("kernel: no assembly")
}

func adamVector(w, gw, m, v *float32, n int, s *AdamStep) { panic("kernel: no assembly") }
