package kernel

// Relu clips below at zero, in place. NaN stays NaN, so that it is seen.
//
//	for i: if y[i] < 0: y[i] = 0
func Relu(y []float32) {
	for i, v := range y {
		if v < 0 {
			y[i] = 0
		}
	}
}

// ReluMask takes a gradient back through Relu, in place.
//
//	for i: if not y[i] > 0: dy[i] = 0
//
// y is what Relu returned, or any positive multiple of it.
func ReluMask(dy, y []float32) {
	length("y", y, len(dy))
	for i, v := range y {
		if !(v > 0) {
			dy[i] = 0
		}
	}
}

// Multiply multiplies elementwise, in place.
//
//	for i: y[i] *= m[i]
func Multiply(y, m []float32) {
	length("m", m, len(y))
	for i, v := range m {
		y[i] *= v
	}
}
