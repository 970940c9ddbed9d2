package finetune

import (
	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
)

// Tuned is what Run made. It holds pictures on the disk until Close.
type Tuned struct {
	Base  []byte // the .tflite file with the trained constants in place of the parent's
	Tasks []TunedTask

	Network   *network.Network
	Selection network.Selection

	Phases  [2]Phase
	History []Epoch // of both phases
	Best    int     // the epoch whose state this is; that of phase 1's last where phase 2 brought nothing
	Resumed int     // epochs of phase 2 that a checkpoint had brought; zero: none
	Seconds Seconds

	kept *kept // for Measure and Quantise
}

// Close gives the pictures' space on the disk back; what is measured later is
// decoded again. It may be called several times.
func (t *Tuned) Close() { t.kept.close() }

// TunedTask is what became of one task.
type TunedTask struct {
	Task
	Head *head.Head // over the features of Tuned.Base
	// Before is the end of phase 1: a head over the parent base, with its own
	// history, measures and mistakes, without the features, which have gone.
	Before *adapt.Result
}

// Seconds is where the time of a run went.
type Seconds struct {
	Total    float64 `json:"total"`
	Features float64 `json:"features"` // reading, decoding, the base
	Head     float64 `json:"head"`     // phase 1
	Prefix   float64 `json:"prefix"`   // the frozen layers, for phase 2
	Train    float64 `json:"train"`    // phase 2 with its validation and checkpoints
	// Augment is the time that making and preparing fresh pictures took, beside
	// the training and not in addition to it. Zero: pictures were prepared once.
	Augment float64 `json:"augment"`
	Measure float64 `json:"measure"` // of the written file
}
