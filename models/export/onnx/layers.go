package onnx

import (
	"errors"
	"slices"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"
	"github.com/edge-adapt/edge/tflite/file"
)

// layer appends the nodes of a layer. What network.ReadWhole has checked, such
// as ranks, shapes and the kinds of options, holds.
func (b *builder) layer(l *network.Layer) error {
	v, err := b.linear(l)
	if err != nil {
		return err
	}
	switch l.Activation {
	case file.Relu:
		v.name = b.node("Relu", l.Name+"/relu", []string{v.name})
	case file.Relu6:
		v.name = b.relu6(l.Name+"/relu6", v.name)
	}
	b.values[l.Output] = v
	return nil
}

// linear appends what a layer computes before its activation.
func (b *builder) linear(l *network.Layer) (value, error) {
	// What kind of options these have, network.ReadWhole has checked.
	switch l.Code {
	case file.OpConv2D:
		o, _ := l.Options.(file.Conv2DOptions)
		return b.conv(l, window{
			l.Kernel.Shape[1:3], [2]int32{o.StrideH, o.StrideW}, [2]int32{o.DilationH, o.DilationW}, o.Padding,
		}), nil
	case file.OpDepthwiseConv2D:
		o, _ := l.Options.(file.DepthwiseConv2DOptions)
		return b.depthwise(l, window{
			l.Kernel.Shape[1:3], [2]int32{o.StrideH, o.StrideW}, [2]int32{o.DilationH, o.DilationW}, o.Padding,
		}), nil
	case file.OpAveragePool2D:
		o, _ := l.Options.(file.Pool2DOptions)
		size := []int{int(o.FilterHeight), int(o.FilterWidth)}
		return b.pool(l, window{size, [2]int32{o.StrideH, o.StrideW}, [2]int32{1, 1}, o.Padding}), nil
	case file.OpSoftmax:
		o, _ := l.Options.(file.SoftmaxOptions)
		return b.softmax(l, o.Beta), nil
	case file.OpFullyConnected:
		return b.dense(l), nil
	case file.OpAdd:
		return b.binary("Add", l), nil
	case file.OpMul:
		return b.binary("Mul", l), nil
	case file.OpPad:
		return b.pad(l), nil
	case file.OpMean:
		o, _ := l.Options.(file.ReducerOptions) // without options the dimensions go
		return b.mean(l, o.KeepDims), nil
	case file.OpReshape:
		return b.reshape(l), nil
	case file.OpRelu, file.OpRelu6, file.OpHardSwish, file.OpLogistic:
		return b.elementwise(l), nil
	}
	return value{}, errors.New("this operator cannot be exported")
}

// conv takes kernels from [out, h, w, in] to [out, in, h, w].
func (b *builder) conv(l *network.Layer, w window) value {
	s := l.Kernel.Shape
	kernel := b.floats(l.Name+"/kernel", l.Kernel, []int{s[0], s[3], s[1], s[2]}, "channels first", func() []float32 {
		return transposed(l.Kernel.Values, s[0], s[1]*s[2], s[3])
	})
	return b.slide("Conv", l, w, b.weighted(l, b.channelsFirst(l.Inputs[0]), kernel), 1)
}

// depthwise takes kernels from [1, h, w, channels*multiplier] to
// [channels*multiplier, 1, h, w].
func (b *builder) depthwise(l *network.Layer, w window) value {
	s := l.Kernel.Shape
	kernel := b.floats(l.Name+"/kernel", l.Kernel, []int{s[3], 1, s[1], s[2]}, "channels first", func() []float32 {
		return transposed(l.Kernel.Values, 1, s[1]*s[2], s[3])
	})
	channels := b.network.Shape(l.Inputs[0])[2]
	return b.slide("Conv", l, w, b.weighted(l, b.channelsFirst(l.Inputs[0]), kernel), channels)
}

// weighted returns the inputs of a node with weights.
func (b *builder) weighted(l *network.Layer, x, kernel string) []string {
	inputs := []string{x, kernel}
	if l.Bias != nil {
		inputs = append(inputs, b.bias(l))
	}
	return inputs
}

func (b *builder) bias(l *network.Layer) string {
	return b.floats(l.Name+"/bias", l.Bias, l.Bias.Shape, "", nil)
}

// slide appends a node whose window moves over a map.
func (b *builder) slide(operator string, l *network.Layer, w window, inputs []string, groups int) value {
	attributes := w.attributes(b.network.Shape(l.Inputs[0]), b.network.Shape(l.Output))
	if operator == "Conv" {
		attributes = append(attributes, number("group", groups), numbers("dilations", w.dilations()...))
	}
	return value{b.node(operator, l.Name, inputs, attributes...), true}
}

func (b *builder) pool(l *network.Layer, w window) value {
	inputs := []string{b.channelsFirst(l.Inputs[0])}
	in := b.network.Shape(l.Inputs[0])
	if w.padding == file.Valid && slices.Equal(w.size, in[:2]) {
		return value{b.node("GlobalAveragePool", l.Name, inputs), true}
	}
	return b.slide("AveragePool", l, w, inputs, 1) // padding does not count, as in the file
}

// dense works along the last dimension of a matrix, or of any tensor that keeps
// its rank.
func (b *builder) dense(l *network.Layer) value {
	s := l.Kernel.Shape
	if out := b.rank(l.Output); out > 2 {
		kernel := b.floats(l.Name+"/kernel", l.Kernel, []int{s[1], s[0]}, "transposed", func() []float32 {
			return transposed(l.Kernel.Values, 1, s[0], s[1])
		})
		y := b.node("MatMul", l.Name, []string{b.asInFile(l.Inputs[0]), kernel})
		if l.Bias != nil {
			y = b.node("Add", l.Name+"/add", []string{y, b.bias(l)})
		}
		return value{name: y}
	}
	x := b.flat(l.Inputs[0], l.Name+"/flatten")
	kernel := b.floats(l.Name+"/kernel", l.Kernel, s, "", nil)
	return value{name: b.node("Gemm", l.Name, b.weighted(l, x, kernel), number("transB", 1))}
}

// flat returns a tensor as a matrix of one row a picture.
func (b *builder) flat(tensor int, name string) string {
	x := b.ordered(tensor)
	if b.rank(tensor) == 2 {
		return x
	}
	return b.node("Flatten", name, []string{x}, number("axis", 1))
}

// ordered returns a tensor whose elements lie in the file's order, whatever its
// shape.
func (b *builder) ordered(tensor int) string {
	if b.pixel(tensor) {
		return b.values[tensor].name
	}
	return b.asInFile(tensor)
}

// reshape never mixes pictures: the first dimension stays what it is.
func (b *builder) reshape(l *network.Layer) value {
	out := b.network.Shape(l.Output)
	if len(out) == 1 {
		return value{name: b.node("Flatten", l.Name, []string{b.ordered(l.Inputs[0])}, number("axis", 1))}
	}
	shape := append([]int{0}, out...) // zero: as it is
	first := b.pixel(l.Output)
	if first {
		shape = []int{0, out[2], 1, 1}
	}
	inputs := []string{b.ordered(l.Inputs[0]), b.ints(l.Name+"/shape", shape)}
	return value{b.node("Reshape", l.Name, inputs), first}
}

// mean averages over height and width as pooling does; over other dimensions by
// their numbers in the file.
func (b *builder) mean(l *network.Layer, keep bool) value {
	x := l.Inputs[0]
	axes := make([]int, len(l.Constant.Ints))
	for i, axis := range l.Constant.Ints {
		axes[i] = (int(axis) + b.rank(x)) % b.rank(x)
	}
	slices.Sort(axes)
	axes = slices.Compact(axes)
	if b.rank(x) != 4 || !slices.Equal(axes, []int{1, 2}) {
		kept := number("keepdims", 0)
		if keep {
			kept = number("keepdims", 1)
		}
		return value{name: b.node("ReduceMean", l.Name, []string{b.asInFile(x)}, numbers("axes", axes...), kept)}
	}
	y := value{b.node("GlobalAveragePool", l.Name, []string{b.channelsFirst(x)}), true}
	if !keep {
		y = value{name: b.node("Flatten", l.Name+"/flatten", []string{y.name}, number("axis", 1))}
	}
	return y
}

// binary joins two tensors, or one and a constant, by ONNX's rules of
// broadcasting, which are those of the file: dimensions match from the last.
func (b *builder) binary(operator string, l *network.Layer) value {
	maps := !slices.ContainsFunc(l.Inputs, func(t int) bool { return b.rank(t) != 4 })
	var inputs []string
	for _, t := range l.Inputs {
		if maps {
			inputs = append(inputs, b.channelsFirst(t))
		} else {
			inputs = append(inputs, b.asInFile(t))
		}
	}
	if c := l.Constant; c != nil {
		inputs = append(inputs, b.operand(l.Name+"/constant", c, maps))
	}
	return value{b.node(operator, l.Name, inputs), maps}
}

// operand is a constant to be joined with a tensor, whose channels come first if
// maps is set.
func (b *builder) operand(name string, c *network.Weight, maps bool) string {
	if !maps {
		return b.floats(name, c, c.Shape, "", nil)
	}
	s := []int{1, 1, 1, 1}
	copy(s[4-len(c.Shape):], c.Shape)
	return b.floats(name, c, []int{s[0], s[3], s[1], s[2]}, "channels first", func() []float32 {
		return transposed(c.Values, s[0], s[1]*s[2], s[3])
	})
}

// pad adds zeros. The file has a row of before and after for each dimension,
// ONNX all of before and then all of after.
func (b *builder) pad(l *network.Layer) value {
	tensor, rows := l.Inputs[0], l.Constant.Ints
	order := make([]int, b.rank(tensor))
	for i := range order {
		order[i] = i
	}
	v := value{first: len(order) == 4}
	if v.first {
		order = []int{0, 3, 1, 2}
		v.name = b.channelsFirst(tensor)
	} else {
		v.name = b.asInFile(tensor)
	}
	var pads []int
	for side := range 2 {
		for _, i := range order {
			pads = append(pads, int(rows[2*i+side]))
		}
	}
	v.name = b.node("Pad", l.Name, []string{v.name, b.ints(l.Name+"/pads", pads)})
	return v
}

func (b *builder) elementwise(l *network.Layer) value {
	v := b.values[l.Inputs[0]]
	switch l.Code {
	case file.OpRelu:
		v.name = b.node("Relu", l.Name, []string{v.name})
	case file.OpRelu6:
		v.name = b.relu6(l.Name, v.name)
	case file.OpLogistic:
		v.name = b.node("Sigmoid", l.Name, []string{v.name})
	default: // HARD_SWISH, x*relu6(x+3)/6; ONNX's own operator of that name is younger
		gate := b.node("HardSigmoid", l.Name+"/gate", []string{v.name}, fraction("alpha", 1./6), fraction("beta", 0.5))
		v.name = b.node("Mul", l.Name, []string{v.name, gate})
	}
	return v
}

func (b *builder) relu6(name, x string) string {
	return b.node("Clip", name, []string{x, b.scalar(0), b.scalar(6)})
}

func (b *builder) softmax(l *network.Layer, beta float32) value {
	x := b.asInFile(l.Inputs[0])
	if beta != 1 {
		x = b.node("Mul", l.Name+"/beta", []string{x, b.scalar(beta)})
	}
	return value{name: b.node("Softmax", l.Name, []string{x}, number("axis", -1))}
}

// window is how a kernel moves over a map; pairs are of height and width.
type window struct {
	size     []int
	stride   [2]int32
	dilation [2]int32 // zero means 1
	padding  file.Padding
}

func (w window) dilations() []int {
	return []int{max(1, int(w.dilation[0])), max(1, int(w.dilation[1]))}
}

// attributes says how the window moves from a map of shape in to one of shape
// out, both [h, w, c]. "Same" padding adds what is missing, the odd one behind.
func (w window) attributes(in, out []int) []*schema.AttributeProto {
	pads := make([]int, 4) // top, left, bottom, right
	if w.padding == file.Same {
		for axis, d := range w.dilations() {
			reach := (w.size[axis]-1)*d + 1
			missing := max(0, (out[axis]-1)*int(w.stride[axis])+reach-in[axis])
			pads[axis] = missing / 2
			pads[axis+2] = missing - missing/2
		}
	}
	return []*schema.AttributeProto{
		numbers("kernel_shape", w.size...),
		numbers("strides", int(w.stride[0]), int(w.stride[1])),
		numbers("pads", pads...),
	}
}

// transposed returns n matrices of positions by channels as n of channels by
// positions, all row-major.
func transposed(values []float32, n, positions, channels int) []float32 {
	turned := make([]float32, len(values))
	for i := range n {
		base := i * positions * channels
		for p := range positions {
			for c := range channels {
				turned[base+c*positions+p] = values[base+p*channels+c]
			}
		}
	}
	return turned
}
