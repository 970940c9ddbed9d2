package kernel

import "math"

// AdamStep is the numbers of one step of Adam that all weights share.
type AdamStep struct {
	Alpha   float32 // rate * sqrt(1 - beta2^t) / (1 - beta1^t) in step t = 1, 2, …
	Keep1   float32 // 1 - beta1
	Keep2   float32 // 1 - beta2
	Epsilon float32 // added to the root, outside of it
}

// Adam changes weights by one step, in the order of operations of Keras 3
// (keras/src/optimizers/adam.py).
//
//	for i:
//	    m[i] += (g[i] - m[i]) * Keep1
//	    v[i] += (g[i]*g[i] - v[i]) * Keep2
//	    w[i] -= m[i]*Alpha / (sqrt(v[i]) + Epsilon)
//
// w, g, m and v have the same length.
func Adam(w, g, m, v []float32, s AdamStep) {
	length("g", g, len(w))
	length("m", m, len(w))
	length("v", v, len(w))
	if n := vectored(len(w)); n > 0 {
		adamVector(&w[0], &g[0], &m[0], &v[0], n, &s)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
	adamLoop(w, g, m, v, s)
}

func adamLoop(w, g, m, v []float32, s AdamStep) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		gi := g[i]
		mi := m[i] + float32((gi-m[i])*s.Keep1)
		vi := v[i] + float32((float32(gi*gi)-v[i])*s.Keep2)
		m[i], v[i] = mi, vi
		w[i] -= float32(mi*s.Alpha) / (float32(math.Sqrt(float64(vi))) + s.Epsilon)
	}
}
