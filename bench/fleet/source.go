package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/edge-adapt/edge/models/update"
)

// source is a device's update.Source: the origin at the end of its line. It moves
// the device's time on by what a request takes, and counts at the origin. Used by
// one goroutine at a time.
type source struct {
	origin *origin
	tally  *tally
	line   line
	random *rand.Rand
	// now is the device's time. Whoever starts something sets it.
	now time.Duration

	flaky    bool
	gone     time.Duration // off the network from here
	back     time.Duration // to here
	last     string        // asked for last
	failures int           // of it in a row; zero after a success

	sent  []sent // by file
	drawn int64  // bytes of files that were sent to it, lost ones too
}

// sent is what of a file has reached the device.
type sent struct {
	name  string
	have  int // its first bytes
	again int // bytes of it that the device had been sent before
}

const (
	failing     = 0.3 // of a flaky device's requests
	breaking    = 0.5 // of its answers that are long
	breakingToo = 0.1 // and of those that are short
	long        = 64 << 10
	give        = 30 * time.Second // after which models/update gives up on a server
)

// retry has models/update try as often as it usually does, at once: the pause
// passes in the device's time, see pause.
func retry() update.Retry { return update.Retry{Tries: usualTries, Pause: 1, Limit: 1} }

// What update.Retry is when nothing is said.
const (
	usualTries = 5
	firstPause = time.Second
	mostPause  = time.Minute
)

// pause is update.Retry's: between half and all of what doubles.
func (s *source) pause() time.Duration {
	most := min(firstPause<<min(s.failures-1, 20), mostPause)
	return most/2 + time.Duration(s.random.Int64N(int64(most/2)+1))
}

// begin is a new look or download of the device, at a moment.
func (s *source) begin(at time.Duration) { s.now, s.last, s.failures = at, "", 0 }

func (s *source) away() bool { return s.now >= s.gone && s.now < s.back }

// fail notes a failure of the file that was asked for last.
func (s *source) fail(format string, args ...any) error {
	s.failures++
	s.line.open = false
	return fmt.Errorf("%s: %w: %s", s.last, update.ErrNetwork, fmt.Sprintf(format, args...))
}

func (s *source) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, 0, err
	}
	if name != s.last {
		s.last, s.failures = name, 0
	}
	if s.failures > 0 {
		s.now += s.pause()
		s.tally.retries++
	}
	if s.away() {
		s.now += s.line.trip
		s.tally.unheard++
		return nil, 0, s.fail("no network")
	}
	fails := s.flaky && s.random.Float64() < failing
	if fails && s.random.IntN(2) == 0 {
		s.now += time.Duration(s.random.Int64N(int64(give)))
		s.tally.unheard++
		return nil, 0, s.fail("no answer")
	}
	standing, fresh := s.line.connect(s.now)
	s.now = standing
	arrives := s.now + s.line.trip/2
	if fresh {
		s.tally.connections++
		s.tally.overhead(arrives, handshakeUp, handshakeDown)
	}
	data := s.origin.get(name, arrives)
	s.tally.request(arrives, data == nil)
	s.now += s.line.trip
	if data == nil {
		s.line.used = s.now
		s.failures = 0
		return nil, 0, fmt.Errorf("%s is %w", name, update.ErrNotThere)
	}
	if offset > int64(len(data)) {
		return nil, 0, fmt.Errorf("%s is %w: it ends before byte %d", name, update.ErrDamaged, offset)
	}
	b := &body{s: s, data: data[offset:], at: int(offset), file: s.file(name)}
	if fails { // the answer is lost
		s.lose(len(b.data))
		return nil, 0, s.fail("connection reset")
	}
	b.ends = len(b.data)
	if s.flaky {
		chance := breakingToo
		if b.ends >= long {
			chance = breaking
		}
		if s.random.Float64() < chance {
			b.ends = s.random.IntN(b.ends + 1)
			b.breaks = true
		}
	}
	return b, int64(len(data)), nil
}

// file returns the note of a file, a new one if there is none.
func (s *source) file(name string) int {
	for i := range s.sent {
		if s.sent[i].name == name {
			return i
		}
	}
	s.sent = append(s.sent, sent{name: name})
	return len(s.sent) - 1
}

// lose counts what of n more bytes was on its way when a connection broke.
func (s *source) lose(n int) {
	lost := s.line.underway(n)
	s.tally.lose(s.now, lost)
	s.drawn += int64(lost)
}

func (s *source) Close() error { return nil }

// body is an answer on its way.
type body struct {
	s      *source
	data   []byte // what has not been read
	at     int    // its place in the file
	file   int    // in sent
	ends   int    // bytes of data until it ends or breaks off
	breaks bool
}

func (b *body) Read(p []byte) (int, error) {
	s := b.s
	if b.ends == 0 {
		if !b.breaks {
			s.done(b.file)
			return 0, io.EOF
		}
		s.lose(len(b.data))
		if b.at >= long {
			s.failures = 0 // update.Client counts anew after so much
		}
		return 0, s.fail("it breaks off")
	}
	n := copy(p, b.data[:b.ends])
	from := s.now
	s.now = s.line.receive(from, n)
	s.tally.deliver(from, s.now, n)
	s.drawn += int64(n)
	f := &s.sent[b.file]
	f.again += max(0, min(f.have, b.at+n)-b.at)
	f.have = max(f.have, b.at+n)
	b.data, b.at, b.ends = b.data[n:], b.at+n, b.ends-n
	return n, nil
}

func (b *body) Close() error { return nil }

// again is how much the device was sent twice, in bytes.
func (s *source) again() (n int64) {
	for _, f := range s.sent {
		n += int64(f.again)
	}
	return n
}

// done notes that a file has come to its end. timestamp.json is another one each
// time; whatever else comes once more would be waste.
func (s *source) done(file int) {
	s.failures = 0
	if s.sent[file].name == timestampName {
		s.sent[file].have = 0
	}
}
