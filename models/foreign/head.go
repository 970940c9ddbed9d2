package foreign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/tflite/file"
)

// ErrNoHead says that what stands behind the features of a model is not a head as
// edge has them: one dense layer with softmax, or a dense layer with relu before it.
var ErrNoHead = errors.New("no head of edge behind its features")

// Head returns what stands behind the features f of a whole classifier as a head.
//
// Layers may be FULLY_CONNECTED, or CONV_2D of 1x1 over a single place, with or
// without biases; their weights may be float, or integers with a scale, which
// become the floats they stand for. A head of a quantised model is therefore more
// exact than the model itself, whose steps between the layers it leaves out.
//
// The error is ErrNoHead with the reason, or says what is wrong with the weights.
// The head shares no memory with m, and takes a small multiple of its size at most.
func Head(m *file.Model, f file.Feature) (*head.Head, error) {
	g := m.Main()
	switch {
	case f.Whole:
		return nil, fmt.Errorf("%w: the features are its output", ErrNoHead)
	case f.Map:
		return nil, fmt.Errorf("%w: it classifies the whole map %q, not its average", ErrNoHead, f.Name)
	case len(g.Outputs) != 1:
		return nil, fmt.Errorf("%w: it has %d outputs", ErrNoHead, len(g.Outputs))
	}
	c := chain{g: g, at: f.Tensor, width: f.Count}
	for range len(g.Operators) + 1 { // a chain passes each operator once
		if c.at == g.Outputs[0] {
			break
		}
		if err := c.step(); err != nil {
			return nil, err
		}
	}
	return c.head(f.Count)
}

// chain follows the operators behind the features, as long as each has one
// successor alone.
type chain struct {
	g      *file.Subgraph
	at     int // the tensor reached
	width  int // its values
	layers []layer
	scores bool // a softmax was passed
}

// layer is a dense layer. w is [out][in].
type layer struct {
	in, out    int
	w, b       []float32
	activation file.Activation
}

// step passes the operator that reads what was reached.
func (c *chain) step() error {
	o, err := c.next()
	if err != nil {
		return err
	}
	switch o.Code {
	case file.OpReshape, file.OpSqueeze, file.OpExpandDims, file.OpQuantize, file.OpDequantize:
		if n := c.g.Tensors[o.Outputs[0]].Elements(); n != int64(c.width) {
			return fmt.Errorf("%w: %s makes %d values of %d", ErrNoHead, o.Name(), n, c.width)
		}
	case file.OpFullyConnected, file.OpConv2D:
		if c.scores || len(c.layers) == 2 {
			return fmt.Errorf("%w: it has more layers than two", ErrNoHead)
		}
		l, err := c.dense(o)
		if err != nil {
			return err
		}
		c.layers = append(c.layers, l)
		c.width = l.out
	case file.OpRelu:
		n := len(c.layers)
		if n == 0 || c.scores || c.layers[n-1].activation != file.NoActivation {
			return fmt.Errorf("%w: a RELU where none belongs", ErrNoHead)
		}
		c.layers[n-1].activation = file.Relu
	case file.OpSoftmax:
		if v, ok := o.Options.(file.SoftmaxOptions); !ok || v.Beta != 1 || c.scores || len(c.layers) == 0 {
			return fmt.Errorf("%w: a SOFTMAX where none belongs, or with the options %+v", ErrNoHead, o.Options)
		}
		c.scores = true
	default:
		return fmt.Errorf("%w: %s stands there", ErrNoHead, o.Name())
	}
	c.at = o.Outputs[0]
	return nil
}

// next returns the only operator that reads what was reached.
func (c *chain) next() (*file.Operator, error) {
	var found *file.Operator
	for i := range c.g.Operators {
		if !slices.Contains(c.g.Operators[i].Inputs, c.at) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: %q goes two ways", ErrNoHead, c.g.Tensors[c.at].Name)
		}
		found = &c.g.Operators[i]
	}
	if found == nil || len(found.Outputs) != 1 || found.Inputs[0] != c.at || found.Outputs[0] == c.at {
		return nil, fmt.Errorf("%w: it ends at %q", ErrNoHead, c.g.Tensors[c.at].Name)
	}
	return found, nil
}

// dense reads a dense layer over the values reached.
func (c *chain) dense(o *file.Operator) (layer, error) {
	l := layer{in: c.width}
	wrong := func(what string, args ...any) (layer, error) {
		return layer{}, fmt.Errorf("%w: %s %s", ErrNoHead, o.Name(), fmt.Sprintf(what, args...))
	}
	if len(o.Inputs) < 2 || len(o.Inputs) > 3 {
		return wrong("with %d inputs", len(o.Inputs))
	}
	rank := map[file.OpCode]int{file.OpFullyConnected: 2, file.OpConv2D: 4}[o.Code]
	switch v := o.Options.(type) {
	case nil: // all of them defaults
	case file.FullyConnectedOptions:
		if v.WeightsFormat != 0 {
			return wrong("with shuffled weights")
		}
		l.activation = v.Activation
	case file.Conv2DOptions:
		l.activation = v.Activation
	default:
		return wrong("with the options %+v", o.Options)
	}
	if l.activation != file.NoActivation && l.activation != file.Relu {
		return wrong("with an activation other than relu")
	}
	shape, w, err := c.constant(o.Inputs[1])
	if err != nil {
		return layer{}, fmt.Errorf("weights of %s: %w", o.Name(), err)
	}
	if len(shape) != rank || int64(shape[rank-1]) != int64(l.in) || len(w) != int(shape[0])*l.in {
		return wrong("with weights of shape %v over %d values", shape, l.in)
	}
	l.out, l.w = int(shape[0]), w
	l.b = make([]float32, l.out)
	if len(o.Inputs) == 3 && o.Inputs[2] >= 0 {
		if _, l.b, err = c.constant(o.Inputs[2]); err != nil {
			return layer{}, fmt.Errorf("biases of %s: %w", o.Name(), err)
		}
		if len(l.b) != l.out {
			return wrong("with %d biases for %d values", len(l.b), l.out)
		}
	}
	if n := c.g.Tensors[o.Outputs[0]].Elements(); n != int64(l.out) {
		return wrong("gives %d values, its weights make %d", n, l.out)
	}
	return l, nil
}

// constant returns a constant as floats. Weights of 16 bits stand before a
// DEQUANTIZE.
func (c *chain) constant(i int) ([]int32, []float32, error) {
	if i < 0 || i >= len(c.g.Tensors) {
		return nil, nil, fmt.Errorf("%w: an input is left out", ErrNoHead)
	}
	t := &c.g.Tensors[i]
	if !t.Constant() {
		for k := range c.g.Operators {
			o := &c.g.Operators[k]
			if o.Code == file.OpDequantize && len(o.Inputs) == 1 && o.Inputs[0] >= 0 && slices.Contains(o.Outputs, i) {
				t = &c.g.Tensors[o.Inputs[0]]
			}
		}
	}
	if !t.Constant() {
		return nil, nil, fmt.Errorf("%w: %q is computed", ErrNoHead, t.Name)
	}
	values, err := reals(t)
	return t.Shape, values, err
}

// reals returns what a constant's elements stand for: scale * (q - zero point),
// the scale being of the whole tensor or of an index of one dimension.
func reals(t *file.Tensor) ([]float32, error) {
	n := t.Elements()
	if n < 1 || t.Type.Bits() == 0 || int64(len(t.Data)) != n*int64(t.Type.Bits())/8 {
		return nil, fmt.Errorf("tensor %q of shape %v has %d bytes", t.Name, t.Shape, len(t.Data))
	}
	values := make([]float32, n)
	var integer func(i int) int64
	switch d := t.Data; t.Type {
	case file.Float32:
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(d[4*i:]))
		}
		return values, nil
	case file.Float16:
		for i := range values {
			values[i] = float16.FromBits(binary.LittleEndian.Uint16(d[2*i:]))
		}
		return values, nil
	case file.Int8:
		integer = func(i int) int64 { return int64(int8(d[i])) }
	case file.UInt8:
		integer = func(i int) int64 { return int64(d[i]) }
	case file.Int32:
		integer = func(i int) int64 { return int64(int32(binary.LittleEndian.Uint32(d[4*i:]))) }
	default:
		return nil, fmt.Errorf("tensor %q is of type %s", t.Name, t.Type)
	}
	q := t.Quantisation
	if q == nil || len(q.Scale) == 0 {
		return nil, fmt.Errorf("tensor %q is %s without a scale", t.Name, t.Type)
	}
	// index counts along the dimension that has a scale each.
	index := func(int) int { return 0 }
	if len(q.Scale) > 1 {
		if q.Dimension < 0 || q.Dimension >= len(t.Shape) || int(t.Shape[q.Dimension]) != len(q.Scale) {
			return nil, fmt.Errorf("tensor %q of shape %v has %d scales", t.Name, t.Shape, len(q.Scale))
		}
		inner := 1
		for _, s := range t.Shape[q.Dimension+1:] {
			inner *= int(s)
		}
		index = func(i int) int { return i / inner % len(q.Scale) }
	}
	if len(q.ZeroPoint) > 1 && len(q.ZeroPoint) != len(q.Scale) {
		return nil, fmt.Errorf("tensor %q has %d scales and %d zero points", t.Name, len(q.Scale), len(q.ZeroPoint))
	}
	for i := range values {
		k := index(i)
		var zero int64
		if len(q.ZeroPoint) > 0 {
			zero = q.ZeroPoint[min(k, len(q.ZeroPoint)-1)]
		}
		values[i] = float32(float64(q.Scale[k]) * float64(integer(i)-zero))
	}
	return values, nil
}

// head puts the layers together.
func (c *chain) head(features int) (*head.Head, error) {
	n := len(c.layers)
	switch {
	case n == 0 || !c.scores || c.at != c.g.Outputs[0]:
		return nil, fmt.Errorf("%w: its output is no softmax over classes", ErrNoHead)
	case c.layers[n-1].activation != file.NoActivation:
		return nil, fmt.Errorf("%w: a relu stands before the softmax", ErrNoHead)
	case n == 2 && c.layers[0].activation != file.Relu:
		return nil, fmt.Errorf("%w: its hidden layer has no relu", ErrNoHead)
	}
	h := &head.Head{Features: features}
	if n == 2 {
		h.Hidden = c.layers[0].out
		h.W1, h.B1 = transposed(c.layers[0])
	}
	last := c.layers[n-1]
	h.Classes = last.out
	h.W2, h.B2 = transposed(last)
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// transposed returns the weights as [in][out].
func transposed(l layer) (w, b []float32) {
	w = make([]float32, len(l.w))
	for j := range l.out {
		for i := range l.in {
			w[i*l.out+j] = l.w[j*l.in+i]
		}
	}
	return w, l.b
}
