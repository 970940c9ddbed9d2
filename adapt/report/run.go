// Package report shows what a training run did: on the terminal (Text), in one
// HTML file (HTML), and as one JSON object (the encoding of Run). All three
// show the same Run.
package report

import (
	"encoding/json"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
)

// Run is everything shown about one training run. Its JSON is the object that
// `edge adapt --json` prints.
//
// Accuracies go from 0 to 1. Labels are in the order of the head's classes, and
// so are the rows and columns of every confusion matrix.
type Run struct {
	Task       string        `json:"task"`
	Generation int           `json:"generation"` // 0: not stored, or not yet numbered
	Base       Base          `json:"base"`
	Labels     []string      `json:"labels"`
	Images     adapt.Images  `json:"images"`
	History    []adapt.Epoch `json:"history"`

	// Train, Val and Test measure the stored head, without dropout. Val has no
	// images when nothing was held back; Test is nil when there was no test folder.
	Train adapt.Measures  `json:"train"`
	Val   adapt.Measures  `json:"val"`
	Test  *adapt.Measures `json:"test,omitempty"`

	Seconds    adapt.Seconds `json:"seconds"`
	PeakRSSMiB float64       `json:"peak_rss_mib"` // largest resident memory of the process
	Report     string        `json:"report"`       // path of report.html, empty when none was written

	Path      string          `json:"path,omitempty"`       // folder of the generation
	Created   time.Time       `json:"created,omitzero"`     // when the run ended
	Version   string          `json:"version,omitempty"`    // of edge
	Recipe    json.RawMessage `json:"recipe,omitempty"`     // the training's settings, an object
	BestEpoch int             `json:"best_epoch,omitempty"` // whose weights were kept, from 1; 0: unknown
	Cache     *Cache          `json:"cache,omitempty"`      // nil: no feature cache in use
	Verdict   Verdict         `json:"verdict"`              // from Judge

	Calibration *Calibration `json:"calibration,omitempty"` // nil: the head was not calibrated
	Rebase      *Rebase      `json:"rebase,omitempty"`      // nil: the head was not compared with another base's

	Skipped    []adapt.Skip      `json:"skipped,omitempty"`
	Duplicates []adapt.Duplicate `json:"duplicates,omitempty"`
	Conflicts  []adapt.Conflict  `json:"conflicts,omitempty"`
	Warnings   []string          `json:"warnings,omitempty"`
}

// Base names the base a head was trained on.
type Base struct {
	Name   string        `json:"name"`
	Digest digest.Digest `json:"digest"`
}

// Cache counts the images whose features were on disk already, and the others.
type Cache struct {
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
}

// Calibration is what was fitted on the validation images after the training.
type Calibration struct {
	Temperature float64 `json:"temperature"`    // by which logits are divided; 1: scores are the head's own
	Unknown     bool    `json:"unknown"`        // whether pictures of none of the classes are told
	Note        string  `json:"note,omitempty"` // why not
}

// NewRun returns what a result tells of a run, judged. The caller adds what it
// knows besides: task, generation, base, recipe, paths, memory and warnings. The
// run shares the result's slices.
func NewRun(r *adapt.Result) *Run {
	run := &Run{
		Labels:     r.Dataset.Labels,
		Images:     r.Dataset.Images(),
		History:    r.History,
		Train:      r.Train,
		Val:        r.Val,
		Test:       r.Test,
		Seconds:    r.Seconds,
		BestEpoch:  r.Best,
		Verdict:    Judge(r.Train, r.Val, r.Test),
		Skipped:    r.Dataset.Skipped,
		Duplicates: r.Dataset.Duplicates,
		Conflicts:  r.Dataset.Conflicts,
	}
	if r.Features != nil {
		run.Cache = &Cache{Hits: r.Features.Hits, Misses: r.Features.Computed}
	}
	return run
}

// verdict returns the run's verdict, or a fresh one when nobody has set it.
func (r *Run) verdict() Verdict {
	if r.Verdict.Fit == "" {
		return Judge(r.Train, r.Val, r.Test)
	}
	return r.Verdict
}

// measured is a set of images with its measures and the name it is shown under.
type measured struct {
	Name string // "validation" or "test"
	adapt.Measures
}

// heldOut returns the measures on images that training did not see, the more
// telling ones first: the best epoch is chosen on the validation images, so
// those flatter it.
func (r *Run) heldOut() []measured {
	var out []measured
	if r.Test != nil && r.Test.Images > 0 {
		out = append(out, measured{"test", *r.Test})
	}
	if r.Val.Images > 0 {
		out = append(out, measured{"validation", r.Val})
	}
	return out
}
