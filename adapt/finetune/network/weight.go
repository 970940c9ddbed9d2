package network

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/tflite/file"
)

// constants decodes the constants of a subgraph.
type constants struct {
	g       *file.Subgraph
	narrow  map[int]int           // widened tensor → the float16 constant it comes from
	decoded map[storage][]float32 // so that a file which refers to the same bytes again and again costs them once
}

// storage identifies bytes of the file and how they are read.
type storage struct {
	data *byte
	kind file.TensorType
}

func newConstants(g *file.Subgraph) constants {
	return constants{g, map[int]int{}, map[storage][]float32{}}
}

// widened reports whether o only turns a float16 constant into float32, and
// remembers it.
func (c *constants) widened(o *file.Operator) bool {
	if o.Code != file.OpDequantize || len(o.Inputs) != 1 || len(o.Outputs) != 1 || o.Inputs[0] < 0 {
		return false
	}
	if t := &c.g.Tensors[o.Inputs[0]]; !t.Constant() || t.Type != file.Float16 {
		return false
	}
	c.narrow[o.Outputs[0]] = o.Inputs[0]
	return true
}

// constant returns the constant that input i of o is, widened or not, or ok =
// false if it is none.
func (c *constants) constant(o *file.Operator, i int) (tensor int, ok bool) {
	if i >= len(o.Inputs) || o.Inputs[i] < 0 {
		return 0, false
	}
	tensor = o.Inputs[i]
	if source, ok := c.narrow[tensor]; ok {
		return source, true
	}
	return tensor, c.g.Tensors[tensor].Constant()
}

// floats returns input i of o, a constant of numbers.
func (c *constants) floats(o *file.Operator, i int) (*Weight, error) {
	tensor, ok := c.constant(o, i)
	if !ok {
		return nil, fmt.Errorf("its input %d is no constant of the file", i)
	}
	t := &c.g.Tensors[tensor]
	values, err := c.decode(t)
	if err != nil {
		return nil, err
	}
	w := &Weight{Tensor: tensor, Shape: dims(t), Values: values}
	if int64(len(values)) != t.Elements() {
		return nil, fmt.Errorf("%q has %d values for shape %v", t.Name, len(values), t.Shape)
	}
	return w, nil
}

func (c *constants) decode(t *file.Tensor) ([]float32, error) {
	where := storage{&t.Data[0], t.Type}
	if values, ok := c.decoded[where]; ok {
		return values, nil
	}
	values, ok := t.Float32s()
	if t.Type == file.Float16 && len(t.Data)%2 == 0 {
		ok, values = true, make([]float32, len(t.Data)/2)
		for i := range values {
			values[i] = float16.FromBits(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	}
	if !ok {
		return nil, notFloat(t)
	}
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%q has a value that is not finite", t.Name)
		}
	}
	c.decoded[where] = values
	return values, nil
}

// maxInts is more than the paddings or axes of any picture.
const maxInts = 16

// ints returns input i of o, a constant of int32.
func (c *constants) ints(o *file.Operator, i int) (*Weight, error) {
	tensor, ok := c.constant(o, i)
	if !ok {
		return nil, fmt.Errorf("its input %d is no constant of the file", i)
	}
	t := &c.g.Tensors[tensor]
	if t.Type != file.Int32 {
		return nil, fmt.Errorf("%q has type %v, want int32", t.Name, t.Type)
	}
	if n := t.Elements(); n > maxInts || int64(len(t.Data)) != 4*n {
		return nil, fmt.Errorf("%q has %d bytes for shape %v", t.Name, len(t.Data), t.Shape)
	}
	w := &Weight{Tensor: tensor, Shape: dims(t), Ints: make([]int32, len(t.Data)/4)}
	for k := range w.Ints {
		w.Ints[k] = int32(binary.LittleEndian.Uint32(t.Data[4*k:]))
	}
	return w, nil
}
