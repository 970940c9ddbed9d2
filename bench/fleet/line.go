package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// kind is a sort of line that devices hang on. Rates and round trips of single
// devices lie around it.
type kind struct {
	name  string
	share float64 // of the devices
	trip  time.Duration
	rate  float64 // downwards, bytes a second
}

const mbit = 1e6 / 8

// kinds are an assumption, not a measurement: homes and shops, cellular, and the
// end of a long copper wire.
var kinds = []kind{
	{"broadband", 0.50, 20 * time.Millisecond, 50 * mbit},
	{"LTE", 0.35, 60 * time.Millisecond, 12 * mbit},
	{"slow DSL", 0.15, 45 * time.Millisecond, 2 * mbit},
}

const (
	// spread is the standard deviation of the logarithm of a device's rate and round
	// trip over its kind's.
	spread = 0.3
	// window is what a server sends before it has heard back, in bytes: ten segments
	// (RFC 6928).
	window = 10 * 1460
	// idle is how long models/update keeps a connection for the next request.
	idle = 30 * time.Second
	// What a request takes beside the body, in bytes at the origin. A connection
	// begins with TLS 1.3 and a chain of two certificates. TestOverhead compares with
	// a real server.
	handshakeUp, handshakeDown = 1000, 3500
	requestUp, responseDown    = 220, 200
)

// line is a device's way to the origin, with one connection. Nobody else is on it:
// an origin that cannot keep up is not simulated.
type line struct {
	trip   time.Duration // there and back
	rate   float64       // downwards, bytes a second
	open   bool
	used   time.Duration // when something last came
	window float64       // bytes that may be under way
}

func newLine(random *rand.Rand) line {
	at, k := random.Float64(), kinds[len(kinds)-1]
	for _, of := range kinds {
		if at -= of.share; at < 0 {
			k = of
			break
		}
	}
	around := func() float64 { return math.Exp(spread * random.NormFloat64()) }
	return line{trip: time.Duration(float64(k.trip) * around()), rate: k.rate * around()}
}

// connect returns when a connection stands, and whether it had to be made: then
// TCP and TLS 1.3 take a round trip each.
func (l *line) connect(at time.Duration) (time.Duration, bool) {
	if l.open && at-l.used < idle {
		return at, false
	}
	l.open, l.window = true, window
	return at + 2*l.trip, true
}

// receive returns when n more bytes are here. The window doubles each round trip
// until the line is full, and is not lost again: lines do not drop packets.
func (l *line) receive(at time.Duration, n int) time.Duration {
	full := l.rate * l.trip.Seconds()
	for left := float64(n); left > 0; {
		if l.window >= full {
			at += seconds(left / l.rate)
			break
		}
		part := min(left, l.window)
		left -= part
		took := seconds(part / l.rate)
		if left > 0 {
			took = max(took, l.trip)
			l.window *= 2
		}
		at += took
	}
	l.used = at
	return at
}

// underway is how many bytes of at most n a server has sent that have not come.
func (l *line) underway(n int) int {
	return min(n, int(min(l.window, l.rate*l.trip.Seconds())))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
