package keras

import (
	"encoding/binary"
	"math"

	"github.com/edge-adapt/edge/tflite/file"
)

// graph builds the operators of a model one after the other.
type graph struct{ file.Subgraph }

// model returns the network as a base for pictures of height x width pixels.
//
// Keras pads pictures of even size at the right and lower edge before it takes
// every second pixel, and those of odd size at all edges; that is what SAME means.
func (n *mobileNet) model(height, width int) *file.Model {
	g := &graph{}
	g.Name = "main"
	at := g.value("image", height, width, 3)
	g.Inputs = []int{at}
	block := at // the input of the block
	channels := 3
	for _, f := range n.units {
		height, width = (height+f.stride-1)/f.stride, (width+f.stride-1)/f.stride
		to := g.value(f.unit.out, height, width, f.out)
		g.convolve(f, at, to)
		at = to
		switch f.kind {
		case stem:
			block, channels = at, f.out
		case project:
			if f.add != "" && channels == f.out {
				to := g.value(f.add, height, width, f.out)
				g.operate(file.OpAdd, file.AddOptions{}, to, block, at)
				at = to
			}
			block, channels = at, f.out
		}
	}
	features := g.value("features", n.features())
	axes := g.constant("features/axes", file.Int32, []int32{2}, int32s(1, 2))
	g.operate(file.OpMean, file.ReducerOptions{}, features, at, axes)
	g.Outputs = []int{features}
	return &file.Model{
		Version:     3,
		Description: n.String() + ", from Keras weights.",
		Subgraphs:   []file.Subgraph{g.Subgraph},
		Metadata:    []file.Metadata{file.Normalisation{Mean: []float32{127.5}, Std: []float32{127.5}}.Metadata()},
	}
}

// convolve adds a convolution from one tensor to another.
func (g *graph) convolve(f folded, from, to int) {
	side := int32(1)
	if f.kind == stem || f.kind == depthwise {
		side = 3
	}
	activation := file.NoActivation
	if f.relu {
		activation = file.Relu6
	}
	code, shape := file.OpConv2D, []int32{int32(f.out), side, side, int32(f.in)}
	var options file.Options = file.Conv2DOptions{
		Padding: file.Same, StrideW: int32(f.stride), StrideH: int32(f.stride), Activation: activation, DilationW: 1, DilationH: 1,
	}
	if f.kind == depthwise {
		code, shape = file.OpDepthwiseConv2D, []int32{1, side, side, int32(f.out)}
		options = file.DepthwiseConv2DOptions{
			Padding: file.Same, StrideW: int32(f.stride), StrideH: int32(f.stride), DepthMultiplier: 1,
			Activation: activation, DilationW: 1, DilationH: 1,
		}
	}
	weights := g.constant(f.conv+"/kernel", file.Float32, shape, float32s(f.weights))
	bias := g.constant(f.conv+"/bias", file.Float32, []int32{int32(f.out)}, float32s(f.bias))
	g.operate(code, options, to, from, weights, bias)
}

// value adds a float32 tensor of any number of pictures.
func (g *graph) value(name string, dims ...int) int {
	t := file.Tensor{Name: name, Type: file.Float32, Shape: []int32{1}, ShapeSignature: []int32{-1}, HasRank: true}
	for _, d := range dims {
		t.Shape, t.ShapeSignature = append(t.Shape, int32(d)), append(t.ShapeSignature, int32(d))
	}
	g.Tensors = append(g.Tensors, t)
	return len(g.Tensors) - 1
}

func (g *graph) constant(name string, typ file.TensorType, shape []int32, data []byte) int {
	g.Tensors = append(g.Tensors, file.Tensor{Name: name, Type: typ, Shape: shape, Data: data, HasRank: true})
	return len(g.Tensors) - 1
}

func (g *graph) operate(code file.OpCode, options file.Options, to int, from ...int) {
	g.Operators = append(g.Operators, file.Operator{Code: code, Options: options, Inputs: from, Outputs: []int{to}})
}

func float32s(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func int32s(values ...int32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}
