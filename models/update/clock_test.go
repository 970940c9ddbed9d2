package update

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// turned is a clock that a test turns.
type turned struct {
	now          time.Time
	synchronised bool
	dir          string
}

func (c *turned) open() *Clock {
	return NewClock(ClockConfig{
		Dir: c.dir, Build: start.Add(-30 * day),
		System: func() time.Time { return c.now }, Synchronised: func() bool { return c.synchronised },
	})
}

// says expects the time, within the seconds that a test may take.
func says(t *testing.T, c *Clock, want time.Time) {
	t.Helper()
	if got := c.Now(); got.Sub(want).Abs() > time.Minute {
		t.Errorf("it says %s, want %s", got, want)
	}
}

func TestClockDoesNotRunBack(t *testing.T) {
	at := &turned{now: start, synchronised: true, dir: t.TempDir()}
	must(t, at.open().Observe())
	at.synchronised, at.now = false, time.Unix(0, 0) // after a reboot, no battery
	says(t, at.open(), start)
	at.now = start.Add(day)
	says(t, at.open(), start.Add(day))

	// What a document says that nobody can check counts while nobody knows better.
	must(t, at.open().learn(start.Add(5*day), start.Add(90*day)))
	at.now = time.Unix(0, 0)
	says(t, at.open(), start.Add(5*day))
	must(t, at.open().learn(start.Add(5000*day), start.Add(90*day)))
	says(t, at.open(), start.Add(5*day)) // no document makes itself expire
	at.synchronised, at.now = true, start.Add(2*day)
	says(t, at.open(), start.Add(2*day))
	must(t, at.open().Observe())
	at.synchronised, at.now = false, time.Unix(0, 0)
	says(t, at.open(), start.Add(2*day))
}

func TestClockThatWasFarAheadHeals(t *testing.T) {
	at := &turned{now: start.Add(3650 * day), synchronised: true, dir: t.TempDir()}
	must(t, at.open().Observe())
	at.synchronised, at.now = false, start
	says(t, at.open(), start.Add(3650*day))
	at.synchronised = true
	says(t, at.open(), start)
	must(t, at.open().Observe())
	at.synchronised = false
	says(t, at.open(), start)
}

func TestConfirmedDocumentsHold(t *testing.T) {
	at := &turned{now: start, synchronised: true, dir: t.TempDir()}
	must(t, at.open().learn(start.Add(-time.Hour), start.Add(day)))
	if err := at.open().learn(start.Add(2*day), start.Add(9*day)); !errors.Is(err, ErrClock) {
		t.Errorf("a document of the day after tomorrow: %v", err)
	}
	at.now = start.Add(-3650 * day) // though whoever sets the clock says so
	says(t, at.open(), start.Add(-time.Hour))
	must(t, os.Remove(filepath.Join(at.dir, clockName)))
	says(t, at.open(), start.Add(-30*day)) // not before it was built
}

func TestClockThatIsDamaged(t *testing.T) {
	for _, content := range []string{"", "{", `{"seen": 5}`, "\x00\x00"} {
		at := &turned{now: start, dir: t.TempDir()}
		must(t, os.WriteFile(filepath.Join(at.dir, clockName), []byte(content), 0o600))
		says(t, at.open(), start)
		at.synchronised = true
		must(t, at.open().Observe())
	}
}

func TestWaitForSync(t *testing.T) {
	at := &turned{now: start, dir: t.TempDir()}
	must(t, at.open().WaitForSync(t.Context(), 0)) // a clock with a battery
	at.now = time.Unix(0, 0)
	if err := at.open().WaitForSync(t.Context(), time.Millisecond); !errors.Is(err, ErrClock) {
		t.Errorf("%v, want %v", err, ErrClock)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := at.open().WaitForSync(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	at.synchronised = true
	must(t, at.open().WaitForSync(t.Context(), 0))
}

func TestBuildTime(t *testing.T) {
	if b := BuildTime(); b.Before(written) || b.After(time.Now().Add(day)) {
		t.Errorf("built at %s", b)
	}
	NewClock(ClockConfig{}).Now() // as it is on this machine
}
