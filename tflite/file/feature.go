package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrNoFeatures says that a model has no tensor that sums up a picture in one
// vector.
var ErrNoFeatures = errors.New("no pooled features found")

// Feature is the tensor of a model that serves as a base's features.
type Feature struct {
	Tensor int    `json:"tensor"` // index in the main subgraph
	Name   string `json:"name"`   // of the tensor
	Count  int    `json:"count"`  // F: features of one picture

	// Map is set if the tensor is a map [batch, Height, Width, Count], to be
	// averaged over height and width. Otherwise it is [batch, Count] or
	// [batch, 1, 1, Count].
	Map    bool `json:"map"`
	Height int  `json:"height"` // 1 unless Map
	Width  int  `json:"width"`  // 1 unless Map

	Whole  bool   `json:"whole"`  // the tensor is the model's own output: there is nothing to cut
	Reason string `json:"reason"` // how it was found, in words
}

// FeatureTensor finds the features of a whole classifier or of a feature
// extractor.
//
// It follows the main subgraph from its only output towards the input through
// the tensors that every path passes. The features are the first of them that
// is a vector: what a global pooling leaves. If only spatial maps are found (the
// output is a map, or a map is flattened for the first dense layer), the last
// map is taken, to be averaged.
func (m *Model) FeatureTensor() (Feature, error) {
	g := m.Main()
	if len(g.Outputs) != 1 {
		return Feature{}, fmt.Errorf("%w: the model has %d outputs, want 1", ErrNoFeatures, len(g.Outputs))
	}
	w := newWalk(g)
	out := g.Outputs[0]
	if !w.dynamic[out] {
		return Feature{}, fmt.Errorf("%w: the output does not depend on the input", ErrNoFeatures)
	}
	if w.producer[out] < 0 {
		return Feature{}, fmt.Errorf("%w: the output is the input", ErrNoFeatures)
	}
	if isMap(&g.Tensors[out]) {
		return w.feature(out, "the output is a map")
	}
	if !isVector(&g.Tensors[out]) {
		return Feature{}, fmt.Errorf("%w: the output has shape %v", ErrNoFeatures, g.Tensors[out].Shape)
	}
	return w.vector(w.bottlenecks(out))
}

// vector decides among the bottlenecks of a model whose output is a vector.
// path runs from the output towards the input.
func (w *walk) vector(path []int) (Feature, error) {
	g := w.g
	n := 0 // path[:n] are vectors
	for n < len(path) && isVector(&g.Tensors[path[n]]) {
		n++
	}
	op := w.producer[path[n-1]] // what makes the first vector
	if op < 0 {
		return Feature{}, fmt.Errorf("%w: the input is no picture but a vector", ErrNoFeatures)
	}
	name := g.Operators[op].Name()
	before := -1 // the map that becomes the vector
	if n < len(path) && isMap(&g.Tensors[path[n]]) {
		before = path[n]
	}

	dense := w.firstDense(op)
	switch {
	case dense >= 0 && isReshape(g.Operators[op].Code) && before >= 0:
		return w.feature(before, fmt.Sprintf("input of %s #%d, a map that is flattened for %s",
			name, op, w.label(dense)))
	case dense >= 0:
		// A reshape in between is left out: its fixed shape would allow no batch.
		if slices.Contains(g.Operators[dense].Inputs, path[n-1]) {
			return w.feature(path[n-1], fmt.Sprintf("input of %s, after %s", w.label(dense), name))
		}
		return w.feature(path[n-1], fmt.Sprintf("output of %s, which reaches %s reshaped", w.label(op), w.label(dense)))
	case before >= 0 && isDense(g.Operators[op].Code):
		return w.feature(before, fmt.Sprintf("input of %s, which classifies the whole map", w.label(op)))
	case before >= 0 && w.scores(op):
		// Classes are pooled, not features: step over the convolution that makes them.
		for _, t := range path[n:] {
			p := w.producer[t]
			if p < 0 || !isMap(&g.Tensors[t]) {
				break
			}
			if o := &g.Operators[p]; o.Code == OpConv2D && len(o.Inputs) > 0 {
				return w.feature(o.Inputs[0], fmt.Sprintf("input of %s, whose classes are pooled by %s", w.label(p), name))
			}
		}
		return Feature{}, fmt.Errorf("%w: %s pools scores, and no convolution before it makes them", ErrNoFeatures, w.label(op))
	case before >= 0:
		for _, t := range path[:n-1] {
			if o := w.producer[t]; w.fixesBatch(o) {
				return w.feature(path[n-1], fmt.Sprintf("output of %s, without %s, which allows no batch", w.label(op), w.label(o)))
			}
		}
		return w.feature(path[0], "the output, after "+name)
	}
	return Feature{}, fmt.Errorf("%w: %s makes a vector of something that is no map", ErrNoFeatures, w.label(op))
}

// feature describes tensor t, which must be one that a cut can have as its output.
func (w *walk) feature(t int, reason string) (Feature, error) {
	if t < 0 || w.producer[t] < 0 || !w.dynamic[t] {
		return Feature{}, fmt.Errorf("%w: the %s is not computed from the picture", ErrNoFeatures, reason)
	}
	x := &w.g.Tensors[t]
	if !isMap(x) && !isVector(x) {
		return Feature{}, fmt.Errorf("%w: the %s has shape %v", ErrNoFeatures, reason, x.Shape)
	}
	f := Feature{
		Tensor: t, Name: x.Name, Count: int(x.Shape[len(x.Shape)-1]),
		Height: 1, Width: 1, Whole: t == w.g.Outputs[0], Reason: reason,
	}
	if isMap(x) {
		f.Map, f.Height, f.Width = true, int(x.Shape[1]), int(x.Shape[2])
	}
	return f, nil
}

// label names operator i as people find it in a viewer.
func (w *walk) label(i int) string { return fmt.Sprintf("%s #%d", w.g.Operators[i].Name(), i) }

// firstDense returns the first operator after op that mixes all features, or -1.
func (w *walk) firstDense(op int) int {
	for i := op + 1; i < len(w.g.Operators); i++ {
		if w.needed[i] && isDense(w.g.Operators[i].Code) {
			return i
		}
	}
	return -1
}

// scores reports whether what op makes is turned into probabilities.
func (w *walk) scores(op int) bool {
	for i := op + 1; i < len(w.g.Operators); i++ {
		switch w.g.Operators[i].Code {
		case OpSoftmax, OpLogistic, OpLogSoftmax:
			if w.needed[i] {
				return true
			}
		}
	}
	return false
}

// fixesBatch reports whether operator i is a RESHAPE to a batch of 1, which would
// fail with any other.
func (w *walk) fixesBatch(i int) bool {
	o := &w.g.Operators[i]
	if o.Code != OpReshape {
		return false
	}
	if len(o.Inputs) > 1 && o.Inputs[1] >= 0 {
		shape := w.g.Tensors[o.Inputs[1]].Data
		return len(shape) >= 4 && binary.LittleEndian.Uint32(shape) == 1
	}
	v, ok := o.Options.(ReshapeOptions)
	return ok && len(v.NewShape) > 0 && v.NewShape[0] == 1
}

// isVector reports whether t has one value for each feature and nothing else.
func isVector(t *Tensor) bool {
	switch s := t.Shape; len(s) {
	case 2:
		return s[1] > 0
	case 4:
		return s[1] == 1 && s[2] == 1 && s[3] > 0
	}
	return false
}

// isMap reports whether t is a spatial map [batch, height, width, channels].
func isMap(t *Tensor) bool {
	s := t.Shape
	return len(s) == 4 && s[1] > 0 && s[2] > 0 && int64(s[1])*int64(s[2]) > 1 && s[3] > 0
}

func isDense(c OpCode) bool {
	return c == OpFullyConnected || c == OpConv2D || c == OpBatchMatMul
}

func isReshape(c OpCode) bool {
	return c == OpReshape || c == OpSqueeze || c == OpExpandDims
}
