package head

import (
	"math/bits"
	"math/rand/v2"
)

// The streams of one seed. Each is a sequence of its own, so that a change of,
// say, the dropout rate leaves the order of the batches as it was.
const (
	StreamWeights uint64 = 1 // New
	StreamOrder   uint64 = 2 // the shuffles of the training images
	StreamDropout uint64 = 3 // which hidden units are dropped
)

// Random is a source of numbers whose every bit is specified: PCG-DXSM with
// 128 bits of state (O'Neill 2014), started from a seed and a stream, read in
// the ways written below. The standard library's own ways of making floats and
// permutations out of it may change; trained heads must not.
//
// A Random is not safe for concurrent use.
type Random struct {
	pcg *rand.PCG
}

// NewRandom returns the beginning of a stream of a seed.
func NewRandom(seed, stream uint64) *Random {
	// PCG's states of neighbouring seeds differ in their upper half alone, and
	// go on to; mixed, seeds 1, 2 and 3 are as unrelated as any others.
	return &Random{rand.NewPCG(mix(seed^mix(stream)), mix(stream^mix(seed)))}
}

// mix is the step of SplitMix64 (Steele, Lea and Flood 2014): a bijection in
// which every bit of z changes about half of the result's.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uniform returns a multiple of 2^-24 in [0, 1): the top 24 bits of a draw.
func (r *Random) Uniform() float32 {
	return float32(r.pcg.Uint64()>>40) / (1 << 24)
}

// below returns a number in [0, n): the high word of n times a draw. The bias
// of n/2^64 is of no consequence to a shuffle.
func (r *Random) below(n int) int {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(hi)
}

// Shuffle puts s into a random order (Fisher-Yates, from the last element
// down, one draw each).
func (r *Random) Shuffle(s []int) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.below(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// Dropout fills mask for inverted dropout: each element, from one draw, is 0
// with probability rate and else 1/(1-rate). rate is in [0, 1).
func (r *Random) Dropout(mask []float32, rate float64) {
	keep := float32(1 / (1 - rate))
	for i := range mask {
		if float64(r.Uniform()) < rate {
			mask[i] = 0
		} else {
			mask[i] = keep
		}
	}
}
