package head

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/tflite/file"
)

// The names by which other programs find a head's input and output.
const (
	InputName  = "features" // float32 [1, Features], resizable to any batch
	OutputName = "scores"   // float32 [1, Classes], each row sums to 1
)

// Encode returns the head as a .tflite file: FULLY_CONNECTED with fused relu,
// FULLY_CONNECTED, SOFTMAX, all float32 and of version 1, which every
// interpreter knows. Without a hidden layer the first is absent.
//
// The same head gives the same bytes. Weights are transposed to [out, in], as
// the format wants them. A head that Validate refuses is an error.
func (h *Head) Encode() ([]byte, error) {
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	for _, n := range []int{h.Features, h.Hidden, h.Classes} {
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("encode head: a size of %d does not fit the format", n)
		}
	}
	g := file.Subgraph{Name: "head"}
	add := func(t file.Tensor) int {
		g.Tensors = append(g.Tensors, t)
		return len(g.Tensors) - 1
	}
	last := add(activations(InputName, h.Features))
	g.Inputs = []int{last}
	if h.Hidden > 0 {
		w := add(weights("hidden/weights", h.W1, h.Features, h.Hidden))
		b := add(biases("hidden/biases", h.B1))
		y := add(activations("hidden", h.Hidden))
		g.Operators = append(g.Operators, fullyConnected(last, w, b, y, file.Relu))
		last = y
	}
	w := add(weights("classes/weights", h.W2, h.inputs(), h.Classes))
	b := add(biases("classes/biases", h.B2))
	logits := add(activations("logits", h.Classes))
	scores := add(activations(OutputName, h.Classes))
	g.Operators = append(g.Operators,
		fullyConnected(last, w, b, logits, file.NoActivation),
		file.Operator{
			Code: file.OpSoftmax, Version: 1,
			Inputs: []int{logits}, Outputs: []int{scores},
			Options: file.SoftmaxOptions{Beta: 1},
		})
	g.Outputs = []int{scores}

	m := file.Model{Version: 3, Description: "edge head", Subgraphs: []file.Subgraph{g}}
	data, err := m.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	return data, nil
}

func fullyConnected(x, w, b, y int, a file.Activation) file.Operator {
	return file.Operator{
		Code: file.OpFullyConnected, Version: 1,
		Inputs: []int{x, w, b}, Outputs: []int{y},
		Options: file.FullyConnectedOptions{Activation: a},
	}
}

// activations is a batch of rows of n numbers; one row unless resized.
func activations(name string, n int) file.Tensor {
	return file.Tensor{Name: name, Type: file.Float32, Shape: []int32{1, int32(n)}, ShapeSignature: []int32{-1, int32(n)}}
}

// weights is w, [in][out], as a constant of shape [out, in].
func weights(name string, w []float32, in, out int) file.Tensor {
	data := make([]byte, 0, 4*len(w))
	for j := range out {
		for i := range in {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(w[i*out+j]))
		}
	}
	return file.Tensor{Name: name, Type: file.Float32, Shape: []int32{int32(out), int32(in)}, Data: data}
}

func biases(name string, b []float32) file.Tensor {
	t := weights(name, b, 1, len(b))
	t.Shape = []int32{int32(len(b))}
	return t
}

// errLayout is the cause when a model is not what Encode writes.
var errLayout = errors.New("not a head")

// Decode returns the head that a .tflite file holds.
//
// data may come from anywhere. Decode accepts the operators, shapes and types
// that Encode writes and nothing else, and refuses NaN and infinity; the names
// of inner tensors do not matter. The head shares no memory with data, and
// takes no more than a small multiple of its length.
func Decode(data []byte) (*Head, error) {
	m, err := file.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("decode head: %w", err)
	}
	h, err := fromModel(m)
	if err != nil {
		return nil, fmt.Errorf("decode head: %w", err)
	}
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("decode head: %w", err)
	}
	return h, nil
}

func fromModel(m *file.Model) (*Head, error) {
	if len(m.Subgraphs) != 1 {
		return nil, fmt.Errorf("%w: %d subgraphs", errLayout, len(m.Subgraphs))
	}
	g := m.Main()
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, fmt.Errorf("%w: %d inputs and %d outputs", errLayout, len(g.Inputs), len(g.Outputs))
	}
	if n := len(g.Operators); n != 2 && n != 3 {
		return nil, fmt.Errorf("%w: %d operators, want 2 or 3", errLayout, n)
	}
	l := layers{g: g, at: g.Inputs[0]}
	h := &Head{}
	var err error
	if h.Features, err = l.row(l.at); err != nil {
		return nil, err
	}
	width := h.Features
	dense := g.Operators[:len(g.Operators)-1]
	if len(dense) == 2 {
		if h.W1, h.B1, err = l.dense(&dense[0], width, file.Relu); err != nil {
			return nil, err
		}
		h.Hidden = len(h.B1)
		width = h.Hidden
	}
	if h.W2, h.B2, err = l.dense(&dense[len(dense)-1], width, file.NoActivation); err != nil {
		return nil, err
	}
	h.Classes = len(h.B2)
	if err := l.softmax(&g.Operators[len(g.Operators)-1], h.Classes); err != nil {
		return nil, err
	}
	if l.at != g.Outputs[0] {
		return nil, fmt.Errorf("%w: the output is not that of the last operator", errLayout)
	}
	return h, nil
}

// layers follows the chain of operators; at is the tensor the next one reads.
type layers struct {
	g  *file.Subgraph
	at int
}

// float returns tensor i if it is an ordinary float32 tensor.
func (l *layers) float(i int) (*file.Tensor, error) {
	if i < 0 || i >= len(l.g.Tensors) {
		return nil, fmt.Errorf("%w: an input is left out", errLayout)
	}
	t := &l.g.Tensors[i]
	if t.Type != file.Float32 {
		return nil, fmt.Errorf("%w: tensor %q is %v, want float32", errLayout, t.Name, t.Type)
	}
	return t, nil
}

// row returns the length of the rows of tensor i, a batch of them.
func (l *layers) row(i int) (int, error) {
	t, err := l.float(i)
	if err != nil {
		return 0, err
	}
	if t.Constant() || t.Variable || len(t.Shape) != 2 || t.Shape[0] != 1 || t.Shape[1] < 1 {
		return 0, fmt.Errorf("%w: tensor %q has shape %v, want [1, n]", errLayout, t.Name, t.Shape)
	}
	return int(t.Shape[1]), nil
}

// constant returns the elements of tensor i, which has the given rank.
func (l *layers) constant(i, rank int) (*file.Tensor, []float32, error) {
	t, err := l.float(i)
	if err != nil {
		return nil, nil, err
	}
	n := t.Elements()
	if len(t.Shape) != rank || n < 1 || int64(len(t.Data)) != 4*n {
		return nil, nil, fmt.Errorf("%w: tensor %q of shape %v has %d bytes of data", errLayout, t.Name, t.Shape, len(t.Data))
	}
	s := make([]float32, n)
	for k := range s {
		s[k] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*k:]))
	}
	return t, s, nil
}

// dense reads one FULLY_CONNECTED over rows of in numbers; w is [in][out].
func (l *layers) dense(o *file.Operator, in int, a file.Activation) (w, b []float32, err error) {
	if o.Code != file.OpFullyConnected || len(o.Inputs) != 3 || len(o.Outputs) != 1 || o.Inputs[0] != l.at {
		return nil, nil, fmt.Errorf("%w: %s where a FULLY_CONNECTED with biases belongs", errLayout, o.Name())
	}
	options, ok := o.Options.(file.FullyConnectedOptions)
	if o.Options == nil {
		options, ok = file.FullyConnectedOptions{}, true
	}
	if !ok || options.Activation != a || options.WeightsFormat != 0 {
		return nil, nil, fmt.Errorf("%w: a FULLY_CONNECTED with the options %+v", errLayout, o.Options)
	}
	t, rows, err := l.constant(o.Inputs[1], 2)
	if err != nil {
		return nil, nil, err
	}
	_, b, err = l.constant(o.Inputs[2], 1)
	if err != nil {
		return nil, nil, err
	}
	out := len(b)
	if int(t.Shape[0]) != out || int(t.Shape[1]) != in {
		return nil, nil, fmt.Errorf("%w: weights of shape %v between %d inputs and %d biases", errLayout, t.Shape, in, out)
	}
	if err := l.leave(o.Outputs[0], out); err != nil {
		return nil, nil, err
	}
	w = make([]float32, len(rows))
	for j := range out {
		for i := range in {
			w[i*out+j] = rows[j*in+i]
		}
	}
	return w, b, nil
}

func (l *layers) softmax(o *file.Operator, n int) error {
	if o.Code != file.OpSoftmax || len(o.Inputs) != 1 || len(o.Outputs) != 1 || o.Inputs[0] != l.at {
		return fmt.Errorf("%w: %s where a SOFTMAX belongs", errLayout, o.Name())
	}
	if options, ok := o.Options.(file.SoftmaxOptions); !ok || options.Beta != 1 {
		return fmt.Errorf("%w: a SOFTMAX with the options %+v", errLayout, o.Options)
	}
	return l.leave(o.Outputs[0], n)
}

// leave moves on to the output of an operator, rows of n numbers.
func (l *layers) leave(tensor, n int) error {
	got, err := l.row(tensor)
	if err != nil {
		return err
	}
	if got != n {
		return fmt.Errorf("%w: tensor %q has rows of %d, want %d", errLayout, l.g.Tensors[tensor].Name, got, n)
	}
	l.at = tensor
	return nil
}
