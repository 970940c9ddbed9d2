package network

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/tflite/file"
)

// readers has a function for each operator that can be fine-tuned. It fills in
// the layer and returns the shape of its output, batch included.
var readers = map[file.OpCode]func(*reader, *file.Operator, *Layer) ([]int, error){
	file.OpConv2D:          (*reader).conv,
	file.OpDepthwiseConv2D: (*reader).depthwise,
	file.OpFullyConnected:  (*reader).dense,
	file.OpAdd:             (*reader).add,
	file.OpMul:             (*reader).mul,
	file.OpPad:             (*reader).pad,
	file.OpMean:            (*reader).mean,
	file.OpAveragePool2D:   (*reader).pool,
	file.OpRelu:            (*reader).same,
	file.OpRelu6:           (*reader).same,
	file.OpHardSwish:       (*reader).same,
	file.OpReshape:         (*reader).reshape,
	file.OpSqueeze:         (*reader).reshape,
}

// known lists the operators that can be read.
func (p purpose) known() string {
	var names []string
	for code := range maps.Keys(p.readers) {
		names = append(names, code.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

var errOptions = errors.New("its options are missing or unknown")

// picture makes input i of o, which depends on the picture, an input of l, and
// returns its shape. rank is the rank it must have, 0 for any.
func (r *reader) picture(o *file.Operator, i int, l *Layer, rank int) ([]int, error) {
	if i >= len(o.Inputs) || o.Inputs[i] < 0 {
		return nil, fmt.Errorf("its input %d is missing", i)
	}
	t := o.Inputs[i]
	x := &r.g.Tensors[t]
	if !r.computed[t] {
		return nil, fmt.Errorf("its input %q is computed by no layer before it", x.Name)
	}
	if len(x.Shape) == 0 || rank > 0 && len(x.Shape) != rank {
		return nil, fmt.Errorf("its input %q has shape %v", x.Name, x.Shape)
	}
	l.Inputs = append(l.Inputs, t)
	return dims(x), nil
}

// weighted reads the inputs of an operator with weights: the picture, whose
// shape it returns, the kernel, and the bias, which may be missing. The kernel
// has the given rank, and the bias as many elements as the kernel's dimension
// channels.
func (r *reader) weighted(o *file.Operator, l *Layer, rank, channels int) (in []int, err error) {
	pictureRank := 0 // a dense layer takes any
	if o.Code != file.OpFullyConnected {
		pictureRank = rank
	}
	if in, err = r.picture(o, 0, l, pictureRank); err != nil {
		return nil, err
	}
	if l.Kernel, err = r.floats(o, 1); err != nil {
		return nil, err
	}
	if len(l.Kernel.Shape) != rank || slices.Contains(l.Kernel.Shape, 0) {
		return nil, fmt.Errorf("its kernel has shape %v", l.Kernel.Shape)
	}
	if len(o.Inputs) < 3 || o.Inputs[2] < 0 {
		return in, nil
	}
	if l.Bias, err = r.floats(o, 2); err != nil {
		return nil, err
	}
	if want := l.Kernel.Shape[channels]; !slices.Equal(l.Bias.Shape, []int{want}) {
		return nil, fmt.Errorf("its bias has shape %v, want [%d]", l.Bias.Shape, want)
	}
	return in, nil
}

func (r *reader) conv(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.Conv2DOptions)
	if !ok {
		return nil, errOptions
	}
	l.Activation = v.Activation
	in, err := r.weighted(o, l, 4, 0)
	if err != nil {
		return nil, err
	}
	k := l.Kernel.Shape
	if k[3] != in[3] {
		return nil, fmt.Errorf("its kernel reads %d of %d channels: grouped convolutions cannot be %s", k[3], in[3], r.purpose.verb)
	}
	h, w, err := slide(in, k[1:], v.Padding, v.StrideH, v.StrideW, v.DilationH, v.DilationW)
	return []int{in[0], h, w, k[0]}, err
}

func (r *reader) depthwise(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.DepthwiseConv2DOptions)
	if !ok {
		return nil, errOptions
	}
	l.Activation = v.Activation
	in, err := r.weighted(o, l, 4, 3)
	if err != nil {
		return nil, err
	}
	k := l.Kernel.Shape
	// Old files leave the multiplier out: the shapes say it too.
	multiplier := int(v.DepthMultiplier)
	if k[0] != 1 || k[3]%in[3] != 0 || multiplier != 0 && k[3] != in[3]*multiplier {
		return nil, fmt.Errorf("its kernel has shape %v for %d channels and a multiplier of %d", k, in[3], multiplier)
	}
	h, w, err := slide(in, k[1:], v.Padding, v.StrideH, v.StrideW, v.DilationH, v.DilationW)
	return []int{in[0], h, w, k[3]}, err
}

func (r *reader) pool(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.Pool2DOptions)
	if !ok {
		return nil, errOptions
	}
	l.Activation = v.Activation
	in, err := r.picture(o, 0, l, 4)
	if err != nil {
		return nil, err
	}
	window := []int{int(v.FilterHeight), int(v.FilterWidth)}
	h, w, err := slide(in, window, v.Padding, v.StrideH, v.StrideW, 1, 1)
	return []int{in[0], h, w, in[3]}, err
}

// slide returns the height and width that a window leaves of an input [n, h, w, c].
func slide(in, window []int, p file.Padding, strideH, strideW, dilationH, dilationW int32) (h, w int, err error) {
	if h, err = positions(in[1], window[0], int(strideH), int(dilationH), p); err != nil {
		return 0, 0, err
	}
	w, err = positions(in[2], window[1], int(strideW), int(dilationW), p)
	return h, w, err
}

// positions returns how many places a window takes along one dimension.
func positions(size, window, stride, dilation int, p file.Padding) (int, error) {
	dilation = max(dilation, 1)
	reach := (window-1)*dilation + 1
	switch {
	case window < 1 || stride < 1:
		return 0, fmt.Errorf("a window of %d with stride %d", window, stride)
	case p == file.Same:
		return (size + stride - 1) / stride, nil
	case p == file.Valid && reach <= size:
		return (size-reach)/stride + 1, nil
	}
	return 0, fmt.Errorf("a window of %d over %d with %v padding", reach, size, p)
}

func (r *reader) dense(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.FullyConnectedOptions)
	if !ok || v.WeightsFormat != 0 {
		return nil, errOptions
	}
	l.Activation = v.Activation
	in, err := r.weighted(o, l, 2, 0)
	if err != nil {
		return nil, err
	}
	units, inputs, last := l.Kernel.Shape[0], l.Kernel.Shape[1], len(in)-1
	switch {
	case v.KeepNumDims && last > 0 && in[last] == inputs:
		return append(slices.Clone(in[:last]), units), nil
	case !v.KeepNumDims && product(in[1:]) == inputs:
		return []int{in[0], units}, nil
	}
	return nil, fmt.Errorf("its kernel has shape %v for an input %v", l.Kernel.Shape, in)
}

func (r *reader) add(o *file.Operator, l *Layer) ([]int, error) {
	if v, ok := o.Options.(file.AddOptions); ok {
		l.Activation = v.Activation
	} else if o.Options != nil {
		return nil, errOptions
	}
	return r.binary(o, l)
}

func (r *reader) mul(o *file.Operator, l *Layer) ([]int, error) {
	if v, ok := o.Options.(file.MulOptions); ok {
		l.Activation = v.Activation
	} else if o.Options != nil {
		return nil, errOptions
	}
	return r.binary(o, l)
}

// binary reads an operator over two pictures, or over a picture and a constant,
// in any order.
func (r *reader) binary(o *file.Operator, l *Layer) ([]int, error) {
	if len(o.Inputs) != 2 {
		return nil, fmt.Errorf("it has %d inputs, want 2", len(o.Inputs))
	}
	var shape []int
	for i := range o.Inputs {
		if _, ok := r.constant(o, i); ok && l.Constant == nil {
			w, err := r.floats(o, i)
			if err != nil {
				return nil, err
			}
			l.Constant = w
			continue
		}
		s, err := r.picture(o, i, l, 0)
		if err != nil {
			return nil, err
		}
		if shape != nil && len(s) != len(shape) {
			return nil, fmt.Errorf("it joins %v and %v", shape, s)
		}
		if shape, err = broadcast(shape, s); err != nil {
			return nil, err
		}
	}
	if l.Constant == nil {
		return shape, nil
	}
	all, err := broadcast(shape, l.Constant.Shape)
	if err != nil || len(all) != len(shape) || all[0] != shape[0] {
		return nil, fmt.Errorf("it joins %v with a constant of shape %v", shape, l.Constant.Shape)
	}
	return all, nil
}

// broadcast returns the shape in which a and b are joined: dimensions are
// matched from the last, and 1 stretches.
func broadcast(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		k := len(a) - len(b) + i
		switch {
		case out[k] == 1:
			out[k] = d
		case d != 1 && d != out[k]:
			return nil, fmt.Errorf("it joins %v and %v", a, b)
		}
	}
	return out, nil
}

func (r *reader) pad(o *file.Operator, l *Layer) (shape []int, err error) {
	if shape, err = r.picture(o, 0, l, 0); err != nil {
		return nil, err
	}
	if l.Constant, err = r.ints(o, 1); err != nil {
		return nil, err
	}
	pads := l.Constant.Ints
	if !slices.Equal(l.Constant.Shape, []int{len(shape), 2}) || slices.Min(pads) < 0 || pads[0]+pads[1] != 0 {
		return nil, fmt.Errorf("its paddings are %v for %v", pads, shape)
	}
	for i := range shape {
		shape[i] += int(pads[2*i]) + int(pads[2*i+1])
	}
	return shape, nil
}

func (r *reader) mean(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.ReducerOptions)
	if !ok && o.Options != nil {
		return nil, errOptions
	}
	in, err := r.picture(o, 0, l, 0)
	if err != nil {
		return nil, err
	}
	if l.Constant, err = r.ints(o, 1); err != nil {
		return nil, err
	}
	reduced := make([]bool, len(in))
	for _, axis := range l.Constant.Ints {
		a := int(axis)
		if a < 0 {
			a += len(in)
		}
		if a < 1 || a >= len(in) {
			return nil, fmt.Errorf("it averages over axis %d of %v", axis, in)
		}
		reduced[a] = true
	}
	var shape []int
	for i, d := range in {
		switch {
		case !reduced[i]:
			shape = append(shape, d)
		case v.KeepDims:
			shape = append(shape, 1)
		}
	}
	return shape, nil
}

func (r *reader) same(o *file.Operator, l *Layer) ([]int, error) { return r.picture(o, 0, l, 0) }

// reshape reads RESHAPE and SQUEEZE, for which any shape will do that keeps the
// pictures apart.
func (r *reader) reshape(o *file.Operator, l *Layer) ([]int, error) {
	in, err := r.picture(o, 0, l, 0)
	if err != nil {
		return nil, err
	}
	out := dims(&r.g.Tensors[o.Outputs[0]])
	if len(out) == 0 || out[0] != in[0] || product(out) != product(in) {
		return nil, fmt.Errorf("it makes %v of %v", out, in)
	}
	l.Code, l.Options = file.OpReshape, file.ReshapeOptions{}
	return out, nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
