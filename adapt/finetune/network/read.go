package network

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// ErrQuantised says that a model computes with integers, which have no gradients.
var ErrQuantised = errors.New("the model is quantised")

// Read reads the layers of a base. A whole classifier will do: what comes after
// the features is left out.
//
// m may come from anywhere, as long as file.Parse has accepted it. An operator
// that cannot be trained, or whose options or shapes contradict each other, is
// named in the error; a quantised model gives ErrQuantised.
func Read(m *file.Model) (*Network, error) {
	n, err := read(m)
	if err != nil {
		return nil, fmt.Errorf("read the layers of the base: %w", err)
	}
	return n, nil
}

func read(m *file.Model) (*Network, error) {
	f, err := m.FeatureTensor()
	if err != nil {
		return nil, hint.Wrap(err, "give an image classifier with global pooling, or a feature extractor with one output")
	}
	return readTo(m, f, fineTuning)
}

// readTo reads the layers that f is computed by.
func readTo(m *file.Model, f file.Feature, p purpose) (n *Network, err error) {
	n = &Network{Model: m, Feature: f}
	r := reader{constants: newConstants(m.Main()), computed: make([]bool, len(m.Main().Tensors)), purpose: p}
	if n.Input, err = r.input(); err != nil {
		return nil, err
	}
	r.computed[n.Input] = true
	operators, err := r.needed(f.Tensor)
	if err != nil {
		return nil, err
	}
	if err := r.float(operators); err != nil {
		return nil, err
	}
	for _, i := range operators {
		o := &r.g.Operators[i]
		if r.widened(o) {
			continue
		}
		l, err := r.layer(i)
		if err != nil {
			return nil, fmt.Errorf("operator #%d, %s: %w", i, o.Name(), err)
		}
		n.Layers = append(n.Layers, l)
		r.computed[l.Output] = true
	}
	if !r.computed[f.Tensor] {
		return nil, fmt.Errorf("no operator computes %q", f.Name)
	}
	n.name()
	return n, nil
}

// reader reads a subgraph operator by operator.
type reader struct {
	constants
	computed []bool // by tensor: the input, or the output of a layer already read
	purpose  purpose
}

// purpose is what layers are read for.
type purpose struct {
	readers map[file.OpCode]func(*reader, *file.Operator, *Layer) ([]int, error)
	verb    string // what is done with layers that can be read, in errors
	advice  string // the next step where one cannot, before the list of what can
}

var fineTuning = purpose{readers, "fine-tuned", "take another base, or train the head alone with `edge adapt`; fine-tuning knows "}

// input returns the tensor of the pictures.
func (r *reader) input() (int, error) {
	if len(r.g.Inputs) != 1 {
		return 0, fmt.Errorf("the model has %d inputs, want one picture", len(r.g.Inputs))
	}
	t := r.g.Inputs[0]
	x := &r.g.Tensors[t]
	if x.Constant() {
		return 0, fmt.Errorf("the input %q is a constant", x.Name)
	}
	if len(x.Shape) != 4 {
		return 0, fmt.Errorf("the input %q has shape %v, want [1 height width channels]", x.Name, x.Shape)
	}
	if s := x.ShapeSignature; s != nil && slices.Contains(s[1:], -1) {
		return 0, hint.Wrap(fmt.Errorf("the input %q has shape %v: its size is open", x.Name, s),
			"convert the model again with pictures of a fixed size")
	}
	return t, check(x)
}

// check refuses tensors that are not float32, or without elements, or with more
// than anyone trains.
func check(t *file.Tensor) error {
	if t.Type != file.Float32 {
		return notFloat(t)
	}
	if n := t.Elements(); n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("tensor %q has shape %v", t.Name, t.Shape)
	}
	return nil
}

// needed returns the operators that tensor is computed by, in order. How a
// RESHAPE computes its shape from that of the picture is left out: the file
// says what comes of it.
func (r *reader) needed(tensor int) ([]int, error) {
	made := make([]bool, len(r.g.Tensors))
	for i := range r.g.Operators {
		for _, t := range r.g.Operators[i].Outputs {
			if made[t] {
				return nil, fmt.Errorf("two operators compute %q", r.g.Tensors[t].Name)
			}
			made[t] = true
		}
	}
	var operators []int
	open := make([]bool, len(r.g.Tensors))
	open[tensor] = true
	for i := len(r.g.Operators) - 1; i >= 0; i-- {
		o := &r.g.Operators[i]
		if !slices.ContainsFunc(o.Outputs, func(t int) bool { return open[t] }) {
			continue
		}
		for _, t := range o.Outputs {
			open[t] = false
		}
		operators = append(operators, i)
		inputs := o.Inputs
		if o.Code == file.OpReshape {
			inputs = inputs[:min(1, len(inputs))]
		}
		for _, t := range inputs {
			if t >= 0 && !r.g.Tensors[t].Constant() {
				open[t] = true
			}
		}
	}
	slices.Reverse(operators)
	return operators, nil
}

// float refuses quantised models, whatever their operators.
func (r *reader) float(operators []int) error {
	tensors := slices.Clone(r.g.Inputs)
	for _, i := range operators {
		o := &r.g.Operators[i]
		if o.Code == file.OpDequantize {
			tensors = append(tensors, o.Inputs...)
		}
		tensors = append(tensors, o.Outputs...)
	}
	for _, t := range tensors {
		if t >= 0 && quantised(r.g.Tensors[t].Type) {
			return notFloat(&r.g.Tensors[t])
		}
	}
	return nil
}

func quantised(t file.TensorType) bool {
	switch t {
	case file.Int4, file.Int8, file.UInt8, file.Int16:
		return true
	}
	return false
}

// notFloat is the error for a tensor that should be float32.
func notFloat(t *file.Tensor) error {
	if quantised(t.Type) {
		return hint.Wrap(fmt.Errorf("%w: %q has type %v", ErrQuantised, t.Name, t.Type),
			"take the float model it was made from")
	}
	return fmt.Errorf("%q has type %v, want float32", t.Name, t.Type)
}

// layer reads operator i and checks that it computes what the file says.
func (r *reader) layer(i int) (Layer, error) {
	o := &r.g.Operators[i]
	l := Layer{Operator: i, Code: o.Code, Options: o.Options}
	read, ok := r.purpose.readers[o.Code]
	if !ok {
		return l, hint.Wrap(fmt.Errorf("this operator cannot be %s", r.purpose.verb), r.purpose.advice+r.purpose.known())
	}
	if len(o.Outputs) != 1 {
		return l, fmt.Errorf("it has %d outputs, want 1", len(o.Outputs))
	}
	l.Output = o.Outputs[0]
	out := &r.g.Tensors[l.Output]
	if r.computed[l.Output] || out.Constant() {
		return l, fmt.Errorf("its output %q has a value already", out.Name)
	}
	if err := check(out); err != nil {
		return l, err
	}
	shape, err := read(r, o, &l)
	if err != nil {
		return l, err
	}
	if !slices.Equal(shape, dims(out)) {
		return l, fmt.Errorf("its output has shape %v in the file, but its inputs make %v", out.Shape, shape)
	}
	switch l.Activation {
	case file.NoActivation, file.Relu, file.Relu6:
		return l, nil
	}
	return l, fmt.Errorf("the activation %v cannot be %s", l.Activation, r.purpose.verb)
}
