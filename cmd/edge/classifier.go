package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
)

// classifier is a stored generation that runs.
type classifier struct {
	generation  models.Generation
	base        *device.Base
	head        *head.Head
	calibration *calibrate.Calibration // nil: scores are the head's own, nothing is unknown

	pixels     []float32
	features   []float32
	scores     []float32 // the head's own
	calibrated []float32
	scratch    []float32
}

// openClassifier opens a generation of the task; number zero means the one in
// use.
func (a *app) openClassifier(ctx context.Context, number int, f baseFlags) (*classifier, error) {
	store, err := a.openStore()
	if err != nil {
		return nil, err
	}
	var g models.Generation
	if number == 0 {
		g, err = store.Current(a.task)
	} else {
		g, err = store.Generation(a.task, number)
	}
	if errors.Is(err, models.ErrNotFound) && number == 0 {
		return nil, device.InputError{Err: hint.Wrap(err, "train one first: edge adapt --dir DIR --task "+a.task)}
	}
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	// Native code reads the files next: they must be what was once tried.
	if err := g.Verify(ctx); err != nil {
		return nil, device.InputOr(err)
	}
	data, err := os.ReadFile(g.HeadPath())
	if err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, device.InputError{Err: fmt.Errorf("head of generation %d: %w", g.Generation, err)}
	}
	calibration, err := readCalibration(g, h)
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	m := g.Manifest
	b, err := a.runBase(ctx, base.Source{
		Name: m.Base.Name, Digest: m.Base.Digest, Path: g.BasePath(),
		Preprocessing: m.Preprocessing, Features: m.Features,
	}, f)
	if err != nil {
		return nil, err
	}
	if b.Features() != h.Features || h.Classes != len(m.Labels) {
		b.Close()
		return nil, device.InputError{Err: fmt.Errorf("generation %d does not fit together: base gives %d features, head takes %d and knows %d classes of %d labels",
			g.Generation, b.Features(), h.Features, h.Classes, len(m.Labels))}
	}
	return &classifier{
		generation: g, base: b, head: h, calibration: calibration,
		pixels:     make([]float32, m.Preprocessing.Len()),
		features:   make([]float32, h.Features),
		scores:     make([]float32, h.Classes),
		calibrated: make([]float32, h.Classes),
		scratch:    make([]float32, h.Scratch()),
	}, nil
}

// readCalibration returns the generation's calibration; older ones have none.
func readCalibration(g models.Generation, h *head.Head) (*calibrate.Calibration, error) {
	if _, ok := g.File(calibrate.FileName); !ok {
		return nil, nil
	}
	of, _ := g.File(models.HeadName)
	c, err := calibrate.Read(g.Path(calibrate.FileName), g.Base.Digest, of.Digest, h)
	if err != nil {
		return nil, fmt.Errorf("generation %d: %w", g.Generation, err)
	}
	return c, nil
}

func (c *classifier) close() { c.base.Close() }

// ranked is one class with its probability.
type ranked struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

// classify returns all classes of the picture, the likeliest first, and its
// distance to them; 0 if the generation does not know of unknowns.
func (c *classifier) classify(data []byte) (top []ranked, distance float32, err error) {
	if err := c.base.Source.Preprocessing.Read(c.pixels, data, pixel.Limits{}); err != nil {
		return nil, 0, err
	}
	scores, err := c.scoresOfPixels()
	if err != nil {
		return nil, 0, err
	}
	distance, _ = c.calibration.Unknown(c.features, c.scratch[:c.head.Hidden])
	top = make([]ranked, len(scores))
	for i, s := range scores {
		top[i] = ranked{c.generation.Labels[i], s}
	}
	slices.SortStableFunc(top, func(a, b ranked) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return top, distance, nil
}

// scoresOf returns the scores of a picture, calibrated if the classifier is; they
// are valid until the next call.
func (c *classifier) scoresOf(image *pixel.RGB) ([]float32, error) {
	if err := c.base.Source.Preprocessing.Apply(c.pixels, image); err != nil {
		return nil, err
	}
	return c.scoresOfPixels()
}

// scoresOfPixels does the same for a picture that is in c.pixels already.
func (c *classifier) scoresOfPixels() ([]float32, error) {
	if err := c.base.Embed(c.features, c.pixels); err != nil {
		return nil, err
	}
	c.head.Scores(c.scores, c.features, c.scratch)
	copy(c.calibrated, c.scores)
	c.calibration.Apply(c.calibrated)
	for _, s := range c.calibrated {
		if s != s {
			return nil, errors.New("the base or the head gives what is no number")
		}
	}
	return c.calibrated, nil
}

// readImage reads a picture file, or standard input for "-".
func (a *app) readImage(path string) ([]byte, error) {
	if path == "-" {
		return pixel.ReadAll(a.stdin, pixel.Limits{})
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, errors.New("a folder, not an image")
	}
	return pixel.ReadFile(path, pixel.Limits{})
}
