package runtime

import (
	"errors"
	"math"
	"sync/atomic"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
)

var errNotFinite = errors.New("NaN or infinity")

// served is a generation that is open. It never changes, but for the count of
// those who use it; the last of them lets go of its base.
type served struct {
	model       Model
	head        *head.Head
	calibration *calibrate.Calibration // nil: none
	pool        *basePool
	good        bool // was marked good when it was opened

	users atomic.Int64 // from 1: who opened it is the first
}

// retain adds a user, unless the last one is gone already.
func (s *served) retain() bool {
	for {
		n := s.users.Load()
		if n == 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release takes a user away. s may be nil.
func (s *served) release() {
	if s != nil && s.users.Add(-1) == 0 {
		s.pool.pools.release(s.pool)
	}
}

// slot is a place for a generation that serves; it is one of its users.
type slot struct{ served atomic.Pointer[served] }

// acquire returns what is in the slot, to be released, or nil.
//
// Between reading the pointer and adding a user, another goroutine may swap the
// generation out and the last user let go. Then there is another one in the slot.
func (s *slot) acquire() *served {
	for {
		v := s.served.Load()
		if v == nil || v.retain() {
			return v
		}
	}
}

// swap puts v, which may be nil, in place and lets go of what was there. The
// caller's use of v becomes the slot's.
func (s *slot) swap(v *served) { s.served.Swap(v).release() }

// generation returns the number of what is in the slot, 0 if it is empty.
func (s *slot) generation() int {
	if v := s.served.Load(); v != nil {
		return v.model.Generation
	}
	return 0
}

// scoring is memory for the scores of one image, reused from image to image.
type scoring struct{ scores, scratch []float32 }

// opinion is what a generation says of an image.
type opinion struct {
	class    int     // the likeliest
	score    float32 // of it; NaN if the scores are not numbers
	unknown  bool
	distance float32 // above 1: unknown; 0: not measured
}

// score writes the calibrated probabilities of all classes into m.scores.
func (s *served) score(features []float32, m *scoring) opinion {
	m.scores, m.scratch = sized(m.scores, s.head.Classes), sized(m.scratch, s.head.Scratch())
	s.head.Scores(m.scores, features, m.scratch)
	var o opinion
	s.calibration.Apply(m.scores)
	o.distance, o.unknown = s.calibration.Unknown(features, m.scratch)
	if o.class, o.score = likeliest(m.scores); o.score != o.score {
		o.unknown, o.distance = false, 0 // it is nothing at all
	}
	return o
}

// likeliest returns the first class with the highest score, and NaN with any
// class if one of the scores is no number.
func likeliest(scores []float32) (class int, score float32) {
	for i, s := range scores {
		if s != s {
			return 0, float32(math.NaN())
		}
		if s > scores[class] {
			class = i
		}
	}
	return class, scores[class]
}

// sized returns s with length n, grown if need be. Its values are undefined.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
