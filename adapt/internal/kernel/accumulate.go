package kernel

// A quad is the factors of four consecutive terms of a sum.
type quad [4]float32

// accumulate adds four scaled vectors to y, in order.
//
//	for j: y[j] = (((y[j] + v[0]*w0[j]) + v[1]*w1[j]) + v[2]*w2[j]) + v[3]*w3[j]
func accumulate(y, w0, w1, w2, w3 []float32, v quad) {
	w0, w1, w2, w3 = w0[:len(y)], w1[:len(y)], w2[:len(y)], w3[:len(y)]
	if n := vectored(len(y)); n > 0 {
		accumulateVector(&y[0], &w0[0], &w1[0], &w2[0], &w3[0], n, &v)
		y, w0, w1, w2, w3 = y[n:], w0[n:], w1[n:], w2[n:], w3[n:]
	}
	accumulateLoop(y, w0, w1, w2, w3, v)
}

func accumulateLoop(y, w0, w1, w2, w3 []float32, v quad) {
	w0, w1, w2, w3 = w0[:len(y)], w1[:len(y)], w2[:len(y)], w3[:len(y)]
	v0, v1, v2, v3 := v[0], v[1], v[2], v[3]
	for j, a := range y {
		a += float32(v0 * w0[j])
		a += float32(v1 * w1[j])
		a += float32(v2 * w2[j])
		a += float32(v3 * w3[j])
		y[j] = a
	}
}

// accumulateTwo is accumulate for y with v and for z with u. It reads the four
// vectors once for both.
func accumulateTwo(y, z, w0, w1, w2, w3 []float32, v, u quad) {
	z = z[:len(y)]
	w0, w1, w2, w3 = w0[:len(y)], w1[:len(y)], w2[:len(y)], w3[:len(y)]
	if n := vectored(len(y)); n > 0 {
		accumulateTwoVector(&y[0], &z[0], &w0[0], &w1[0], &w2[0], &w3[0], n, &v, &u)
		y, z, w0, w1, w2, w3 = y[n:], z[n:], w0[n:], w1[n:], w2[n:], w3[n:]
	}
	accumulateTwoLoop(y, z, w0, w1, w2, w3, v, u)
}

func accumulateTwoLoop(y, z, w0, w1, w2, w3 []float32, v, u quad) {
	z = z[:len(y)]
	w0, w1, w2, w3 = w0[:len(y)], w1[:len(y)], w2[:len(y)], w3[:len(y)]
	v0, v1, v2, v3 := v[0], v[1], v[2], v[3]
	u0, u1, u2, u3 := u[0], u[1], u[2], u[3]
	for j, a := range y {
		b := z[j]
		w := w0[j]
		a += float32(v0 * w)
		b += float32(u0 * w)
		w = w1[j]
		a += float32(v1 * w)
		b += float32(u1 * w)
		w = w2[j]
		a += float32(v2 * w)
		b += float32(u2 * w)
		w = w3[j]
		a += float32(v3 * w)
		b += float32(u3 * w)
		y[j], z[j] = a, b
	}
}

// accumulateOne adds one scaled vector to y.
//
//	for j: y[j] += v*w[j]
func accumulateOne(y, w []float32, v float32) {
	w = w[:len(y)]
	for j := range y {
		y[j] += float32(v * w[j])
	}
}
