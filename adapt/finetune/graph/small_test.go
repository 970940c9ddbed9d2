//go:build tensorflow

package graph

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/tflite/file"
)

// smallModel writes the network of testdata/golden_small.py, which has every operator
// that trains, as a .tflite file would hold it.
type smallModel struct {
	g       file.Subgraph
	kernels uint64 // made so far
}

func (m *smallModel) tensor(t file.Tensor, shape ...int32) int {
	t.Shape = shape
	m.g.Tensors = append(m.g.Tensors, t)
	return len(m.g.Tensors) - 1
}

func (m *smallModel) floats(values []float32, shape ...int32) int {
	data, _ := binary.Append(nil, binary.LittleEndian, values)
	return m.tensor(file.Tensor{Type: file.Float32, Data: data}, shape...)
}

func (m *smallModel) ints(values []int32, shape ...int32) int {
	data, _ := binary.Append(nil, binary.LittleEndian, values)
	return m.tensor(file.Tensor{Type: file.Int32, Data: data}, shape...)
}

// add appends an operator whose output has the name and the shape.
func (m *smallModel) add(name string, code file.OpCode, o file.Options, shape []int32, inputs ...int) int {
	out := m.tensor(file.Tensor{Name: name, Type: file.Float32}, append([]int32{1}, shape...)...)
	m.g.Operators = append(m.g.Operators, file.Operator{Code: code, Version: 1, Options: o, Inputs: inputs, Outputs: []int{out}})
	return out
}

// weighted appends an operator with a kernel and a bias.
func (m *smallModel) weighted(name string, code file.OpCode, o file.Options, shape []int32, input int, kernel ...int32) int {
	seed := m.kernels
	m.kernels++
	size, units := 1, shape[len(shape)-1]
	for _, d := range kernel {
		size *= int(d)
	}
	w := m.floats(times(draws(2*seed+1, size), 0.7), kernel...)
	b := m.floats(times(draws(2*seed+2, int(units)), 0.3), units)
	return m.add(name, code, o, shape, input, w, b)
}

func small() *file.Model {
	var m smallModel
	conv := func(stride, dilation int32, p file.Padding, a file.Activation) file.Options {
		return file.Conv2DOptions{Padding: p, StrideW: stride, StrideH: stride, DilationW: dilation, DilationH: dilation, Activation: a}
	}
	depth := func(stride, dilation, multiplier int32, a file.Activation) file.Options {
		return file.DepthwiseConv2DOptions{Padding: file.Same, StrideW: stride, StrideH: stride,
			DepthMultiplier: multiplier, DilationW: dilation, DilationH: dilation, Activation: a}
	}
	const plain = file.NoActivation
	m.g.Inputs = []int{m.tensor(file.Tensor{Name: "picture", Type: file.Float32}, 1, 8, 8, 3)}
	x := m.add("pad", file.OpPad, file.PlainOptions{Kind: 22}, []int32{9, 9, 3}, 0, m.ints([]int32{0, 0, 0, 1, 0, 1, 0, 0}, 4, 2))
	stem := m.weighted("stem", file.OpConv2D, conv(2, 1, file.Valid, file.Relu6), []int32{4, 4, 6}, x, 6, 3, 3, 3)
	x = m.weighted("expand", file.OpConv2D, conv(1, 1, file.Same, file.Relu6), []int32{4, 4, 8}, stem, 8, 1, 1, 6)
	x = m.weighted("depth", file.OpDepthwiseConv2D, depth(1, 1, 1, plain), []int32{4, 4, 8}, x, 1, 3, 3, 8)
	x = m.add("swish", file.OpHardSwish, file.PlainOptions{Kind: 91}, []int32{4, 4, 8}, x)
	x = m.weighted("project", file.OpConv2D, conv(1, 1, file.Same, plain), []int32{4, 4, 6}, x, 6, 1, 1, 8)
	sum := m.add("sum", file.OpAdd, file.AddOptions{}, []int32{4, 4, 6}, x, stem)
	x = m.add("squeeze", file.OpMean, file.ReducerOptions{}, []int32{6}, sum, m.ints([]int32{1, 2}, 2))
	x = m.weighted("gate", file.OpFullyConnected, file.FullyConnectedOptions{Activation: file.Relu}, []int32{6}, x, 6, 6)
	x = m.add("unflat", file.OpReshape, file.ReshapeOptions{}, []int32{1, 1, 6}, x, m.ints([]int32{-1, 1, 1, 6}, 4))
	x = m.add("shift", file.OpAdd, file.AddOptions{}, []int32{1, 1, 6}, x, m.floats(plus(draws(61, 6), 3), 6))
	x = m.add("clip", file.OpRelu6, file.PlainOptions{}, []int32{1, 1, 6}, x)
	x = m.add("scale", file.OpMul, file.MulOptions{}, []int32{1, 1, 6}, x, m.floats(plus(times(draws(62, 6), 0.1), 1./6), 6))
	x = m.add("excite", file.OpMul, file.MulOptions{}, []int32{4, 4, 6}, sum, x)
	x = m.weighted("wide", file.OpConv2D, conv(1, 2, file.Same, plain), []int32{4, 4, 5}, x, 5, 3, 3, 6)
	x = m.add("relu", file.OpRelu, file.PlainOptions{}, []int32{4, 4, 5}, x)
	x = m.weighted("spread", file.OpDepthwiseConv2D, depth(1, 2, 1, plain), []int32{4, 4, 5}, x, 1, 3, 3, 5)
	x = m.weighted("twice", file.OpDepthwiseConv2D, depth(2, 1, 2, file.Relu6), []int32{2, 2, 10}, x, 1, 3, 3, 10)
	x = m.add("pool", file.OpAveragePool2D, file.Pool2DOptions{Padding: file.Same, StrideW: 1, StrideH: 1,
		FilterWidth: 2, FilterHeight: 2}, []int32{2, 2, 10}, x)
	m.g.Outputs = []int{x}
	return &file.Model{Version: 3, Subgraphs: []file.Subgraph{m.g}}
}

// smallNetwork is small read as layers, with the names and the normalisation
// that golden_small.py gives them.
func smallNetwork(t testing.TB) *network.Network {
	t.Helper()
	n, err := network.Read(small())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n.Layers {
		l := &n.Layers[i]
		l.Name = n.Model.Main().Tensors[l.Output].Name
		l.Norm = l.Kernel != nil && l.Code != file.OpFullyConnected
	}
	return n
}

const (
	smallImages  = 5
	smallHidden  = 7
	smallClasses = 3
)

func smallHead() *head.Head {
	return &head.Head{
		Features: 10, Hidden: smallHidden, Classes: smallClasses,
		W1: draws(51, 10*smallHidden), B1: draws(52, smallHidden),
		W2: draws(53, smallHidden*smallClasses), B2: draws(54, smallClasses),
	}
}

// smallConfig trains everything.
func smallConfig(t testing.TB, norm BatchNorm) Config {
	n := smallNetwork(t)
	c := Config{Network: n, Selection: from(n, 0), BatchNorm: norm, Heads: []*head.Head{smallHead()}, Moments: map[int]Moments{}}
	seed := uint64(0)
	for i, l := range n.Layers {
		if l.Kernel == nil {
			continue
		}
		if l.Norm {
			channels := len(l.Bias.Values)
			c.Moments[i] = Moments{
				Mean:     times(draws(100+seed, channels), 0.2),
				Variance: plus(times(draws(200+seed, channels), 0.4), 0.5),
			}
		}
		seed++
	}
	return c
}

func smallBatch() Batch {
	b := Batch{N: smallImages, Frontier: [][]float32{draws(71, smallImages*8*8*3)}, Keep: draws(72, smallImages*smallHidden)}
	for i, v := range b.Keep {
		b.Keep[i] = 2 * float32(math.Ceil(max(0, float64(v))))
	}
	b.Targets = plus(make([]float32, smallImages*smallClasses), float32(0.1)/float32(3))
	for i := range smallImages {
		b.Targets[i*smallClasses+i%smallClasses] += 0.9
	}
	return b
}
