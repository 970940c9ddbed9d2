package finetune

import (
	"context"
	"slices"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
)

// taskData is a task with its images.
type taskData struct {
	Task
	dataset  *adapt.Dataset
	features *adapt.Features

	train, val examples
}

// examples are images of one split, in the order of the dataset.
type examples struct {
	images []digest.Digest
	paths  []string
	labels []int
}

func (e examples) len() int { return len(e.images) }

// read lists and reads the images of all tasks, keeps their features and
// frontiers, and settles what is used for what.
func (r *run) read(ctx context.Context) error {
	for _, t := range r.Tasks { // before the hours that reading may take
		d, err := adapt.List(ctx, t.Dir)
		if err != nil {
			return err
		}
		if err := d.Check(); err != nil {
			return err
		}
		r.data = append(r.data, &taskData{Task: t, dataset: d})
	}
	start := time.Now()
	for _, t := range r.data {
		recorder := newRecorder(r.Base.Extractor, r.prefix, r.frontiers, r.kept, r.Warn)
		extractor := r.Base.Extractor
		extractor.Base, extractor.Cache = recorder, recorder
		var err error
		t.features, err = extractor.Extract(ctx, t.dataset, func(done, total int) {
			r.Progress(Progress{Stage: StageFeatures, Task: t.Name, Done: done, Total: total})
		}, nil)
		if err == nil {
			err = recorder.err
		}
		if err != nil {
			return err
		}
		r.seconds.Prefix += recorder.seconds
		if err := t.dataset.Settle(adapt.SplitOptions{Seed: r.Recipe.Seed, ValFraction: r.ValFraction}); err != nil {
			return err
		}
		t.train, t.val = t.examples(adapt.SplitTrain), t.examples(adapt.SplitVal)
	}
	r.seconds.Features = time.Since(start).Seconds() - r.seconds.Prefix
	return nil
}

func (t *taskData) examples(split adapt.Split) (e examples) {
	for _, s := range t.dataset.Samples {
		if s.Split == split {
			e.images = append(e.images, s.Digest)
			e.paths = append(e.paths, s.Path)
			e.labels = append(e.labels, s.Label)
		}
	}
	return e
}

// measured puts a head and what it does on a settled dataset into the form of
// adapt's results.
func measured(d *adapt.Dataset, f *adapt.Features, h *head.Head, history []adapt.Epoch, best int) *adapt.Result {
	r := &adapt.Result{Dataset: d, Features: f, Head: h, History: history, Best: best}
	measure := func(split adapt.Split) adapt.Measures {
		return adapt.Evaluate(h, d.Set(f, func(s adapt.Sample) bool { return s.Split == split }), d.Labels)
	}
	r.Train, r.Val = measure(adapt.SplitTrain), measure(adapt.SplitVal)
	if d.Count(adapt.SplitTest) > 0 {
		m := measure(adapt.SplitTest)
		r.Test = &m
	}
	scorer := h.Scorer()
	for _, s := range d.Samples {
		if s.Split == adapt.SplitTrain {
			continue
		}
		if label, score := adapt.Top(scorer(f.Row(s.Digest))); label != s.Label {
			r.Mistakes = append(r.Mistakes, adapt.Mistake{Sample: s, Predicted: label, Score: score})
		}
	}
	return r
}

// copied returns the dataset with samples of its own, so that reading it again
// leaves the first as it is.
func copied(d *adapt.Dataset) *adapt.Dataset {
	c := *d
	c.Samples = slices.Clone(d.Samples)
	return &c
}

// of returns the images of some rows.
func (e examples) of(rows []int) []digest.Digest {
	images := make([]digest.Digest, len(rows))
	for i, row := range rows {
		images[i] = e.images[row]
	}
	return images
}
