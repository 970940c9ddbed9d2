package update

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// written is when this file was: no clock of a device that has it is before.
var written = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// tolerance is how far a document may be ahead of a clock that was set.
const tolerance = 24 * time.Hour

// BuildTime returns when the program was built, as far as it knows: the time of
// the commit it was built from.
func BuildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return written
	}
	for _, s := range info.Settings {
		if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil && at.After(written) {
			return at.UTC()
		}
	}
	return written
}

// ClockConfig is what a Clock goes by.
type ClockConfig struct {
	Dir   string    // the state folder; "": nothing outlives the process
	Build time.Time // when the program was built; zero: BuildTime
	// System is the system's clock; nil: time.Now.
	System func() time.Time
	// Synchronised says whether something has set the system's clock since the
	// start and keeps it right; nil: what the kernel says (adjtimex).
	Synchronised func() bool
}

// Clock tells a time that does not run back, so that metadata that has expired
// stays so, on boards without a clock of their own too.
//
// Where the system's clock is synchronised, that is the time, but never before
// the program was built, nor before a signed document that was verified while the
// clock was synchronised. Where it is not, no time counts that is known to have
// passed: the former two, what the system's clock said when it was last
// synchronised, and what signed documents say. A clock that was synchronised with
// a wrong source, however far ahead, heals as soon as it is synchronised again.
//
// Methods may be called concurrently.
type Clock struct {
	cfg ClockConfig
	at  folder

	mu    sync.Mutex
	known times
	read  bool      // known was read
	since time.Time // when known was, with a monotonic reading
}

// times are what a clock remembers.
type times struct {
	Seen      time.Time `json:"seen,omitzero"`      // the latest of the system's clock while synchronised
	Confirmed time.Time `json:"confirmed,omitzero"` // the latest document that came while synchronised
	Claimed   time.Time `json:"claimed,omitzero"`   // the latest that came while not
}

const clockName = "clock.json"

// NewClock returns a clock. What it cannot read, it does not know.
func NewClock(cfg ClockConfig) *Clock {
	if cfg.Build.IsZero() {
		cfg.Build = BuildTime()
	}
	if cfg.System == nil {
		cfg.System = time.Now
	}
	if cfg.Synchronised == nil {
		cfg.Synchronised = synchronised
	}
	return &Clock{cfg: cfg, at: folder{dir: cfg.Dir}}
}

// Now returns the time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(c.cfg.Synchronised())
}

func (c *Clock) now(synchronised bool) time.Time {
	c.load()
	system := c.cfg.System().UTC().Round(0)
	if synchronised {
		return latest(system, c.cfg.Build, c.known.Confirmed)
	}
	passed := latest(c.cfg.Build, c.known.Confirmed, c.known.Claimed, c.known.Seen)
	return latest(system, passed.Add(time.Since(c.since))).UTC()
}

// Synchronised reports whether something has set the system's clock since the
// start and keeps it right.
func (c *Clock) Synchronised() bool { return c.cfg.Synchronised() }

// unsure reports that nothing has set the system's clock.
func (c *Clock) unsure() bool { return !c.Synchronised() }

// Observe remembers the time if the clock is synchronised. Call it now and then;
// it writes once an hour at most.
func (c *Clock) Observe() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cfg.Synchronised() {
		return nil
	}
	c.load()
	next := c.known
	next.Seen, next.Claimed = c.cfg.System().UTC().Truncate(time.Second), time.Time{}
	if gap := next.Seen.Sub(c.known.Seen); gap >= 0 && gap < time.Hour && c.known.Claimed.IsZero() {
		return nil
	}
	return c.save(next)
}

// learn takes a verified document into account that says when it was written and,
// with its metadata, until when it holds. The error is ErrClock if it says that
// it was written in the future.
//
// Where the clock is not synchronised nobody can tell. A document that says that
// it was written after its own end does not count.
func (c *Clock) learn(updated, expires time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	next := c.known
	if c.cfg.Synchronised() {
		if system := c.cfg.System(); updated.After(system.Add(tolerance)) {
			return fmt.Errorf("%w: it was written at %s, and it is %s here", ErrClock, updated.UTC().Format(time.RFC3339), system.UTC().Format(time.RFC3339))
		}
		next.Confirmed = latest(next.Confirmed, updated)
	} else if !updated.After(expires) {
		next.Claimed = latest(next.Claimed, updated)
	}
	if next == c.known {
		return nil
	}
	return c.save(next)
}

// WaitForSync returns as soon as the system's clock can be right: it is
// synchronised, or not before times that are known to have passed, as that of a
// board with a battery. A board without one waits, up to limit: then the error is
// ErrClock. If ctx ends, the error is ctx's.
func (c *Clock) WaitForSync(ctx context.Context, limit time.Duration) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		if c.plausible() {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			if c.plausible() {
				return nil
			}
			return fmt.Errorf("%w: it says %s, which has passed, and nothing set it for %s", ErrClock, c.cfg.System().UTC().Format("2006-01-02 15:04"), limit)
		}
	}
}

func (c *Clock) plausible() bool {
	if c.cfg.Synchronised() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	return !c.cfg.System().Before(latest(c.cfg.Build, c.known.Confirmed, c.known.Claimed, c.known.Seen))
}

// load reads what is known, once.
func (c *Clock) load() {
	if c.read {
		return
	}
	c.read, c.since = true, time.Now()
	if c.cfg.Dir == "" {
		return
	}
	if data, err := c.at.read(clockName, maxSmall); err == nil {
		c.known = parseTimes(data)
	}
}

// parseTimes returns nothing known for what is not whole.
func parseTimes(data []byte) times {
	var t times
	if err := json.Unmarshal(data, &t); err != nil {
		return times{}
	}
	return t
}

func (c *Clock) save(next times) error {
	c.known, c.since = next, time.Now()
	if c.cfg.Dir == "" {
		return nil
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	lock, err := c.at.lock(context.Background(), "clock.lock")
	if err != nil {
		return err
	}
	defer lock.release()
	return c.at.replace(clockName, append(data, '\n'), 0o600)
}

func latest(t time.Time, more ...time.Time) time.Time {
	for _, m := range more {
		if m.After(t) {
			t = m
		}
	}
	return t
}

// synchronised asks the kernel.
func synchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
