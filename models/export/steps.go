package export

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/edge-adapt/edge/tflite/file"
)

// steps is a small model made by hand: one operator after the other.
type steps struct {
	g  file.Subgraph
	at int // the tensor that the next operator reads
}

// newSteps begins with an input.
func newSteps(name string, input file.Tensor) *steps {
	return &steps{g: file.Subgraph{Name: name, Tensors: []file.Tensor{input}, Inputs: []int{0}}}
}

// then adds an operator that reads what came last, and the constants behind it,
// and makes out.
func (s *steps) then(code file.OpCode, version int, o file.Options, out file.Tensor, constants ...file.Tensor) {
	inputs := []int{s.at}
	for _, t := range constants {
		inputs = append(inputs, s.add(t))
	}
	s.at = s.add(out)
	s.g.Operators = append(s.g.Operators, file.Operator{
		Code: code, Version: version, Inputs: inputs, Outputs: []int{s.at}, Options: o,
	})
}

func (s *steps) add(t file.Tensor) int {
	s.g.Tensors = append(s.g.Tensors, t)
	return len(s.g.Tensors) - 1
}

// shape is that of what came last.
func (s *steps) shape() []int32 { return s.g.Tensors[s.at].Shape }

// model returns what was added, whose output is what came last. Without any
// operator that is the input.
func (s *steps) model() *file.Model {
	s.g.Outputs = []int{s.at}
	return &file.Model{Version: 3, Subgraphs: []file.Subgraph{s.g}}
}

// like is a value of the same type, shape and quantisation as t.
func like(t *file.Tensor, name string) file.Tensor {
	return file.Tensor{
		Name: name, Type: t.Type, Shape: t.Shape, ShapeSignature: t.ShapeSignature, Quantisation: t.Quantisation,
	}
}

// floats is a float32 value with an open batch.
func floats(name string, shape []int32) file.Tensor {
	signature := slices.Clone(shape)
	signature[0] = -1
	return file.Tensor{Name: name, Type: file.Float32, Shape: shape, ShapeSignature: signature}
}

// bytes is a quantised value with an open batch.
func bytes(name string, t file.TensorType, shape []int32, scale float32, zero int64) file.Tensor {
	x := floats(name, shape)
	x.Type = t
	x.Quantisation = &file.Quantisation{Scale: []float32{scale}, ZeroPoint: []int64{zero}}
	return x
}

// ints is a constant list.
func ints(name string, values ...int32) file.Tensor {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	return file.Tensor{Name: name, Type: file.Int32, Shape: []int32{int32(len(values))}, Data: data}
}

// numbers is a constant of that shape.
func numbers(name string, shape []int32, values ...float32) file.Tensor {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return file.Tensor{Name: name, Type: file.Float32, Shape: shape, Data: data}
}
