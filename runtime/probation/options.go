package probation

import (
	"fmt"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Options say when a generation is good and when it must go. Two that are ==
// say the same.
type Options struct {
	Frames    int           // frames after which it is good; 0: 1000
	Time      time.Duration // time after which it is good, if it had MinFrames; 0: 10 min
	MinFrames int           // frames without which it is never good; 0: 30

	MaxErrors int // errors at which it goes; 0: 3
	MaxNaN    int // frames without numbers at which it goes; 0: 1

	LatencyFactor float64       // of the other's 99th percentile above which it goes, above 1; 0: 2; -1: never
	LatencyFrames int           // frames of a block, of which two must be too slow, at least 100; 0: 200
	LatencySlack  time.Duration // by which it must be slower at least; 0: 5 ms

	Collapse       float64 // share of one class from which it may have collapsed, above 0.5 and up to 1; 0: 0.95; -1: never
	CollapseFrames int     // frames after which that is asked; 0: 200

	MinAgreement float64 // share of frames that both must see alike, once MinFrames were compared; 0: not asked
}

const (
	maxFrames = 1_000_000_000
	never     = -1
)

// OrDefault returns o with its zero fields replaced by what they mean.
func (o Options) OrDefault() Options {
	or(&o.Frames, 1000)
	or(&o.Time, 10*time.Minute)
	or(&o.MinFrames, 30)
	or(&o.MaxErrors, 3)
	or(&o.MaxNaN, 1)
	or(&o.LatencyFactor, 2)
	or(&o.LatencyFrames, 200)
	or(&o.LatencySlack, 5*time.Millisecond)
	or(&o.Collapse, 0.95)
	or(&o.CollapseFrames, 200)
	return o
}

func or[T comparable](field *T, usual T) {
	var zero T
	if *field == zero {
		*field = usual
	}
}

// Validate names the first field that is out of its range, with the range as
// the hint. Zero fields are in range.
func (o Options) Validate() error {
	refuse := func(field string, value any, want string) error {
		return hint.Wrap(fmt.Errorf("%s %v is out of range", field, value), fmt.Sprintf("%s takes %s", field, want))
	}
	o = o.OrDefault()
	for _, f := range []struct {
		name  string
		value int
		least int
	}{
		{"frames", o.Frames, 1}, {"min_frames", o.MinFrames, 1}, {"max_errors", o.MaxErrors, 1}, {"max_nan", o.MaxNaN, 1},
		{"latency_frames", o.LatencyFrames, 100}, {"collapse_frames", o.CollapseFrames, 1},
	} {
		if f.value < f.least || f.value > maxFrames {
			return refuse(f.name, f.value, fmt.Sprintf("%d to %d", f.least, maxFrames))
		}
	}
	switch {
	case o.Time < 0:
		return refuse("time", o.Time, "a duration, such as 10m")
	case o.LatencySlack < 0:
		return refuse("latency_slack", o.LatencySlack, "a duration, such as 5ms")
	case o.LatencyFactor != never && !(o.LatencyFactor > 1):
		return refuse("latency_factor", o.LatencyFactor, "a number above 1, such as 2, or -1 for never")
	case o.Collapse != never && !(o.Collapse > 0.5 && o.Collapse <= 1):
		return refuse("collapse", o.Collapse, "a number above 0.5, up to 1, such as 0.95, or -1 for never")
	case !(o.MinAgreement >= 0 && o.MinAgreement <= 1):
		return refuse("min_agreement", o.MinAgreement, "0 (not asked) to 1")
	}
	return nil
}
