package receiver

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle gives each key a rate. It remembers a fixed number of them: keys whose
// hashes fall together share one, which an attacker cannot arrange, not knowing the
// seed.
type throttle struct {
	rate  rate.Limit
	burst int
	seed  maphash.Seed

	mu    sync.Mutex
	slots []*rate.Limiter
}

func newThrottle(slots int, perSecond float64, burst int) *throttle {
	return &throttle{rate: rate.Limit(perSecond), burst: burst, seed: maphash.MakeSeed(), slots: make([]*rate.Limiter, slots)}
}

// wait returns how long key must wait, and 0 if it need not; it has then had its turn.
func (t *throttle) wait(key string, now time.Time) time.Duration {
	slot := maphash.String(t.seed, key) % uint64(len(t.slots))
	t.mu.Lock()
	if t.slots[slot] == nil {
		t.slots[slot] = rate.NewLimiter(t.rate, t.burst)
	}
	limiter := t.slots[slot]
	t.mu.Unlock()
	r := limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
