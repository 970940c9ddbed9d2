package export

import (
	"fmt"

	"github.com/edge-adapt/edge/tflite/file"
)

// FrigateSide is the width and height of what Frigate's custom classification
// (0.17) feeds: its crop of a camera's picture, stretched, as bytes. It reads a
// byte a class back, and divides them by their sum.
const FrigateSide = 224

// The names under which Frigate looks for a model's files, in
// model_cache/NAME/ of its configuration folder.
const (
	FrigateModelName  = "model.tflite"
	FrigateLabelsName = "labelmap.txt"
)

// maxFrigateClasses is how many classes a byte each tells apart: with more, all
// scores may round to 0, and Frigate would divide by their sum.
const maxFrigateClasses = 256

// Frigate returns the classifier as Frigate's custom classification has it:
// pictures of 224x224 in, uint8, and uint8 scores out, 255 for certain. What the
// base is, float or quantised, stays inside, and so does resampling to its size.
// Labels go into a file of their own, LabelLines, and stand behind the model too.
// The same classifier gives the same bytes.
func (c *Classifier) Frigate() ([]byte, error) {
	data, err := c.frigate()
	if err != nil {
		return nil, fmt.Errorf("export for Frigate: %w", err)
	}
	return data, nil
}

func (c *Classifier) frigate() ([]byte, error) {
	if n := len(c.Labels); n < 2 || n > maxFrigateClasses {
		return nil, fmt.Errorf("%d classes: a byte a class allows 2 to %d", n, maxFrigateClasses)
	}
	m, err := c.Model()
	if err != nil {
		return nil, err
	}
	front, err := c.front(FrigateSide, FrigateSide)
	if err != nil {
		return nil, err
	}
	if m, err = behind(front, m); err != nil {
		return nil, err
	}
	description := m.Description
	scores := &m.Main().Tensors[m.Main().Outputs[0]]
	s := newSteps("scores", like(scores, ScoresName))
	s.then(file.OpQuantize, 1, nil, bytes(ScoresName, file.UInt8, scores.Shape, 1.0/256, 0))
	if m, err = file.Merge(m, s.model()); err != nil {
		return nil, err
	}
	m.Description = description
	return c.finish(m)
}
