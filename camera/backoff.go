package camera

import (
	"math/rand/v2"
	"time"
)

// backOff says how long to wait before another try.
type backOff struct {
	least, most time.Duration
	wait        time.Duration // before the last try, without chance; 0: none
}

// note takes into account for how long the last try ran, and reports whether
// that was long enough to start anew: longer than the wait before it. So a source
// that comes up and falls over at once is not opened four times a second for ever.
func (b *backOff) note(ran time.Duration) (anew bool) {
	anew = ran > b.wait
	if anew {
		b.wait = 0
	}
	return anew
}

// next returns the next wait: between half of it and all, by chance.
func (b *backOff) next() time.Duration {
	if b.wait == 0 {
		b.wait = b.least
	} else {
		b.wait = min(2*b.wait, b.most)
	}
	half := b.wait / 2
	return half + rand.N(b.wait-half+1) //nolint:gosec // chance, not secrecy
}
