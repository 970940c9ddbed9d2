package runtime

import (
	"time"

	"github.com/edge-adapt/edge/runtime/decide"
	"github.com/edge-adapt/edge/runtime/probation"
)

// TaskConfig says what a task watches and how. Two configurations that are ==
// ask for the same.
type TaskConfig struct {
	// Name is the task's name in the store.
	Name string
	// Source is the URI of what the task watches. Zero: nothing, the task answers
	// calls alone. Tasks with equal URIs share one camera.
	Source string
	// Crop is the part of the picture that the task looks at. Zero: all of it.
	Crop Crop
	// Interval lets one frame through in each interval of that length. Zero:
	// every frame. Sources that are not live are never thinned.
	Interval time.Duration
	// Motion lets frames through while the picture moves, and a few more until
	// the decision has settled: the mean absolute difference, 0 to 1, from the
	// last picture let through, measured on a small grey copy of the crop.
	// Zero: every frame; 0.02 suits most cameras.
	Motion float64
	// Decide says when a change is a change.
	Decide decide.Options
	// Heartbeat is how long a task may be silent: then an event repeats what
	// holds. Zero: events come on change alone.
	Heartbeat time.Duration

	// Samples is the folder of the task's labelled images. Zero: none.
	Samples string
	// AdaptOnChange adapts when Samples has changed and has then been still for
	// Debounce. Zero: only when asked.
	AdaptOnChange bool
	// Debounce is how long Samples must be still. Zero: 10 s.
	Debounce time.Duration

	// Probation says how a new generation is watched.
	Probation probation.Options
	// Shadow has new generations, which were committed and not activated, run
	// beside the active one until one of the two is activated. Zero: they wait
	// unseen.
	Shadow bool
}

// Crop is a part of a picture, in fractions of its width and height from the
// upper left corner. The zero Crop is the whole picture.
type Crop struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}
