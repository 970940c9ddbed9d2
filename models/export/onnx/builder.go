package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"

	"google.golang.org/protobuf/proto"
)

// builder grows an ONNX graph layer by layer.
type builder struct {
	network *network.Network
	graph   *schema.GraphProto

	values    map[int]value       // by tensor of the file: what computes it
	names     map[string]int      // how often a name was asked for
	constants map[constant]string // so that what the file has once is written once
}

// value is a tensor of the graph.
type value struct {
	name string

	// first says that the channels come first: the file's [n, h, w, c] is
	// [n, c, h, w] here. Tensors of other ranks are as in the file.
	first bool
}

// constant is what an initialiser is made of.
type constant struct {
	data  *float32
	shape string // as written
	order string // how the elements were rearranged
}

func newBuilder(n *network.Network, name string) *builder {
	b := &builder{
		network: n, graph: &schema.GraphProto{Name: proto.String(name)},
		values: map[int]value{}, names: map[string]int{InputName: 1, OutputName: 1}, constants: map[constant]string{},
	}
	b.values[n.Input] = value{name: InputName}
	shape := n.Shape(n.Input)
	b.graph.Input = []*schema.ValueInfoProto{described(InputName, shape, "DATA_FEATURE", "DATA_FEATURE", "DATA_CHANNEL")}
	b.graph.Output = []*schema.ValueInfoProto{described(OutputName, n.Shape(n.Feature.Tensor))}
	return b
}

// described is a float32 tensor of the given shape for each of N pictures, with
// what ONNX calls the dimensions.
func described(name string, shape []int, denotations ...string) *schema.ValueInfoProto {
	dims := []*schema.TensorShapeProto_Dimension{{
		Value:      &schema.TensorShapeProto_Dimension_DimParam{DimParam: "N"},
		Denotation: proto.String("DATA_BATCH"),
	}}
	for i, d := range shape {
		dim := &schema.TensorShapeProto_Dimension{Value: &schema.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}}
		if i < len(denotations) {
			dim.Denotation = proto.String(denotations[i])
		}
		dims = append(dims, dim)
	}
	return &schema.ValueInfoProto{
		Name: proto.String(name),
		Type: &schema.TypeProto{Value: &schema.TypeProto_TensorType{TensorType: &schema.TypeProto_Tensor{
			ElemType: proto.Int32(int32(schema.TensorProto_FLOAT)),
			Shape:    &schema.TensorShapeProto{Dim: dims},
		}}},
	}
}

// unique returns name, numbered if something has it already.
func (b *builder) unique(name string) string {
	n := b.names[name]
	b.names[name]++
	if n == 0 {
		return name
	}
	return b.unique(fmt.Sprintf("%s_%d", name, n))
}

// node appends a node with one output and returns the output's name, which is
// the node's too.
func (b *builder) node(operator, name string, inputs []string, attributes ...*schema.AttributeProto) string {
	name = b.unique(name)
	b.graph.Node = append(b.graph.Node, &schema.NodeProto{
		Name: proto.String(name), OpType: proto.String(operator),
		Input: inputs, Output: []string{name}, Attribute: attributes,
	})
	return name
}

// number is an attribute of one integer.
func number(name string, v int) *schema.AttributeProto {
	return &schema.AttributeProto{Name: proto.String(name), I: proto.Int64(int64(v)), Type: schema.AttributeProto_INT.Enum()}
}

// numbers is an attribute of integers.
func numbers(name string, v ...int) *schema.AttributeProto {
	return &schema.AttributeProto{Name: proto.String(name), Ints: int64s(v), Type: schema.AttributeProto_INTS.Enum()}
}

// fraction is an attribute of one float.
func fraction(name string, v float32) *schema.AttributeProto {
	return &schema.AttributeProto{Name: proto.String(name), F: proto.Float32(v), Type: schema.AttributeProto_FLOAT.Enum()}
}

func int64s(v []int) []int64 {
	list := make([]int64, len(v))
	for i, n := range v {
		list[i] = int64(n)
	}
	return list
}

// floats is an initialiser of the given shape. order says what values are of
// w's, and may be nil for as they are.
func (b *builder) floats(name string, w *network.Weight, shape []int, order string, rearranged func() []float32) string {
	key := constant{&w.Values[0], fmt.Sprint(shape), order}
	if written, ok := b.constants[key]; ok {
		return written
	}
	values := w.Values
	if rearranged != nil {
		values = rearranged()
	}
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	b.constants[key] = b.initialiser(name, schema.TensorProto_FLOAT, shape, raw)
	return b.constants[key]
}

// scalar is an initialiser of one float without dimensions, the same for all
// that ask for the same number.
func (b *builder) scalar(v float32) string {
	key := constant{shape: fmt.Sprint(v)}
	if _, ok := b.constants[key]; !ok {
		raw := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
		b.constants[key] = b.initialiser(fmt.Sprintf("number/%v", v), schema.TensorProto_FLOAT, nil, raw)
	}
	return b.constants[key]
}

// ints is an initialiser of int64, a list.
func (b *builder) ints(name string, v []int) string {
	var raw []byte
	for _, n := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(n))
	}
	return b.initialiser(name, schema.TensorProto_INT64, []int{len(v)}, raw)
}

func (b *builder) initialiser(name string, kind schema.TensorProto_DataType, shape []int, raw []byte) string {
	name = b.unique(name)
	b.graph.Initializer = append(b.graph.Initializer, &schema.TensorProto{
		Name: proto.String(name), DataType: proto.Int32(int32(kind)), Dims: int64s(shape), RawData: raw,
	})
	return name
}

// rank returns the rank of a tensor of the file, batch included.
func (b *builder) rank(tensor int) int { return len(b.network.Shape(tensor)) + 1 }

// pixel reports whether a tensor has one position of height and width, so that
// its elements lie in the same order wherever its channels stand.
func (b *builder) pixel(tensor int) bool {
	s := b.network.Shape(tensor)
	return len(s) == 3 && s[0]*s[1] == 1
}

// channelsFirst returns the name of a tensor of rank 4 as [n, c, h, w], turned
// around if need be.
func (b *builder) channelsFirst(tensor int) string {
	return b.turned(tensor, true, "/nchw", 0, 3, 1, 2)
}

// asInFile returns the name of a tensor in the shape that the file gives it.
func (b *builder) asInFile(tensor int) string {
	return b.turned(tensor, false, "/nhwc", 0, 2, 3, 1)
}

// turned returns a tensor with its channels first or last. Once turned, it stays
// so for whatever else asks.
func (b *builder) turned(tensor int, first bool, suffix string, order ...int) string {
	v := b.values[tensor]
	if v.first != first {
		v = value{b.node("Transpose", v.name+suffix, []string{v.name}, numbers("perm", order...)), first}
		b.values[tensor] = v
	}
	return v.name
}

// finish gives the last value the name of the output.
func (b *builder) finish() {
	last := b.asInFile(b.network.Feature.Tensor)
	for _, n := range b.graph.Node {
		for _, list := range [][]string{n.Input, n.Output} {
			for i, name := range list {
				if name == last {
					list[i] = OutputName
				}
			}
		}
	}
}
