package config

import (
	"time"

	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/decide"
)

// Task is one classification problem: what it watches, and how it decides.
type Task struct {
	Source     string `key:"source"`      // URI; "": the API alone
	SourceFile string `key:"source_file"` // a file with the URI, for one with a password
	Crop       Crop   `key:"crop"`

	Interval Duration `key:"interval"`
	Motion   Share    `key:"motion"`

	Threshold Share    `key:"threshold"`
	InARow    int      `key:"in_a_row"`
	Window    int      `key:"window"`
	Share     Share    `key:"share"`
	Heartbeat Duration `key:"heartbeat"`

	Samples   string    `key:"samples"` // folder
	Adapt     Adapt     `key:"adapt"`
	Shadow    bool      `key:"shadow"`
	Probation Probation `key:"probation"`
}

// Crop is a part of the picture, in shares of its width and height.
type Crop struct {
	X      Share `key:"x"`
	Y      Share `key:"y"`
	Width  Share `key:"width"`
	Height Share `key:"height"`
}

// Adapt is how the daemon trains the task's head.
type Adapt struct {
	OnChange bool     `key:"on_change"`
	Debounce Duration `key:"debounce"`
	Cores    int      `key:"cores"`
	Memory   Memory   `key:"memory"`
	Recipe   string   `key:"recipe"` // default or seed
}

// wholePicture is the crop that leaves nothing out.
var wholePicture = Crop{Width: 1, Height: 1}

// DefaultTask is a task of which only the name has been said.
func DefaultTask() Task {
	d := decide.Options{}.OrDefault()
	return Task{
		Crop:      wholePicture,
		Threshold: 0.8, // decide has it as a float32, which is no round number
		InARow:    d.InARow,
		Window:    d.Window,
		Share:     Share(d.Share),
		Heartbeat: Duration(5 * time.Minute),
		Adapt:     Adapt{Debounce: Duration(10 * time.Second), Cores: 1, Recipe: "default"},
		Probation: defaultProbation(),
	}
}

// decide is when a change is a change.
func (t Task) decide() decide.Options {
	return decide.Options{Threshold: float32(t.Threshold), InARow: t.InARow, Window: t.Window, Share: float64(t.Share)}
}

// TaskConfigs are the tasks as the runtime has them, by name.
func (c Config) TaskConfigs() []runtime.TaskConfig {
	var tasks []runtime.TaskConfig
	for _, name := range c.Names() {
		tasks = append(tasks, c.Tasks[name].config(name))
	}
	return tasks
}

func (t Task) config(name string) runtime.TaskConfig {
	tc := runtime.TaskConfig{
		Name:          name,
		Source:        t.Source,
		Interval:      t.Interval.D(),
		Motion:        float64(t.Motion),
		Decide:        t.decide(),
		Heartbeat:     t.Heartbeat.D(),
		Samples:       t.Samples,
		AdaptOnChange: t.Adapt.OnChange,
		Debounce:      t.Adapt.Debounce.D(),
		Probation:     t.Probation.config(),
		Shadow:        t.Shadow,
	}
	if t.Crop != wholePicture {
		tc.Crop = runtime.Crop{X: float64(t.Crop.X), Y: float64(t.Crop.Y), Width: float64(t.Crop.Width), Height: float64(t.Crop.Height)}
	}
	return tc
}
