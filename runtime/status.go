package runtime

import (
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/runtime/probation"
)

// TaskStatus is everything there is to show of a task, at one moment. It shares
// no memory with the Runtime.
type TaskStatus struct {
	Task    string `json:"task"`
	Serving bool   `json:"serving"`
	Model   *Model `json:"model,omitempty"` // nil unless Serving
	// Problem is why no generation serves, or why the one that should was not
	// taken. It is nil when all is well.
	Problem *Problem `json:"problem,omitempty"`

	Source   *SourceStatus   `json:"source,omitempty"`   // nil without a source
	Decision *DecisionStatus `json:"decision,omitempty"` // nil before the first
	Counts   Counts          `json:"counts"`
	// Rate is how many images a second were classified, of cameras and callers,
	// over the last ten seconds.
	Rate float64 `json:"rate"`
	// Timings are over the last 512 images at most.
	Timings Timings `json:"timings"`

	Probation *WatchStatus `json:"probation,omitempty"` // nil when the generation is not under watch
	Shadow    *WatchStatus `json:"shadow,omitempty"`    // nil without one
	Adapting  *AdaptStatus `json:"adapting,omitempty"`  // nil when none runs
	LastEvent *Event       `json:"last_event,omitempty"`
}

// Problem is something that went wrong and has not been put right.
type Problem struct {
	Message    string    `json:"message"`
	Hint       string    `json:"hint,omitempty"`
	Generation int       `json:"generation,omitempty"` // that it is about; 0: none
	Since      time.Time `json:"since"`
}

// SourceStatus is how a source fares.
type SourceStatus struct {
	URI string `json:"uri"` // without credentials
	camera.Stats
}

// DecisionStatus is what a task sees.
type DecisionStatus struct {
	Label   string    `json:"label"` // "" while Unknown
	Unknown bool      `json:"unknown"`
	Since   time.Time `json:"since"`
	Score   float32   `json:"score"` // of the last frame with that label
}

// Counts are sums since the task was added to the Runtime.
type Counts struct {
	Frames          uint64 `json:"frames"`           // camera frames that were classified
	SkippedInterval uint64 `json:"skipped_interval"` // camera frames that came too early
	SkippedStill    uint64 `json:"skipped_still"`    // camera frames without motion
	Failed          uint64 `json:"failed"`           // camera frames that could not be classified
	Images          uint64 `json:"images"`           // images of callers that were classified
	ImagesFailed    uint64 `json:"images_failed"`    // images of callers that could not be
	Events          uint64 `json:"events"`
}

// Timings are quantiles in milliseconds.
type Timings struct {
	Latency    Quantiles `json:"latency"` // from capture to decision; camera frames alone
	Preprocess Quantiles `json:"preprocess"`
	Base       Quantiles `json:"base"`
	Head       Quantiles `json:"head"`
}

// Quantiles describe a set of durations in milliseconds; of none they are 0.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// WatchStatus is how a generation under watch fares: the active one on
// probation, or another one in the shadow.
type WatchStatus struct {
	Generation int `json:"generation"`
	probation.Stats
}

// AdaptStatus is how far an adaptation is.
type AdaptStatus struct {
	Since time.Time `json:"since"`
	Stage string    `json:"stage,omitempty"`
	Done  int       `json:"done"`
	Total int       `json:"total,omitempty"` // 0: not known
}

// Status returns everything there is to show.
func (t *Task) Status() TaskStatus {
	now := time.Now()
	s := TaskStatus{Task: t.name, Rate: t.recent.rate(now), Timings: t.recent.timings(), Counts: t.counts.read()}
	if m, err := t.Model(); err == nil {
		s.Serving, s.Model = true, &m
	}
	s.Probation, s.Shadow = t.judging.status(now)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Problem, s.Decision = clone(t.problem), clone(t.decision)
	s.Adapting, s.LastEvent = clone(t.adapting), clone(t.lastEvent)
	if uri := t.Config().Source; uri != "" {
		s.Source = &SourceStatus{URI: camera.Redact(uri), Stats: camera.Stats{State: camera.Ended}}
		if t.pipeline != nil {
			s.Source.Stats = t.pipeline.feed.Stats()
		}
	}
	return s
}

// clone returns a copy of what p points to, nil of nil.
func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func (c *counts) read() Counts {
	return Counts{
		Frames: c.frames.Load(), SkippedInterval: c.skippedInterval.Load(), SkippedStill: c.skippedStill.Load(), Failed: c.failed.Load(),
		Images: c.images.Load(), ImagesFailed: c.imagesFailed.Load(), Events: c.events.Load(),
	}
}
