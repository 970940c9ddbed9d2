package kernel

import "math"

// Softmax writes the probabilities that scores z stand for.
//
//	top = max(z)
//	for j: p[j] = exp(z[j] - top)
//	s = 0
//	for j: s += p[j]          (in float64)
//	for j: p[j] = p[j] / s
//
// p and z have the same length, at least 1, and may be the same slice. NaN or
// +Inf in z gives NaN everywhere.
func Softmax(p, z []float32) {
	length("z", z, len(p))
	top := highest(z)
	var sum float64
	for j, v := range z {
		e := exp(float64(v) - float64(top))
		p[j] = float32(e)
		sum += e
	}
	for j := range p {
		p[j] = float32(float64(p[j]) / sum)
	}
}

// CrossEntropy returns what -log(Softmax(z)[label]) is, without the loss of
// precision of going through the probability.
//
//	top = max(z)
//	s = 0
//	for j: s += exp(z[j] - top)      (in float64)
//	return log(s) - (z[label] - top)
func CrossEntropy(z []float32, label int) float64 {
	top := float64(highest(z))
	var sum float64
	for _, v := range z {
		sum += exp(float64(v) - top)
	}
	return log(sum) - (float64(z[label]) - top)
}

// SoftmaxGrad writes the gradient of scale*CrossEntropy(z, label) by z.
//
//	Softmax(dz, z)
//	dz[label] -= 1
//	for j: dz[j] *= scale
//
// dz and z may be the same slice.
func SoftmaxGrad(dz, z []float32, label int, scale float32) {
	Softmax(dz, z)
	dz[label]--
	for j := range dz {
		dz[j] *= scale
	}
}

// Temper raises probabilities to a power and lets them sum to 1 again: the
// softmax of the logits times power, without the logits.
//
//	top = max(p)
//	s = 0
//	for j: e[j] = exp(-power*log(top/p[j]));  s += e[j]     (in float64)
//	for j: p[j] = e[j] / s
//
// p has at least one element, each from 0 to 1 and not all 0; power is above 0.
// NaN in p gives NaN everywhere. Equal probabilities stay equal, and the order
// stays.
func Temper(p []float32, power float64) {
	top := float64(highest(p))
	var sum float64
	for j, v := range p {
		e := exp(-float64(power * log(top/float64(v))))
		p[j] = float32(e)
		sum += e
	}
	for j := range p {
		p[j] = float32(float64(p[j]) / sum)
	}
}

// Argmax returns the index of the greatest element of z, the first of equals.
// z has at least one element; a NaN is never greater.
func Argmax(z []float32) int {
	best := 0
	for j, v := range z {
		if v > z[best] {
			best = j
		}
	}
	return best
}

func highest(z []float32) float32 {
	top := z[0]
	for _, v := range z[1:] {
		top = max(top, v) // max returns NaN if either is NaN
	}
	return top
}

// exp returns e to the x for x <= 0, to within 1e-12 of its value; 0 where
// float32 has no more digits for it (x < -104), NaN for NaN and for x > 0.
// The standard library's differs in the last bit between processors, and
// training would carry that difference into every weight.
func exp(x float64) float64 {
	if !(x <= 0) {
		return math.NaN()
	}
	if x < -104 {
		return 0
	}
	// x = k*ln2 + r with |r| <= ln2/2; e^r by its Taylor series: the first
	// term left out is below 0.347^12/12! = 7e-15.
	k := math.Floor(float64(x*(1/math.Ln2)) + 0.5)
	r := x - float64(k*math.Ln2)
	s := 1.0
	for n := 11; n > 0; n-- {
		s = 1 + float64(r*s)/float64(n)
	}
	return math.Ldexp(s, int(k))
}

// log returns the natural logarithm of x >= 1, to within 1e-14, the same on
// every processor. NaN and +Inf give themselves.
func log(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	// x = m*2^k with m between 1/sqrt(2) and sqrt(2);
	// log m = 2*(t + t^3/3 + t^5/5 + …) with t = (m-1)/(m+1), |t| < 0.172.
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	t := (m - 1) / (m + 1)
	square := t * t
	s := 0.0
	for n := 19; n > 0; n -= 2 {
		s = 1/float64(n) + float64(square*s)
	}
	return float64(float64(k)*math.Ln2) + float64(2*float64(t*s))
}
