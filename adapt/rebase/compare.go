package rebase

import (
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
)

// Guess is what a head says of one image.
type Guess struct {
	Label string  `json:"label"`
	Score float32 `json:"score"` // of that label, 0 to 1
}

// Flip is a held-out image that the two heads do not agree about.
type Flip struct {
	Path   string `json:"path"` // relative to the dataset's folder
	True   string `json:"true"` // its label
	Before Guess  `json:"before"`
	After  Guess  `json:"after"`
}

// Lost reports whether the image was right before and is no more.
func (f Flip) Lost() bool { return f.Before.Label == f.True }

// Gained reports whether the image is right, and was not before.
func (f Flip) Gained() bool { return f.After.Label == f.True }

// comparing are two heads with their classes' places in each other.
type comparing struct {
	before InUse
	after  *head.Head
	labels []string // of after
	place  []int    // of labels in before.Labels; -1: not there
	// among are the classes of after that an image may be taken for: all but those
	// that the device has taught itself since, which say nothing about the base.
	among    []int
	data     *adapt.Dataset
	features *adapt.Features // on the new base
}

// compare asks both heads about the held-out images of the classes that both
// know and whose features are there on both bases. It fills in Before, After,
// Compared, Unknown and Flipped.
func (o *Outcome) compare(c comparing) comparison {
	var result comparison
	every := make([]int, len(c.before.Labels))
	for class := range every {
		every[class] = class
	}
	before, after := adapt.Set{F: c.before.Head.Features}, adapt.Set{F: c.after.Features}
	scoreBefore, scoreAfter := c.before.Head.Scorer(), c.after.Scorer()
	for _, s := range c.data.Samples {
		if s.Split == adapt.SplitTrain {
			continue
		}
		var x []float32
		if c.before.Features != nil {
			x = c.before.Features.Row(s.Digest)
		}
		y, at := c.features.Row(s.Digest), c.place[s.Label]
		if at < 0 || x == nil || y == nil || !finite(x) {
			o.Unknown++
			continue
		}
		add(&before, x, at)
		add(&after, y, s.Label)
		p, q := scoreBefore(x), scoreAfter(y)
		was, wasScore := adapt.Top(p)
		is, isScore := top(q, c.among)
		result.images++
		result.lossBefore += crossEntropy(p, every, at)
		result.lossAfter += crossEntropy(q, c.among, s.Label)
		if was == at {
			result.before++
		}
		if is == s.Label {
			result.after++
		}
		if name := c.name(was); name != c.labels[is] {
			o.Flipped = append(o.Flipped, Flip{s.Path, c.labels[s.Label], Guess{name, wasScore}, Guess{c.labels[is], isScore}})
		}
	}
	if result.images > 0 {
		result.lossBefore /= float64(result.images)
		result.lossAfter /= float64(result.images)
	}
	o.Compared = result.images
	o.Before = adapt.Evaluate(c.before.Head, before, c.before.Labels)
	o.After = adapt.Evaluate(c.after, after, c.labels)
	return result
}

// top is the class with the highest score among some, and its score; the first
// of equal ones.
func top(scores []float32, among []int) (class int, score float32) {
	class = among[0]
	for _, c := range among[1:] {
		if scores[c] > scores[class] {
			class = c
		}
	}
	return class, scores[class]
}

// name is what the new head calls a class of the head in use, its own name where
// the new one does not know it.
func (c comparing) name(class int) string {
	if at := slices.Index(c.place, class); at >= 0 {
		return c.labels[at]
	}
	return c.before.Labels[class]
}
