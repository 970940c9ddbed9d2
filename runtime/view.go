package runtime

import (
	"slices"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/runtime/decide"
)

// view is one task's way of looking at a source: its gates, and what it has
// decided. It belongs to a pipeline and is used under its lock.
type view struct {
	task   *Task
	config TaskConfig
	source string // the source's URI without credentials

	next    time.Time // when the next interval begins
	motion  *motion   // nil: no gate
	hold    int       // frames that pass the motion gate when the motion has ended
	decider *decide.Decider

	generation int      // whose scores the decider has seen last
	labels     []string // of its classes
	told       bool     // label and unknown have been published
	label      string
	unknown    bool
}

func newView(t *Task, c TaskConfig) *view {
	v := &view{task: t, config: c, source: camera.Redact(c.Source), decider: decide.New(c.Decide, 0)}
	o := c.Decide.OrDefault()
	v.hold = max(o.InARow, o.Window)
	if c.Motion > 0 {
		v.motion = new(motion)
	}
	return v
}

// wants reports whether the task looks at the frame, and counts it if not.
func (v *view) wants(f *camera.Frame, live bool) bool {
	t := v.task
	if live && !v.due(f.Captured) {
		t.counts.skippedInterval.Add(1)
		t.metrics.SkippedInterval.Inc()
		return false
	}
	if v.motion != nil {
		r := v.config.Crop.of(f.Image.Width, f.Image.Height)
		if !v.motion.passes(&f.Image, r, v.config.Motion, v.hold) {
			t.counts.skippedStill.Add(1)
			t.metrics.SkippedStill.Inc()
			return false
		}
	}
	return true
}

// due reports whether a frame is the first in its interval. The intervals follow
// each other without gaps, so that a camera whose frames come a little early or
// late gives the right number all the same.
func (v *view) due(captured time.Time) bool {
	interval := v.config.Interval
	if interval <= 0 {
		return true
	}
	if captured.Before(v.next) {
		return false
	}
	if v.next.IsZero() {
		v.next = captured
	}
	v.next = captured.Add(interval - captured.Sub(v.next)%interval)
	return true
}

// decide takes what a generation says of a frame, and publishes an event if that
// changes what the task sees.
func (v *view) decide(s *served, o opinion, f *camera.Frame, now time.Time) {
	if s.model.Generation != v.generation {
		v.generation = s.model.Generation
		if !slices.Equal(s.model.Labels, v.labels) {
			v.labels = s.model.Labels
			v.decider.Reset(len(v.labels))
		}
	}
	changed := v.decider.Observe(o.class, o.score, o.unknown)
	if !changed {
		if v.told && !o.unknown && o.score == o.score && v.labels[o.class] == v.label {
			v.task.sees(o.score)
		}
		return
	}
	e := Event{
		Time: now, Kind: KindChange, Task: v.task.name, Previous: v.label, Score: o.score, Generation: v.generation,
		Source: v.source, Frame: f.Number, Name: f.Name, LatencyMS: milliseconds(now.Sub(f.Captured)),
	}
	if class, _ := v.decider.Current(); class == decide.Unknown {
		e.Unknown = true
	} else {
		e.Label = v.labels[class]
	}
	if v.told && e.Label == v.label && e.Unknown == v.unknown {
		return // other labels, the same word
	}
	v.told, v.label, v.unknown = true, e.Label, e.Unknown
	v.task.decided(e)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
