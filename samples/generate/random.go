package main

import "math"

// random is a splitmix64 generator (Steele, Lea, Flood, 2014). The zero value is a valid stream.
//
// It is written out here, and not taken from math/rand, so that a seed means the same pictures for ever.
type random struct{ state uint64 }

// stream returns the generator of one named purpose: the same keys give the same stream, and streams of
// different keys are independent. That lets the class of a scene be drawn apart from everything else in it.
func stream(keys ...uint64) *random {
	r := &random{0x9e3779b97f4a7c15}
	for _, k := range keys {
		r.state ^= k * 0xd6e8feb86659fd93
		r.state = r.next()
	}
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit returns a number in [0, 1).
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// in returns a number in [lo, hi).
func (r *random) in(lo, hi float64) float64 { return lo + (hi-lo)*r.unit() }

// sway returns a number in (-a, a) that prefers the middle (triangular).
func (r *random) sway(a float64) float64 { return a * (r.unit() - r.unit()) }

// scale returns a number in [lo, hi) with an even spread over ratios. lo must be positive.
func (r *random) scale(lo, hi float64) float64 {
	return lo * math.Exp2(r.unit()*log2(hi/lo))
}

// pick returns an integer in [0, n). n must be positive.
func (r *random) pick(n int) int { return int(r.next() % uint64(n)) }

// chance returns true with probability p.
func (r *random) chance(p float64) bool { return r.unit() < p }

// sign returns -1 or 1.
func (r *random) sign() float64 {
	if r.chance(0.5) {
		return -1
	}
	return 1
}

// gauss returns a number with mean 0, variance 1 and no tail beyond 3.5 (the sum of four uniform numbers).
func (r *random) gauss() float64 {
	return (r.unit() + r.unit() + r.unit() + r.unit() - 2) * math.Sqrt(3)
}

// log2 is the binary logarithm of x > 0 from arithmetic alone, good to 1e-9 (see flat for why not math.Log2).
func log2(x float64) float64 {
	f, e := math.Frexp(x)
	y := (f - 1) / (f + 1)
	y2, term, sum := y*y, y, 0.0
	for k := 1.0; k < 30; k += 2 {
		sum += term / k
		term *= y2
	}
	return float64(e) + 2*sum/math.Ln2
}

// choose returns one of the given values.
func choose[T any](r *random, of ...T) T { return of[r.pick(len(of))] }
