package main

import (
	"context"
	"fmt"

	"github.com/edge-adapt/edge/adapt"
)

// unknownAnswer stands for a picture of none of the classes, as classify prints it.
const unknownAnswer = "unknown"

// flips is how the answers of two generations to the same images differ.
type flips struct {
	Dir     string       `json:"dir"`
	Images  int          `json:"images"`
	Before  float64      `json:"before"` // share of the images answered with their folder's name, 0 to 1
	After   float64      `json:"after"`
	Better  int          `json:"better"` // wrong before, right after
	Worse   int          `json:"worse"`
	Flipped []flip       `json:"flipped"` // in the order of the images
	Skipped []adapt.Skip `json:"skipped,omitempty"`
}

// flip is an image whose answer changes.
type flip struct {
	Image  string `json:"image"` // relative to the folder
	Label  string `json:"label"` // of its folder
	Before ranked `json:"before"`
	After  ranked `json:"after"`
	Right  string `json:"right"` // before, after or neither
}

// flips classifies the images of dir with both generations.
func (a *app) flips(ctx context.Context, from, to int, dir string, f baseFlags) (*flips, error) {
	d, err := adapt.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	before, err := a.answers(ctx, from, d, f)
	if err != nil {
		return nil, err
	}
	after, err := a.answers(ctx, to, d, f)
	if err != nil {
		return nil, err
	}
	d.Prune()
	r := &flips{Dir: dir, Images: len(d.Samples), Flipped: []flip{}, Skipped: d.Skipped}
	var right [2]int
	for _, s := range d.Samples {
		one := flip{Image: s.Path, Label: d.Labels[s.Label], Before: before(s), After: after(s), Right: "neither"}
		if one.Before.Label == one.Label {
			right[0]++
			one.Right = "before"
		}
		if one.After.Label == one.Label {
			right[1]++
			one.Right = "after"
		}
		if one.Before.Label == one.After.Label {
			continue
		}
		switch one.Right {
		case "after":
			r.Better++
		case "before":
			r.Worse++
		}
		r.Flipped = append(r.Flipped, one)
	}
	if r.Images > 0 {
		r.Before = float64(right[0]) / float64(r.Images)
		r.After = float64(right[1]) / float64(r.Images)
	}
	return r, nil
}

// answers runs the images of d through a generation's base, and returns what its
// head says of each that could be read.
func (a *app) answers(ctx context.Context, number int, d *adapt.Dataset, f baseFlags) (func(adapt.Sample) ranked, error) {
	c, err := a.openClassifier(ctx, number, f)
	if err != nil {
		return nil, err
	}
	defer c.close() // the answers need the head alone
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	stage := fmt.Sprintf("generation %d", number)
	extractor := c.base.Extractor()
	features, err := extractor.Extract(ctx, d, func(done, total int) {
		bar.update(stage, stage, done, total)
	}, a.goOnWithout)
	if err != nil {
		return nil, err
	}
	return func(s adapt.Sample) ranked { return c.answer(features.Row(s.Digest)) }, nil
}

// answer is the likeliest label of features, or unknown, as classify has it. The
// base is not asked.
func (c *classifier) answer(features []float32) ranked {
	c.head.Scores(c.scores, features, c.scratch)
	copy(c.calibrated, c.scores)
	c.calibration.Apply(c.calibrated)
	_, unknown := c.calibration.Unknown(features, c.scratch[:c.head.Hidden])
	top, score := adapt.Top(c.calibrated)
	if unknown {
		return ranked{unknownAnswer, score}
	}
	return ranked{c.generation.Labels[top], score}
}

func (a *app) printFlips(d difference) error {
	s := d.Samples
	for _, skip := range s.Skipped {
		a.warn("skipped %s: %s", skip.Path, skip.Reason)
	}
	if len(s.Flipped) > 0 {
		t := newTable("image", fmt.Sprintf("generation %d", d.From), fmt.Sprintf("generation %d", d.To), "right")
		for _, f := range s.Flipped {
			right := map[string]any{"before": d.From, "after": d.To}[f.Right]
			if right == nil {
				right = f.Right
			}
			t.AppendRow([]any{f.Image, fmt.Sprintf("%s %.3f", f.Before.Label, f.Before.Score), fmt.Sprintf("%s %.3f", f.After.Label, f.After.Score), right})
		}
		if _, err := fmt.Fprintf(a.stdout, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.stdout, "\n%d of %d images flip: %d better, %d worse; right before %.1f %%, after %.1f %%\n",
		len(s.Flipped), s.Images, s.Better, s.Worse, 100*s.Before, 100*s.After)
	return err
}
