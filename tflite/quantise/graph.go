package quantise

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// graph is the main subgraph of a float model, found convertible.
type graph struct {
	*file.Subgraph
	steps []step

	values []bool      // by tensor: float32 that depends on an input
	narrow map[int]int // float32 tensor to the float16 constant it is unpacked from
}

// step is one operator to convert.
type step struct {
	*file.Operator
	rule       rule // its form is 0 for arithmetic on integers, which stays as it is
	activation file.Activation
}

// read checks all that can be checked before ranges are known.
func read(m *file.Model) (*graph, error) {
	if len(m.Subgraphs) != 1 {
		return nil, fmt.Errorf("the model has %d subgraphs, want 1", len(m.Subgraphs))
	}
	g := &graph{Subgraph: m.Main(), narrow: map[int]int{}}
	g.values = make([]bool, len(g.Tensors))
	for _, t := range g.Inputs {
		x := &g.Tensors[t]
		if x.Type != file.Float32 || x.Constant() {
			return nil, hint.Wrap(fmt.Errorf("the input %q holds %v", x.Name, x.Type), wantFloat)
		}
		g.values[t] = true
	}
	for i := range g.Operators {
		if err := g.add(&g.Operators[i]); err != nil {
			return nil, fmt.Errorf("operator #%d, %s: %w", i, g.Operators[i].Name(), err)
		}
	}
	for _, t := range g.Outputs {
		if !g.values[t] {
			return nil, fmt.Errorf("the output %q is not computed from the input in float32", g.Tensors[t].Name)
		}
	}
	return g, nil
}

const wantFloat = "give the float32 model, or one with float16 weights: what is quantised already cannot be quantised again"

// opShape gives the dimensions of a tensor of any type.
const opShape file.OpCode = 77

// add finds out how o is to be converted, or why it cannot be.
func (g *graph) add(o *file.Operator) error {
	for _, t := range o.Outputs {
		if g.Tensors[t].Constant() || g.Tensors[t].Variable || g.values[t] {
			return fmt.Errorf("it overwrites %q", g.Tensors[t].Name)
		}
	}
	if g.unpacks(o) {
		g.narrow[o.Outputs[0]] = o.Inputs[0]
		return nil
	}
	if o.Code == opShape || g.integers(o) {
		g.steps = append(g.steps, step{Operator: o})
		return nil
	}
	r, ok := rules[o.Code]
	if !ok {
		return hint.Wrap(errors.New("it cannot be quantised"), "what can: "+known())
	}
	if err := g.fits(o, r); err != nil {
		return err
	}
	a, err := activation(o)
	if err != nil {
		return err
	}
	if _, err := (Range{}).within(a); err != nil {
		return err
	}
	g.steps = append(g.steps, step{o, r, a})
	g.values[o.Outputs[0]] = true
	return nil
}

// unpacks reports whether o only turns a float16 constant into float32.
func (g *graph) unpacks(o *file.Operator) bool {
	if o.Code != file.OpDequantize || len(o.Inputs) != 1 || len(o.Outputs) != 1 || o.Inputs[0] < 0 {
		return false
	}
	t := &g.Tensors[o.Inputs[0]]
	return t.Type == file.Float16 && t.Constant()
}

// integers reports whether o computes with int32 alone, as the operators do that
// find out the shape of a batch.
func (g *graph) integers(o *file.Operator) bool {
	for _, t := range slices.Concat(o.Inputs, o.Outputs) {
		if t >= 0 && g.Tensors[t].Type != file.Int32 {
			return false
		}
	}
	return true
}

// fits checks inputs and outputs of o against its rule.
func (g *graph) fits(o *file.Operator, r rule) error {
	if len(o.Inputs) == 0 || len(o.Outputs) != 1 {
		return fmt.Errorf("it has %d inputs and %d outputs", len(o.Inputs), len(o.Outputs))
	}
	if x := &g.Tensors[o.Outputs[0]]; x.Type != file.Float32 {
		return hint.Wrap(fmt.Errorf("its output %q holds %v", x.Name, x.Type), wantFloat)
	}
	computed := func(i int) bool { return i < len(o.Inputs) && o.Inputs[i] >= 0 && g.values[o.Inputs[i]] }
	switch r.form {
	case weighted:
		if !computed(0) || len(o.Inputs) < 2 || len(o.Inputs) > 3 {
			return errors.New("it wants values, weights and a bias")
		}
		return g.fitsWeights(o, r.axis)
	case elementwise:
		if len(o.Inputs) != 2 || !computed(0) && !computed(1) {
			return errors.New("it wants two inputs, one of them values")
		}
		for i, t := range o.Inputs {
			if !computed(i) {
				if _, err := g.constant(t); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if !computed(0) {
		return errors.New("its input is not computed before it")
	}
	for _, t := range o.Inputs[1:] {
		if t >= 0 && g.Tensors[t].Type != file.Int32 {
			return fmt.Errorf("its input %q holds %v, want int32", g.Tensors[t].Name, g.Tensors[t].Type)
		}
	}
	return nil
}

// fitsWeights checks the shapes of weights and bias.
func (g *graph) fitsWeights(o *file.Operator, axis int) error {
	weights, err := g.constant(o.Inputs[1])
	if err != nil {
		return err
	}
	shape, rank := g.Tensors[o.Inputs[1]].Shape, 4
	if axis == whole {
		rank = 2
	}
	if len(shape) != rank || len(weights) == 0 {
		return fmt.Errorf("its weights have shape %v", shape)
	}
	if t := bias(o); t >= 0 {
		values, err := g.constant(t)
		if err != nil {
			return err
		}
		if want := int(shape[max(axis, 0)]); len(values) != want {
			return fmt.Errorf("its bias has %d values, want %d", len(values), want)
		}
	}
	return nil
}

// bias returns the tensor of a weighted operator's bias, or -1.
func bias(o *file.Operator) int {
	if len(o.Inputs) < 3 {
		return -1
	}
	return o.Inputs[2]
}

// constant returns the elements of a constant of floats, which are finite.
func (g *graph) constant(tensor int) ([]float32, error) {
	if tensor < 0 {
		return nil, errors.New("an input is missing")
	}
	x := &g.Tensors[tensor]
	if source, ok := g.narrow[tensor]; ok {
		tensor = source
	}
	t := &g.Tensors[tensor]
	values, ok := t.Float32s()
	if t.Type == file.Float16 && t.Constant() {
		values, ok = make([]float32, len(t.Data)/2), true
		for i := range values {
			values[i] = float16.FromBits(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	}
	if !ok {
		return nil, fmt.Errorf("its input %q is no constant of floats", x.Name)
	}
	r, err := span(values)
	if err == nil {
		err = r.check()
	}
	if err == nil && x.Elements() != int64(len(values)) {
		err = fmt.Errorf("%d values for shape %v", len(values), x.Shape)
	}
	if err != nil {
		return nil, fmt.Errorf("its input %q: %w", x.Name, err)
	}
	return values, nil
}

// channels returns the last dimension of t, 0 for a scalar.
func channels(t *file.Tensor) int {
	if len(t.Shape) == 0 {
		return 0
	}
	return int(t.Shape[len(t.Shape)-1])
}

// measured returns the tensors with a range of their own.
func (g *graph) measured() []int {
	list := slices.Clone(g.Inputs)
	for _, s := range g.steps {
		switch s.rule.form {
		case weighted, elementwise, rescaling:
			list = append(list, s.Outputs[0])
		}
	}
	return list
}

// known lists the operators of rules.
func known() string {
	var names []string
	for code := range maps.Keys(rules) {
		names = append(names, code.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
