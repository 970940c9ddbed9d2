package onnx

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"
	"github.com/edge-adapt/edge/tflite/file"

	"google.golang.org/protobuf/proto"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parsed(t testing.TB, data []byte) *file.Model {
	t.Helper()
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encoded(t testing.TB, m *file.Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func converted(t testing.TB, data []byte, o Options) []byte {
	t.Helper()
	model, err := Convert(parsed(t, data), o)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func decoded(t testing.TB, data []byte) *schema.ModelProto {
	t.Helper()
	m := &schema.ModelProto{}
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// noise is n random numbers, the same each time, as a constant's bytes.
func noise(n int, deviation float64) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 2))
	var data []byte
	for range n {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(random.NormFloat64()*deviation)))
	}
	return data
}

// chain grows a model whose last tensor is the next operator's input.
type chain struct{ file.Subgraph }

func newChain(shape ...int32) *chain {
	c := &chain{}
	c.Tensors = []file.Tensor{{Name: "picture", Shape: shape}}
	c.Inputs, c.Outputs = []int{0}, []int{0}
	return c
}

func (c *chain) tensor(t file.Tensor) int {
	c.Tensors = append(c.Tensors, t)
	return len(c.Tensors) - 1
}

func (c *chain) weight(shape ...int32) int { return c.spread(0.4, shape...) }

// spread is a constant of random numbers with that deviation.
func (c *chain) spread(deviation float64, shape ...int32) int {
	t := file.Tensor{Name: "weight", Shape: shape}
	t.Data = noise(int(t.Elements()), deviation)
	return c.tensor(t)
}

func (c *chain) ints(shape []int32, v ...int32) int {
	t := file.Tensor{Name: "ints", Shape: shape, Type: file.Int32}
	for _, n := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(n))
	}
	return c.tensor(t)
}

// then appends an operator on the last value and further inputs.
func (c *chain) then(code file.OpCode, options file.Options, shape []int32, inputs ...int) int {
	in := append([]int{c.Outputs[0]}, inputs...)
	out := c.tensor(file.Tensor{Name: "value", Shape: shape})
	c.Operators = append(c.Operators, file.Operator{Code: code, Inputs: in, Outputs: []int{out}, Options: options})
	c.Outputs = []int{out}
	return out
}

func (c *chain) model() *file.Model {
	return &file.Model{Version: 3, Subgraphs: []file.Subgraph{c.Subgraph}}
}

// every uses what the models that TensorFlow's converter made for the tests of
// tflite/file leave out: sizes that "same" padding does not divide, windows that
// are not square, dilation, a multiplier, paddings of all sides, averages of other
// dimensions than a map's, dense layers on maps, and joins of all kinds.
func every() *file.Model {
	c := newChain(1, 11, 14, 3)
	c.then(file.OpMul, file.MulOptions{}, []int32{1, 11, 14, 3}, c.weight(3))
	c.then(file.OpAdd, file.AddOptions{}, []int32{1, 11, 14, 3}, c.weight(11, 14, 1))
	c.then(file.OpPad, nil, []int32{1, 12, 17, 3}, c.ints([]int32{4, 2}, 0, 0, 1, 0, 1, 2, 0, 0))
	c.then(file.OpConv2D, file.Conv2DOptions{StrideH: 2, StrideW: 3, Activation: file.Relu}, []int32{1, 6, 6, 5},
		c.weight(5, 3, 2, 3), c.weight(5))
	c.then(file.OpHardSwish, nil, []int32{1, 6, 6, 5})
	c.then(file.OpDepthwiseConv2D, file.DepthwiseConv2DOptions{StrideH: 1, StrideW: 1, DilationH: 2, DilationW: 1, DepthMultiplier: 2},
		[]int32{1, 6, 6, 10}, c.weight(1, 3, 4, 10), c.weight(10))
	x := c.then(file.OpRelu6, nil, []int32{1, 6, 6, 10})

	c.then(file.OpMean, file.ReducerOptions{KeepDims: true}, []int32{1, 1, 1, 10}, c.ints([]int32{2}, -3, 2))
	c.then(file.OpConv2D, file.Conv2DOptions{StrideH: 1, StrideW: 1, Activation: file.Relu6}, []int32{1, 1, 1, 10}, c.weight(10, 1, 1, 10), c.weight(10))
	c.then(file.OpLogistic, nil, []int32{1, 1, 1, 10})
	c.then(file.OpMul, file.MulOptions{}, []int32{1, 6, 6, 10}, x)

	c.then(file.OpAveragePool2D, file.Pool2DOptions{FilterHeight: 3, FilterWidth: 2, StrideH: 4, StrideW: 1}, []int32{1, 2, 6, 10})
	c.then(file.OpFullyConnected, file.FullyConnectedOptions{KeepNumDims: true, Activation: file.Relu}, []int32{1, 2, 6, 8},
		c.weight(8, 10), c.weight(8))
	c.then(file.OpConv2D, file.Conv2DOptions{Padding: file.Valid, StrideH: 1, StrideW: 1}, []int32{1, 1, 5, 8}, c.weight(8, 2, 2, 8), c.weight(8))
	c.then(file.OpMean, file.ReducerOptions{}, []int32{1, 1, 8}, c.ints([]int32{1}, 2))
	c.then(file.OpReshape, nil, []int32{1, 4, 1, 2}, c.ints([]int32{4}, 1, 4, 1, 2))
	c.then(file.OpConv2D, file.Conv2DOptions{StrideH: 1, StrideW: 1}, []int32{1, 4, 1, 3}, c.weight(3, 1, 1, 2), c.weight(3))
	c.then(file.OpFullyConnected, file.FullyConnectedOptions{}, []int32{1, 7}, c.weight(7, 12))
	c.then(file.OpReshape, nil, []int32{1, 1, 1, 7}, c.ints([]int32{4}, 1, 1, 1, 7))
	c.then(file.OpConv2D, file.Conv2DOptions{StrideH: 1, StrideW: 1}, []int32{1, 1, 1, 7}, c.weight(7, 1, 1, 7), c.weight(7))
	c.then(file.OpSqueeze, file.SqueezeOptions{Dims: []int32{1, 2}}, []int32{1, 7})
	c.then(file.OpSoftmax, file.SoftmaxOptions{Beta: 0.5}, []int32{1, 7})
	return c.model()
}

// withHead appends pooling, if the base ends in a map, a hidden layer and a
// softmax over so many classes.
func withHead(t testing.TB, base []byte, classes int32) *file.Model {
	t.Helper()
	m := parsed(t, base)
	c := &chain{*m.Main()}
	shape := c.Tensors[c.Outputs[0]].Shape
	features := shape[len(shape)-1]
	if len(shape) == 4 {
		c.then(file.OpMean, file.ReducerOptions{}, []int32{1, features}, c.ints([]int32{2}, 1, 2))
	}
	c.then(file.OpFullyConnected, file.FullyConnectedOptions{Activation: file.Relu}, []int32{1, 16}, c.weight(16, features), c.weight(16))
	// Small, or one class would have a score of 1 whatever the picture.
	last := c.spread(0.01, classes, 16)
	c.then(file.OpFullyConnected, file.FullyConnectedOptions{}, []int32{1, classes}, last, c.weight(classes))
	c.then(file.OpSoftmax, file.SoftmaxOptions{Beta: 1}, []int32{1, classes})
	return c.model()
}
