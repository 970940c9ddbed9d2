// Package quantise turns a float .tflite model into one of eight-bit integers,
// by the int8 specification of TensorFlow Lite: symmetric weights, a scale for
// each channel of a convolution, biases of 32 bits, and asymmetric values in
// between, whose ranges are measured on sample inputs.
//
//	c, err := quantise.NewCalibration(m)
//	// write c.Probe() to a file, open it, and for some hundred inputs:
//	err = c.Add(probe, inputs)
//	q, err := quantise.Model(m, c.Ranges(), quantise.Options{})
//
// Nothing here runs a model: whoever calibrates brings a [Runner].
//
// The operators it knows are those of image classifiers, listed in rules.go;
// any other is refused by name. Weights may be stored as float16.
package quantise

import (
	"errors"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/tflite/file"
)

// Options says what Model makes.
type Options struct {
	// FloatBorder keeps the model's inputs and outputs float32, with QUANTIZE
	// and DEQUANTIZE operators inside. Zero: they are int8 with a scale.
	FloatBorder bool
}

// Range is the span of values that a tensor takes.
type Range struct {
	Min, Max float32 // Min <= Max, both finite

	// Means has the mean of each channel, that is of each index of the last
	// dimension. Rounded weights shift the means of what is computed with them;
	// where the means of their input are known, the bias makes up for that.
	// Nil: they are not known.
	Means []float32
}

// Tensors returns the tensors of m's main subgraph whose ranges Model needs, in
// the order in which they are computed, inputs first. The ranges of all others
// follow from theirs. The error names what Model could not convert.
func Tensors(m *file.Model) ([]int, error) {
	g, err := read(m)
	if err != nil {
		return nil, fmt.Errorf("quantise: %w", err)
	}
	return g.measured(), nil
}

// Model returns m with int8 arithmetic. ranges holds a range for each of
// [Tensors]; zero is taken into every one of them, and what a fused activation
// cannot give is left out.
//
// Tensors and operators keep their names and their order, constants are
// converted, and a minimum runtime version is set. Signatures and the metadata
// about inputs and outputs are kept. The result shares no weights with m, but
// strings, shapes and integer constants. The same arguments give the same model.
//
// It is an error if m is not float, has an operator that is not known or values
// that are not finite, or if a range is missing.
func Model(m *file.Model, ranges map[int]Range, o Options) (*file.Model, error) {
	g, err := read(m)
	if err != nil {
		return nil, fmt.Errorf("quantise: %w", err)
	}
	b := newBuilder(g)
	if err := b.convert(ranges, o.FloatBorder); err != nil {
		return nil, fmt.Errorf("quantise: %w", err)
	}
	q := &file.Model{
		Version: m.Version, Description: m.Description, Subgraphs: []file.Subgraph{b.out},
		Metadata: []file.Metadata{minRuntime}, Signatures: b.signatures(m.Signatures),
	}
	for _, d := range m.Metadata {
		if d.Name == file.MetadataName {
			q.Metadata = append(q.Metadata, d)
		}
	}
	return q, nil
}

// minRuntime is the version from which TensorFlow Lite has all of our operators
// in int8, as TensorFlow's own converter states it.
var minRuntime = file.Metadata{Name: "min_runtime_version", Data: []byte("1.15.0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")}

// check returns why no scale can be made of r.
func (r Range) check() error {
	switch {
	case !finite(r.Min) || !finite(r.Max):
		return fmt.Errorf("the range %v to %v is not finite", r.Min, r.Max)
	case r.Min > r.Max:
		return fmt.Errorf("the range %v to %v is upside down", r.Min, r.Max)
	case max(-r.Min, r.Max) > largest:
		return fmt.Errorf("the range %v to %v is too large", r.Min, r.Max)
	case slices.ContainsFunc(r.Means, func(v float32) bool { return !(max(-v, v) <= largest) }):
		return errors.New("a mean is not finite, or too large")
	}
	return nil
}

var errNotFinite = errors.New("a value that is not finite")
