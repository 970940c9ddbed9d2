package runtime

import (
	"slices"
	"sync"
	"time"
)

const (
	recentImages  = 512
	recentSeconds = 10
)

// recent remembers how long the last images took and how many there were in
// the last seconds. Its methods may be called concurrently; adding does not
// allocate.
type recent struct {
	mu         sync.Mutex
	latency    window
	preprocess window
	base       window
	head       window

	began   time.Time // the beginning of second 0
	seconds [recentSeconds + 1]struct {
		number int64
		images int
	}
}

func newRecent(now time.Time) *recent { return &recent{began: now} }

// add takes the parts of one image; latency is 0 if the image came from a caller.
func (r *recent) add(now time.Time, latency, preprocess, base, head time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if latency > 0 {
		r.latency.add(latency)
	}
	r.preprocess.add(preprocess)
	r.base.add(base)
	r.head.add(head)
	r.count(now, 1)
}

// addImages takes images of which no more is known.
func (r *recent) addImages(now time.Time, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(now, n)
}

func (r *recent) count(now time.Time, images int) {
	number := int64(now.Sub(r.began) / time.Second)
	s := &r.seconds[number%int64(len(r.seconds))]
	if s.number != number {
		s.number, s.images = number, 0
	}
	s.images += images
}

// rate returns images a second over the last whole seconds.
func (r *recent) rate(now time.Time) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	number := int64(now.Sub(r.began) / time.Second)
	span := min(number, recentSeconds)
	if span == 0 {
		return 0
	}
	images := 0
	for _, s := range r.seconds {
		if s.number < number && s.number >= number-span {
			images += s.images
		}
	}
	return float64(images) / float64(span)
}

func (r *recent) timings() Timings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Timings{r.latency.quantiles(), r.preprocess.quantiles(), r.base.quantiles(), r.head.quantiles()}
}

// window holds the last durations: a ring once it is full.
type window struct {
	values [recentImages]time.Duration
	added  int
}

func (w *window) add(d time.Duration) {
	w.values[w.added%recentImages] = d
	w.added++
}

// quantiles takes the nearest rank: of n values in rising order, the one at
// place ceil(q*n).
func (w *window) quantiles() Quantiles {
	n := min(w.added, recentImages)
	if n == 0 {
		return Quantiles{}
	}
	sorted := slices.Clone(w.values[:n])
	slices.Sort(sorted)
	at := func(percent int) float64 {
		return float64(sorted[max((percent*n+99)/100, 1)-1]) / float64(time.Millisecond)
	}
	return Quantiles{P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}
