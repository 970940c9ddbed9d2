//go:build tensorflow

package graph

import (
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// linear adds what a layer computes from x before bias, normalisation and
// activation. in and out are the shapes of its first input and its output for
// one picture; kernel is in TensorFlow's layout.
func (b *builder) linear(l *network.Layer, kernel tf.Output, x []tf.Output, in, out []int) (tf.Output, error) {
	switch l.Code {
	case file.OpConv2D:
		o, err := options[file.Conv2DOptions](l)
		if err != nil {
			return tf.Output{}, err
		}
		w := window{l.Kernel.Shape[1:3], [2]int32{o.StrideH, o.StrideW}, [2]int32{o.DilationH, o.DilationW}, o.Padding}
		return b.slide(w, x[0], in, func(x tf.Output, padding string) tf.Output {
			return op.Conv2D(b.at("conv"), x, kernel, w.nhwc(), padding)
		})

	case file.OpDepthwiseConv2D:
		o, err := options[file.DepthwiseConv2DOptions](l)
		if err != nil {
			return tf.Output{}, err
		}
		w := window{l.Kernel.Shape[1:3], [2]int32{o.StrideH, o.StrideW}, [2]int32{o.DilationH, o.DilationW}, o.Padding}
		return b.slide(w, x[0], in, func(x tf.Output, padding string) tf.Output {
			return op.DepthwiseConv2dNative(b.at("depthwise"), x, kernel, w.nhwc(), padding)
		})

	case file.OpFullyConnected:
		y := op.MatMul(b.at("dense"), b.reshape(x[0], l.Kernel.Shape[1]), kernel)
		return b.reshape(y, out...), nil // the file may keep the input's rank

	case file.OpAveragePool2D:
		o, err := options[file.Pool2DOptions](l)
		if err != nil {
			return tf.Output{}, err
		}
		size := []int64{1, int64(o.FilterHeight), int64(o.FilterWidth), 1}
		strides := []int64{1, int64(o.StrideH), int64(o.StrideW), 1}
		return op.AvgPool(b.at("pool"), x[0], size, strides, paddingName(o.Padding)), nil

	case file.OpMean:
		o, err := options[file.ReducerOptions](l)
		if err != nil {
			return tf.Output{}, err
		}
		return op.Mean(b.at("mean"), x[0], b.ints(l.Constant.Ints...), op.MeanKeepDims(o.KeepDims)), nil

	case file.OpAdd:
		return op.AddV2(b.at("add"), x[0], b.second(l, x)), nil
	case file.OpMul:
		return op.Mul(b.at("mul"), x[0], b.second(l, x)), nil
	case file.OpPad:
		rows := op.Const(b.at("shape"), []int32{-1, 2})
		return op.Pad(b.at("pad"), x[0], op.Reshape(b.at("paddings"), b.ints(l.Constant.Ints...), rows)), nil
	case file.OpReshape:
		return b.reshape(x[0], out...), nil
	case file.OpRelu:
		return op.Relu(b.at("relu"), x[0]), nil
	case file.OpRelu6:
		return op.Relu6(b.at("relu6"), x[0]), nil
	case file.OpLogistic:
		return op.Sigmoid(b.at("sigmoid"), x[0]), nil
	case file.OpSoftmax:
		o, err := options[file.SoftmaxOptions](l)
		if err != nil {
			return tf.Output{}, err
		}
		return op.Softmax(b.at("softmax"), op.Mul(b.at("beta"), x[0], b.scalar(o.Beta))), nil
	case file.OpHardSwish:
		gate := op.Relu6(b.at("gate"), op.AddV2(b.at("shift"), x[0], b.scalar(3)))
		return op.Mul(b.at("hardswish"), x[0], op.Mul(b.at("scale"), gate, b.scalar(1./6))), nil
	}
	return tf.Output{}, hint.Wrap(fmt.Errorf("operator %v cannot be trained", l.Code),
		"unfreeze fewer layers, so that it stays in the frozen part, or take another base")
}

// second is the second operand of a layer: a tensor, or the layer's constant.
func (b *builder) second(l *network.Layer, x []tf.Output) tf.Output {
	if len(x) == 2 {
		return x[1]
	}
	return b.constant(l.Constant.Values, l.Constant.Shape...)
}

// activate adds the function fused into an operator.
func (b *builder) activate(x tf.Output, a file.Activation) (tf.Output, error) {
	switch a {
	case file.NoActivation:
		return x, nil
	case file.Relu:
		return op.Relu(b.at("relu"), x), nil
	case file.Relu6:
		return op.Relu6(b.at("relu6"), x), nil
	}
	return x, fmt.Errorf("activation %v cannot be trained", a)
}

// options returns a layer's options as those of its operator.
func options[T file.Options](l *network.Layer) (T, error) {
	o, ok := l.Options.(T)
	if !ok {
		return o, fmt.Errorf("operator %v has options of the wrong kind: %T", l.Code, l.Options)
	}
	return o, nil
}

// window is how a kernel moves over a map; pairs are of height and width.
type window struct {
	size     []int
	stride   [2]int32
	dilation [2]int32
	padding  file.Padding
}

func (w window) nhwc() []int64 { return []int64{1, int64(w.stride[0]), int64(w.stride[1]), 1} }

func paddingName(p file.Padding) string {
	if p == file.Same {
		return "SAME"
	}
	return "VALID"
}

// slide adds convolve, dilated as the window says.
//
// TensorFlow's C++ gradients of convolutions forget the dilation. So the map
// is dealt out into dilation x dilation maps of every so-manieth position,
// which become part of the batch, and put together again behind the
// convolution: the same sums. in is the map's shape, [height, width, channels].
func (b *builder) slide(w window, x tf.Output, in []int, convolve func(tf.Output, string) tf.Output) (tf.Output, error) {
	if w.dilation[0] <= 1 && w.dilation[1] <= 1 {
		return convolve(x, paddingName(w.padding)), nil
	}
	if w.stride != [2]int32{1, 1} {
		return x, fmt.Errorf("stride %v together with dilation %v cannot be trained", w.stride, w.dilation)
	}
	var pads, crops []int32 // rows of before, after; for height and width
	for axis, d := range w.dilation {
		var before, total int32
		if w.padding == file.Same {
			total = int32(w.size[axis]-1) * d
			before = total / 2
		}
		short := (int32(in[axis]) + total) % d
		extra := (d - short) % d
		pads = append(pads, before, total-before+extra)
		crops = append(crops, 0, extra)
	}
	table := func(v []int32) tf.Output {
		return op.Const(b.at("table"), [][]int32{v[:2], v[2:]})
	}
	block := b.ints(slices.Clone(w.dilation[:])...)
	dealt := op.SpaceToBatchND(b.at("deal"), x, block, table(pads))
	return op.BatchToSpaceND(b.at("gather"), convolve(dealt, "VALID"), block, table(crops)), nil
}
