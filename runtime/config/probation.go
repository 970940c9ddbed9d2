package config

import (
	"errors"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/probation"
)

// Probation is how a new generation is watched. Package probation has the rules.
type Probation struct {
	Frames    int      `key:"frames"`
	Time      Duration `key:"time"`
	MinFrames int      `key:"min_frames"`

	MaxErrors int `key:"max_errors"`
	MaxNaN    int `key:"max_nan"`

	LatencyFactor float64  `key:"latency_factor"` // 0: never
	LatencyFrames int      `key:"latency_frames"`
	LatencySlack  Duration `key:"latency_slack"`

	Collapse       Share `key:"collapse"` // 0%: never
	CollapseFrames int   `key:"collapse_frames"`

	MinAgreement Share `key:"min_agreement"` // 0%: not asked
}

func defaultProbation() Probation {
	o := probation.Options{}.OrDefault()
	return Probation{
		Frames: o.Frames, Time: Duration(o.Time), MinFrames: o.MinFrames,
		MaxErrors: o.MaxErrors, MaxNaN: o.MaxNaN,
		LatencyFactor: o.LatencyFactor, LatencyFrames: o.LatencyFrames, LatencySlack: Duration(o.LatencySlack),
		Collapse: Share(o.Collapse), CollapseFrames: o.CollapseFrames,
		MinAgreement: Share(o.MinAgreement),
	}
}

// config is p as the runtime has it, where 0 means the default and -1 never.
func (p Probation) config() probation.Options {
	o := probation.Options{
		Frames: p.Frames, Time: p.Time.D(), MinFrames: p.MinFrames,
		MaxErrors: p.MaxErrors, MaxNaN: p.MaxNaN,
		LatencyFactor: p.LatencyFactor, LatencyFrames: p.LatencyFrames, LatencySlack: p.LatencySlack.D(),
		Collapse: float64(p.Collapse), CollapseFrames: p.CollapseFrames,
		MinAgreement: float64(p.MinAgreement),
	}
	if p.LatencyFactor == 0 {
		o.LatencyFactor = -1
	}
	if p.Collapse == 0 {
		o.Collapse = -1
	}
	if p.LatencySlack == 0 {
		o.LatencySlack = time.Nanosecond
	}
	return o
}

func (p Probation) validate(k *checks, path string) {
	for _, n := range []struct {
		key   string
		value int
	}{{"frames", p.Frames}, {"min_frames", p.MinFrames}, {"max_errors", p.MaxErrors}, {"max_nan", p.MaxNaN}, {"collapse_frames", p.CollapseFrames}} {
		k.that(n.value >= 1, path+n.key, "%d is out of range: want 1 or more", n.value)
	}
	k.that(p.Time.D() >= time.Second, path+"time", "%v is out of range: want 1s or more", p.Time)
	if err := p.config().Validate(); err != nil {
		key := path[:len(path)-1]
		if next := hint.Of(err); next != "" {
			err = errors.New(err.Error() + ": " + next)
		}
		k.that(false, key, "%s", err.Error())
	}
}
