package network

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// builder makes models by hand. Its weights are random but always the same.
type builder struct {
	file.Subgraph
	random *rand.Rand
}

func newBuilder(shape ...int32) *builder {
	b := &builder{random: rand.New(rand.NewPCG(1, 2))}
	b.Inputs = []int{b.tensor(shape...)}
	return b
}

// model ends the model with the given tensor as its output.
func (b *builder) model(output int) *file.Model {
	b.Outputs = []int{output}
	return &file.Model{Version: 3, Subgraphs: []file.Subgraph{b.Subgraph}}
}

func (b *builder) add(t file.Tensor) int {
	b.Tensors = append(b.Tensors, t)
	return len(b.Tensors) - 1
}

func (b *builder) tensor(shape ...int32) int {
	return b.add(file.Tensor{Name: "value", Shape: shape})
}

// weight makes a constant of values spread so that activations keep their size.
func (b *builder) weight(inputs int, shape ...int32) int {
	t := file.Tensor{Name: "weight", Shape: shape}
	for range t.Elements() {
		v := b.random.NormFloat64() * math.Sqrt(2/float64(inputs))
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32(v)))
	}
	return b.add(t)
}

func (b *builder) ints(shape []int32, values ...int32) int {
	t := file.Tensor{Name: "ints", Shape: shape, Type: file.Int32}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
	}
	return b.add(t)
}

// operator appends an operator with one output and returns the output.
func (b *builder) operator(code file.OpCode, options file.Options, shape []int32, inputs ...int) int {
	out := b.tensor(shape...)
	b.Operators = append(b.Operators, file.Operator{Code: code, Inputs: inputs, Outputs: []int{out}, Options: options})
	return out
}

func (b *builder) shape(t int) []int32 { return b.Tensors[t].Shape }

func halved(n, stride int32) int32 { return (n + stride - 1) / stride }

func (b *builder) conv(in int, window, stride, channels int32, a file.Activation) int {
	s := b.shape(in)
	return b.operator(file.OpConv2D, file.Conv2DOptions{StrideW: stride, StrideH: stride, Activation: a},
		[]int32{s[0], halved(s[1], stride), halved(s[2], stride), channels}, in,
		b.weight(int(window*window*s[3]), channels, window, window, s[3]), b.weight(8, channels))
}

func (b *builder) depthwise(in int, window, stride int32, a file.Activation) int {
	s := b.shape(in)
	return b.operator(file.OpDepthwiseConv2D,
		file.DepthwiseConv2DOptions{StrideW: stride, StrideH: stride, DepthMultiplier: 1, Activation: a},
		[]int32{s[0], halved(s[1], stride), halved(s[2], stride), s[3]}, in,
		b.weight(int(window*window), 1, window, window, s[3]), b.weight(8, s[3]))
}

func (b *builder) mean(in int) int {
	s := b.shape(in)
	return b.operator(file.OpMean, file.ReducerOptions{}, []int32{s[0], s[3]}, in, b.ints([]int32{2}, 1, 2))
}

// pad adds a row below and a column on the right.
func (b *builder) pad(in int) int {
	s := b.shape(in)
	return b.operator(file.OpPad, nil, []int32{s[0], s[1] + 1, s[2] + 1, s[3]}, in,
		b.ints([]int32{4, 2}, 0, 0, 0, 1, 0, 1, 0, 0))
}

// tinyV2 is MobileNetV2 with three blocks, of which the second has stride 2 and
// the third adds its input.
func tinyV2() *builder {
	b := newBuilder(1, 8, 8, 3)
	x := b.conv(0, 3, 2, 4, file.Relu6)
	x = b.depthwise(x, 3, 1, file.Relu6)
	x = b.conv(x, 1, 1, 4, file.NoActivation)
	x = b.conv(x, 1, 1, 8, file.Relu6)
	x = b.depthwise(x, 3, 2, file.Relu6)
	x = b.conv(x, 1, 1, 6, file.NoActivation)
	y := b.conv(x, 1, 1, 8, file.Relu6)
	y = b.depthwise(y, 3, 1, file.Relu6)
	y = b.conv(y, 1, 1, 6, file.NoActivation)
	x = b.operator(file.OpAdd, file.AddOptions{}, b.shape(x), x, y)
	b.mean(b.conv(x, 1, 1, 10, file.Relu6))
	return b
}

// every uses every operator that can be fine-tuned: padding, squeeze and
// excitation as in MobileNetV3, a dense layer, and a scale on the features.
func every() *builder {
	b := newBuilder(1, 9, 7, 3)
	x := b.pad(0)
	s := b.shape(x)
	x = b.operator(file.OpConv2D, file.Conv2DOptions{Padding: file.Valid, StrideW: 2, StrideH: 2, Activation: file.Relu},
		[]int32{1, (s[1]-3)/2 + 1, (s[2]-3)/2 + 1, 5}, x, b.weight(27, 5, 3, 3, 3), b.weight(8, 5))
	x = b.operator(file.OpHardSwish, nil, b.shape(x), x)
	s = b.shape(x)
	x = b.operator(file.OpDepthwiseConv2D, file.DepthwiseConv2DOptions{StrideW: 1, StrideH: 1, DilationW: 2, DilationH: 2},
		[]int32{1, s[1], s[2], 10}, x, b.weight(9, 1, 3, 3, 10), b.weight(8, 10))
	x = b.operator(file.OpRelu6, nil, b.shape(x), x)

	e := b.operator(file.OpMean, file.ReducerOptions{KeepDims: true}, []int32{1, 1, 1, 10}, x, b.ints([]int32{2}, -3, 2))
	e = b.conv(e, 1, 1, 4, file.Relu)
	e = b.conv(e, 1, 1, 10, file.NoActivation)
	e = b.operator(file.OpAdd, file.AddOptions{Activation: file.Relu6}, b.shape(e), e, b.weight(1))
	e = b.operator(file.OpMul, file.MulOptions{}, b.shape(e), b.weight(1), e)
	x = b.operator(file.OpMul, file.MulOptions{}, b.shape(x), x, e)

	x = b.conv(x, 1, 1, 6, file.NoActivation)
	x = b.operator(file.OpRelu, nil, b.shape(x), x)
	s = b.shape(x)
	x = b.operator(file.OpAveragePool2D, file.Pool2DOptions{FilterHeight: 3, FilterWidth: 3, StrideH: 2, StrideW: 2},
		[]int32{1, halved(s[1], 2), halved(s[2], 2), 6}, x)
	s = b.shape(x)
	x = b.operator(file.OpFullyConnected, file.FullyConnectedOptions{KeepNumDims: true, Activation: file.Relu},
		[]int32{1, s[1], s[2], 7}, x, b.weight(6, 7, 6), b.weight(8, 7))
	x = b.operator(file.OpAveragePool2D, file.Pool2DOptions{Padding: file.Valid, FilterHeight: s[1], FilterWidth: s[2], StrideH: 1, StrideW: 1},
		[]int32{1, 1, 1, 7}, x)
	x = b.operator(file.OpSqueeze, file.SqueezeOptions{Dims: []int32{1, 2}}, []int32{1, 7}, x)
	x = b.operator(file.OpMul, nil, []int32{1, 7}, x, b.weight(1, 7))
	x = b.operator(file.OpAdd, nil, []int32{1, 7}, x, b.weight(1, 7))
	b.operator(file.OpReshape, file.ReshapeOptions{NewShape: []int32{-1, 7}}, []int32{1, 7}, x)
	return b
}

// built ends a model at the last operator and reads it back from its bytes.
func (b *builder) built(t testing.TB) (*file.Model, []byte) {
	t.Helper()
	data := encoded(t, b.model(len(b.Tensors)-1))
	return parsed(t, data), data
}

func encoded(t testing.TB, m *file.Model) []byte {
	t.Helper()
	data, err := m.Encode()
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

func loaded(t testing.TB, path string) (*file.Model, []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, data), data
}

func network(t testing.TB, m *file.Model) *Network {
	t.Helper()
	n, err := Read(m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const embedded = "../../../models/base/mobilenet_v2_0.35_128.tflite"
