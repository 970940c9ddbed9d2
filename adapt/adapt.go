// Package adapt trains the head of a classifier on a folder of labelled images.
//
// The way is one: List the dataset, Extract its features through the frozen
// base, Settle what is used for what, Train the head, Evaluate it. Run walks
// it. Nothing here writes to a store or knows TensorFlow Lite: the base is an
// interface of one method.
package adapt

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/adapt/head"
)

// Config says what Run adapts, and how.
type Config struct {
	Dir       string
	Extractor Extractor
	Split     SplitOptions
	Recipe    TrainConfig

	// Progress is told how far a stage is; nil means nobody asks. It is called
	// from the goroutine that called Run.
	Progress func(Progress)
	// Warn is told what went wrong without ending the run; nil means nobody asks.
	Warn func(error)
}

// Stage names a part of Run.
type Stage string

// The stages in the order of their running.
const (
	StageFeatures Stage = "features"
	StageTrain    Stage = "train"
)

// Progress is one step of a stage.
type Progress struct {
	Stage Stage
	Done  int
	Total int    // zero when nobody knows it yet
	Epoch *Epoch // the epoch just finished, in StageTrain
}

// Result is what Run made of a folder of images.
type Result struct {
	Dataset  *Dataset
	Features *Features
	Head     *head.Head
	History  []Epoch
	Best     int       // the epoch whose head this is, from 1
	Train    Measures  // of the final head, without dropout
	Val      Measures  // the same on the images held back
	Test     *Measures // nil when the folder has no test images
	Mistakes []Mistake // the images of val and test that the final head gets wrong
	Seconds  Seconds
}

// Mistake is an image that the head gets wrong.
type Mistake struct {
	Sample    Sample
	Predicted int
	Score     float32 // of the predicted class
}

// Seconds is where the time of a run went.
type Seconds struct {
	Total    float64 `json:"total"`
	Features float64 `json:"features"` // reading, decoding, the base, the cache
	Train    float64 `json:"train"`
}

// Run adapts a head to the images of a folder.
//
// Its errors are those of the folder (what to change is in the hint), of the
// base, of the recipe, and the context's. The same folder, base, recipe and
// seed give the same head to the byte.
func Run(ctx context.Context, c Config) (*Result, error) {
	start := time.Now()
	if err := c.Recipe.Validate(); err != nil {
		return nil, err
	}
	d, err := List(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	if err := d.Check(); err != nil { // before the hours that reading may take
		return nil, err
	}
	r := &Result{Dataset: d}
	tell := c.Progress
	if tell == nil {
		tell = func(Progress) {}
	}
	r.Features, err = c.Extractor.Extract(ctx, d, func(done, total int) {
		tell(Progress{Stage: StageFeatures, Done: done, Total: total})
	}, c.Warn)
	if err != nil {
		return nil, err
	}
	if err := d.Settle(c.Split); err != nil {
		return nil, err
	}
	r.Seconds.Features = time.Since(start).Seconds()

	trainStart := time.Now()
	r.Head, r.History, err = Train(ctx, c.Recipe, len(d.Labels), r.set(SplitTrain), r.set(SplitVal), func(e Epoch) {
		tell(Progress{Stage: StageTrain, Done: e.Epoch, Total: c.Recipe.Epochs, Epoch: &e})
	})
	if err != nil {
		return nil, fmt.Errorf("train the head: %w", err)
	}
	r.Seconds.Train = time.Since(trainStart).Seconds()
	r.Measure(c.Recipe)
	r.Seconds.Total = time.Since(start).Seconds()
	return r, nil
}

// Measure fills in what the result's head, which was trained by the recipe with
// that history, comes to on the images of its dataset: Best, the measures and the
// mistakes.
func (r *Result) Measure(recipe TrainConfig) {
	r.Best = bestEpoch(recipe, r.History)
	labels := r.Dataset.Labels
	r.Train = Evaluate(r.Head, r.set(SplitTrain), labels)
	r.Val = Evaluate(r.Head, r.set(SplitVal), labels)
	r.Test = nil
	if test := r.set(SplitTest); len(test.Labels) > 0 {
		m := Evaluate(r.Head, test, labels)
		r.Test = &m
	}
	r.Mistakes = r.mistakes()
}

// set gathers the features of one split, in the order of the samples.
func (r *Result) set(split Split) Set {
	return r.Dataset.Set(r.Features, func(s Sample) bool { return s.Split == split })
}

// Set gathers the features and labels of the samples that want chooses, in
// their order. It copies.
func (d *Dataset) Set(f *Features, want func(Sample) bool) Set {
	var s Set
	for _, sample := range d.Samples {
		if !want(sample) {
			continue
		}
		row := f.Row(sample.Digest)
		s.F = len(row)
		s.Features = append(s.Features, row...)
		s.Labels = append(s.Labels, int32(sample.Label))
	}
	return s
}

// mistakes scores the images that the head did not learn from.
func (r *Result) mistakes() []Mistake {
	var wrong []Mistake
	scorer := r.Head.Scorer()
	for _, s := range r.Dataset.Samples {
		if s.Split == SplitTrain {
			continue
		}
		label, score := Top(scorer(r.Features.Row(s.Digest)))
		if label != s.Label {
			wrong = append(wrong, Mistake{s, label, score})
		}
	}
	return wrong
}

// bestEpoch returns the epoch whose head Train kept, 0 without any.
func bestEpoch(c TrainConfig, history []Epoch) int {
	if len(history) == 0 {
		return 0
	}
	best := history[len(history)-1]
	if c.Patience > 0 {
		best = history[0]
		for _, e := range history {
			if Better(e, best) {
				best = e
			}
		}
	}
	return best.Epoch
}

// Top returns the class with the largest score, the first one among equals.
func Top(scores []float32) (class int, score float32) {
	for i, s := range scores {
		if i == 0 || s > score {
			class, score = i, s
		}
	}
	return class, score
}
