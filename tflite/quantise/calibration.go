package quantise

import (
	"errors"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/tflite/file"
)

// Runner computes every output of a model with one input; tflite.Interpreter is
// one. src has shape [n, …], as the input; dst has one slice of shape [n, …] for
// each output.
type Runner interface {
	RunAll(dst [][]float32, src []float32) error
}

// Calibration gathers the ranges that [Model] needs, from samples of what the
// model will see: a hundred or two of the pictures it is for are plenty.
//
// The range of a tensor is from the least to the greatest value seen. On real
// photos neither percentiles nor averages over pictures nor the least squared
// error bring the features of MobileNetV2 (alpha 1.0 and 0.35) more than a
// decibel closer to the float model's, and some lose ten; the means that correct
// the biases bring one (0.35) to five (1.0).
type Calibration struct {
	probe *file.Model
	input watched
	inner []watched   // outputs of probe
	dst   [][]float32 // of inner; scratch
}

// watched is what was seen of one tensor.
type watched struct {
	tensor   int
	per      int // values of one item of a batch
	channels int // the last dimension
	places   int // values seen of each channel
	bounds   Range
	sums     []float64 // by channel
}

// NewCalibration prepares for a model with one input and with batches as first
// dimension. Its errors are those of [Tensors].
func NewCalibration(m *file.Model) (*Calibration, error) {
	measured, err := Tensors(m)
	if err != nil {
		return nil, err
	}
	g := m.Main()
	if len(g.Inputs) != 1 {
		return nil, fmt.Errorf("calibrate: the model has %d inputs, want 1", len(g.Inputs))
	}
	if len(measured) == 1 {
		return nil, errors.New("calibrate: the model computes nothing")
	}
	c := &Calibration{dst: make([][]float32, len(measured)-1)}
	for i, t := range measured {
		w, err := watch(g, t)
		if err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
		if i == 0 {
			c.input = w
		} else {
			c.inner = append(c.inner, w)
		}
	}
	if c.probe, err = m.Cut(measured[1:]...); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	return c, nil
}

func watch(g *file.Subgraph, tensor int) (watched, error) {
	t := &g.Tensors[tensor]
	n := t.Elements()
	if len(t.Shape) == 0 || n <= 0 {
		return watched{}, fmt.Errorf("tensor %q has shape %v, which has no batch", t.Name, t.Shape)
	}
	return watched{tensor: tensor, per: int(n / int64(t.Shape[0])), channels: channels(t)}, nil
}

// Probe returns the model whose outputs are watched: m, cut at all tensors that
// need a range. It shares its constants with m.
func (c *Calibration) Probe() *file.Model { return c.probe }

// Add runs a batch of inputs through r, which runs [Calibration.Probe], and
// widens the ranges to what it gives. inputs has shape [n, …] and is not kept.
//
// All values between the operators are kept at once, here and inside the
// interpreter: some 18 MB a picture for MobileNetV2 1.0 at 128 pixels. It is an
// error if a value is not finite; the ranges are undefined after any error.
func (c *Calibration) Add(r Runner, inputs []float32) error {
	n := len(inputs) / c.input.per
	if n == 0 || len(inputs)%c.input.per != 0 {
		return fmt.Errorf("calibrate: %d input values: want a multiple of %d", len(inputs), c.input.per)
	}
	for i := range c.inner {
		size := n * c.inner[i].per
		c.dst[i] = slices.Grow(c.dst[i][:0], size)[:size]
	}
	if err := r.RunAll(c.dst, inputs); err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	if err := c.input.add(inputs); err != nil {
		return err
	}
	for i := range c.inner {
		if err := c.inner[i].add(c.dst[i]); err != nil {
			return err
		}
	}
	return nil
}

// add takes in values of shape [..., channels].
func (w *watched) add(values []float32) error {
	r, err := span(values)
	if err != nil {
		return fmt.Errorf("calibrate: tensor %d: %w", w.tensor, err)
	}
	if w.sums == nil {
		w.bounds, w.sums = r, make([]float64, w.channels)
	}
	w.bounds.Min, w.bounds.Max = min(w.bounds.Min, r.Min), max(w.bounds.Max, r.Max)
	for place := range slices.Chunk(values, w.channels) {
		for i, v := range place {
			w.sums[i] += float64(v)
		}
		w.places++
	}
	return nil
}

// Ranges returns what was seen so far, by tensor: an entry for each of
// [Tensors], with means, and none before the first Add. The caller owns it.
func (c *Calibration) Ranges() map[int]Range {
	ranges := map[int]Range{}
	for _, w := range append([]watched{c.input}, c.inner...) {
		if w.places == 0 {
			continue
		}
		r := w.bounds
		r.Means = make([]float32, w.channels)
		for i, sum := range w.sums {
			r.Means[i] = float32(sum / float64(w.places))
		}
		ranges[w.tensor] = r
	}
	return ranges
}
