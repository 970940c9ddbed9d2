package runtime

import "time"

// often keeps what happens with every frame from filling the log: it lets one
// line through a second.
type often struct {
	last  time.Time
	count int
}

// note counts one more, and says whether to log it now, and how many there were
// since the last line.
func (o *often) note(now time.Time) (count int, say bool) {
	o.count++
	if now.Sub(o.last) < time.Second {
		return o.count, false
	}
	count = o.count
	o.last, o.count = now, 0
	return count, true
}
