// Package export gives a generation away: base, pooling, head and softmax in one
// model that runs without edge.
//
// The scores are those of `edge classify`, calibrated ones too: a temperature is
// a factor of the last layer's weights. What no model of this kind can say is
// that a picture shows none of the classes; that stays with edge.
//
// The base is taken as it is. Behind a quantised base the features are
// dequantised, and the head computes in float32, as edge does.
package export

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/tflite/file"
)

// Classifier is a generation in parts. Its methods only read it.
type Classifier struct {
	Task       string
	Generation int
	BaseName   string

	Base          *file.Model         // one input, a picture [1,H,W,3]; one output, the features
	Preprocessing pixel.Preprocessing // how a picture becomes the base's input
	Head          *head.Head          // its scores are those to be given
	Labels        []string            // in the order of the scores

	Calibrated bool // Head was divided by the generation's temperature
	Unknowns   bool // the generation knows pictures that show none of the classes
}

// Options choose what is given away.
type Options struct {
	NoCalibration bool // the head's own scores
}

// Open reads a generation, after comparing its files with their digests.
func Open(ctx context.Context, g models.Generation, o Options) (*Classifier, error) {
	if err := g.Verify(ctx); err != nil {
		return nil, err
	}
	c, err := open(g, o)
	if err != nil {
		return nil, fmt.Errorf("generation %d of task %q: %w", g.Generation, g.Task, err)
	}
	return c, nil
}

func open(g models.Generation, o Options) (*Classifier, error) {
	data, err := os.ReadFile(g.BasePath())
	if err != nil {
		return nil, err
	}
	base, err := file.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	if data, err = os.ReadFile(g.HeadPath()); err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, err
	}
	if h.Classes != len(g.Labels) || h.Features != g.Features {
		return nil, fmt.Errorf("it does not fit together: a head of %d features and %d classes, %d features of the base, %d labels",
			h.Features, h.Classes, g.Features, len(g.Labels))
	}
	c := &Classifier{
		Task: g.Task, Generation: g.Generation, BaseName: g.Base.Name,
		Base: base, Preprocessing: g.Preprocessing, Head: h, Labels: g.Labels,
	}
	if _, ok := g.File(calibrate.FileName); !ok {
		return c, nil
	}
	of, _ := g.File(models.HeadName)
	calibration, err := calibrate.Read(g.Path(calibrate.FileName), g.Base.Digest, of.Digest, h)
	if err != nil {
		return nil, err
	}
	c.Unknowns = calibration.Detects()
	if t := calibration.Temperature(); t != 1 && !o.NoCalibration {
		c.Calibrated = true
		divide(h.W2, t)
		divide(h.B2, t)
	}
	return c, nil
}

// divide computes softmax(logits/t) instead of softmax(logits), when done to the
// weights and biases of the layer that makes the logits.
func divide(values []float32, t float64) {
	for i, v := range values {
		values[i] = float32(float64(v) / t)
	}
}

// name is how the models call themselves.
func (c *Classifier) name() string { return "edge " + c.Task }

// description says in a line what is in it.
func (c *Classifier) description() string {
	return fmt.Sprintf("%d classes: generation %d of task %q on the base %s", len(c.Labels), c.Generation, c.Task, c.BaseName)
}

// input returns the base's input.
func (c *Classifier) input() (*file.Tensor, error) {
	g := c.Base.Main()
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, fmt.Errorf("the base has %d inputs and %d outputs, want one of each", len(g.Inputs), len(g.Outputs))
	}
	in, p := &g.Tensors[g.Inputs[0]], c.Preprocessing
	if len(in.Shape) != 4 || in.Shape[0] != 1 || int(in.Shape[1]) != p.Height || int(in.Shape[2]) != p.Width || in.Shape[3] != 3 {
		return nil, fmt.Errorf("the base takes pictures of shape %v, and the generation makes them %dx%d", in.Shape, p.Width, p.Height)
	}
	if in.Type != file.Float32 && in.Type != file.UInt8 && in.Type != file.Int8 {
		return nil, fmt.Errorf("the base takes %v: want float32, uint8 or int8", in.Type)
	}
	if in.Type != file.Float32 && (in.Quantisation == nil || len(in.Quantisation.Scale) != 1 || !(in.Quantisation.Scale[0] > 0)) {
		return nil, errors.New("the base's quantised input has not one scale above 0")
	}
	return in, nil
}
