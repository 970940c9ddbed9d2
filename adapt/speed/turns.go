package speed

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Effort says how long to measure.
type Effort struct {
	Rounds int           // turns that each of what is compared gets; at least 1
	Least  time.Duration // a turn repeats what it times until that has passed
}

// Turn is one of the things that are timed in turn.
type Turn struct {
	// Ready comes before each turn and is not timed: it brings what is timed back
	// into the processor's caches. nil: nothing.
	Ready func(context.Context) error
	// Once does what is timed.
	Once func(context.Context) error
	// Units is how much Once does, in pictures for example; at least 1.
	Units int
}

// Timed is the time that a unit takes.
type Timed struct {
	// MS are milliseconds that pass.
	MS Figure `json:"ms"`
	// ProcessorMS are milliseconds of processors, those of all threads together,
	// among them threads that wait for others without sleeping. It hardly depends
	// on what else the machine does.
	ProcessorMS Figure `json:"processor_ms"`
}

// Alternate times each of turns once a round. Its errors are those of the turns
// and the context's.
func Alternate(ctx context.Context, e Effort, turns []Turn) ([]Timed, error) {
	if e.Rounds < 1 {
		return nil, errors.New("measure speed: no round")
	}
	passed := make([][]float64, len(turns))
	processors := make([][]float64, len(turns))
	for range e.Rounds {
		for i, t := range turns {
			ms, processor, err := t.time(ctx, e.Least)
			if err != nil {
				return nil, err
			}
			passed[i] = append(passed[i], ms)
			processors[i] = append(processors[i], processor)
		}
	}
	timed := make([]Timed, len(turns))
	for i := range turns {
		timed[i] = Timed{NewFigure(passed[i]), NewFigure(processors[i])}
	}
	return timed, nil
}

// time returns milliseconds a unit, passed and of processors.
func (t Turn) time(ctx context.Context, least time.Duration) (passed, processors float64, err error) {
	if t.Ready != nil {
		if err := t.Ready(ctx); err != nil {
			return 0, 0, err
		}
	}
	start, used := time.Now(), processorTime()
	units := 0
	for {
		if err := ctx.Err(); err != nil {
			return 0, 0, context.Cause(ctx)
		}
		if err := t.Once(ctx); err != nil {
			return 0, 0, err
		}
		units += t.Units
		if time.Since(start) >= least {
			break
		}
	}
	took := time.Since(start)
	each := 1 / (float64(time.Millisecond) * float64(units))
	return float64(took) * each, float64(processorTime()-used) * each, nil
}

// processorTime is what this process has had of processors so far.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
