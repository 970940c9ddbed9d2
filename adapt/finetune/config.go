package finetune

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
)

// Config says what Run fine-tunes, and how.
type Config struct {
	Tasks  []Task // at least one; they share the base and get a head each
	Base   Base
	Recipe Recipe
	Engine Engine

	// ValFraction is the part of each class that is held back where a folder has
	// no val folder, chosen by the recipe's seed. Zero: a fifth.
	ValFraction float64
	// Calibrate is a folder of pictures that stand for what the base was trained
	// on, at any depth and without labels: with BatchNorm Batch, normalisation
	// starts from the statistics on them. "": the training pictures.
	Calibrate string

	// Checkpoints is the folder that holds the states of the run; it is made.
	Checkpoints string
	Resume      bool // go on from the last of them, if there is one

	Threads int    // of TensorFlow; zero: one a processor
	Scratch string // folder of what is too much for memory; "": the system's

	Progress func(Progress) // nil: nobody asks; called from the goroutine that called Run
	// Epoch is told every epoch of both phases in their order, those that a
	// checkpoint brings along too; nil: nobody asks. Its error ends the run.
	Epoch func(Epoch) error
	Warn  func(error) // what went wrong without ending the run; nil: nobody asks
}

// Task is one classification problem.
type Task struct {
	Name string
	Dir  string // a folder of images as adapt.List wants it
}

// Base is the parent: the base that is fine-tuned.
type Base struct {
	Data      []byte // of its .tflite file, not changed
	Digest    digest.Digest
	Extractor adapt.Extractor // runs it, with the recipe's Preprocessing; its cache, if any, is told new features
}

// Progress is one step of Run.
type Progress struct {
	Stage Stage
	Task  string // in StageFeatures and StageHead: which of several tasks
	Done  int
	Total int // zero when nobody knows it yet

	// Epoch is the last finished one, with its measures; nil before.
	Epoch *Epoch
}

// Stage names a part of Run.
type Stage string

// The stages in the order of their running.
const (
	StageFeatures   Stage = "features"   // images are read and go through the base
	StageHead       Stage = "head"       // phase 1, in epochs
	StagePictures   Stage = "pictures"   // training pictures are read again, to be augmented
	StageStatistics Stage = "statistics" // of the normalisation layers
	StageTop        Stage = "top"        // phase 2, in steps of all epochs
)

func (c *Config) validate() error {
	if err := c.Recipe.Validate(); err != nil {
		return err
	}
	if len(c.Tasks) == 0 {
		return fmt.Errorf("no task to fine-tune for")
	}
	if p := c.Base.Extractor.Preprocessing; c.Recipe.Preprocessing(p) != p {
		return fmt.Errorf("the recipe resizes by %s, the base's extractor by %s", c.Recipe.Resize, p.Resize)
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Epoch == nil {
		c.Epoch = func(Epoch) error { return nil }
	}
	if c.Warn == nil {
		c.Warn = func(error) {}
	}
	return nil
}
