package probation

import (
	"math/bits"
	"time"
)

// Histogram counts durations in fixed buckets: from 8 µs to 126 s, eight to each
// doubling, so that a bucket is at most an eighth wider than its lower bound;
// below 8 µs one a microsecond. Longer durations count in the last bucket.
//
// The zero Histogram is empty. It takes 1.6 kB, and Add does not allocate.
type Histogram struct {
	counts [buckets]uint64
	count  uint64
	sum    time.Duration
	max    time.Duration
}

const (
	subBits = 3 // eight buckets to a doubling
	octaves = 24
	buckets = (octaves + 1) << subBits
)

// Add counts one duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(0, d)
	h.counts[bucket(d)]++
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// bucket returns where d is counted: its microseconds' highest bit says the
// octave, the three bits below it the place therein.
func bucket(d time.Duration) int {
	us := uint64(d / time.Microsecond)
	if us < 1<<subBits {
		return int(us)
	}
	octave := bits.Len64(us) - subBits
	return min(octave<<subBits+int(us>>(octave-1))&(1<<subBits-1), buckets-1)
}

// upper returns the smallest duration above bucket i.
func upper(i int) time.Duration {
	octave, place := i>>subBits, i&(1<<subBits-1)
	if octave == 0 {
		return time.Duration(place+1) * time.Microsecond
	}
	return time.Duration((1<<subBits|place)+1) << (octave - 1) * time.Microsecond
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.count }

// Mean returns their mean, 0 of none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Max returns the longest, 0 of none.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns a duration that at least the share q of the durations do not
// exceed: the upper bound of the bucket in which that share is reached, so at
// most an eighth too much, and never more than Max. It is 0 of none.
func (h *Histogram) Quantile(q float64) time.Duration {
	need := q * float64(h.count)
	var seen uint64
	for i, n := range h.counts {
		seen += n
		if n > 0 && float64(seen) >= need {
			if i == buckets-1 {
				return h.max
			}
			return min(upper(i), h.max)
		}
	}
	return 0
}

// merge adds what o counted.
func (h *Histogram) merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
}
