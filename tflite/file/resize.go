package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// maxResized bounds a tensor of a resized model, in elements.
const maxResized = 1 << 28

// Resize returns the model for pictures of another size, in pixels. Its only
// input is [batch, height, width, channels]; a size that was open is fixed.
//
// Weights stay as they are. Every shape between is computed anew, and a pooling
// over the whole of the old map becomes one over the whole of the new. It is an
// error if something depends on the old size in another way, such as a dense
// layer over a flattened map, or if the picture becomes too small. Padding that
// the file states as numbers stays too.
//
// The result shares its constants with m.
func (m *Model) Resize(height, width int) (*Model, error) {
	if height < 1 || width < 1 || height > 1<<15 || width > 1<<15 {
		return nil, fmt.Errorf("resize the input to %dx%d: want 1 to %d", height, width, 1<<15)
	}
	out := *m
	out.Subgraphs = slices.Clone(m.Subgraphs)
	g := out.Main()
	g.Tensors = slices.Clone(g.Tensors)
	g.Operators = slices.Clone(g.Operators)
	if err := (&resizer{g: g, old: m.Main()}).run(int32(height), int32(width)); err != nil {
		return nil, fmt.Errorf("resize the input to %dx%d: %w", height, width, err)
	}
	return &out, nil
}

// resizer gives the tensors of g new shapes, from the input on.
type resizer struct {
	g       *Subgraph
	old     *Subgraph
	changed []bool // by tensor: it has another shape than in old
}

func (r *resizer) run(height, width int32) error {
	r.changed = make([]bool, len(r.g.Tensors))
	if len(r.g.Inputs) != 1 {
		return fmt.Errorf("the model has %d inputs, want one picture", len(r.g.Inputs))
	}
	input := r.g.Inputs[0]
	shape := r.g.Tensors[input].Shape
	if len(shape) != 4 {
		return fmt.Errorf("the input has shape %v, want [batch height width channels]", shape)
	}
	if err := r.set(input, []int32{shape[0], height, width, shape[3]}); err != nil {
		return err
	}
	for i := range r.g.Operators {
		o := &r.g.Operators[i]
		if !slices.ContainsFunc(o.Inputs, func(t int) bool { return t >= 0 && r.changed[t] }) {
			continue
		}
		if err := r.operator(o); err != nil {
			return fmt.Errorf("operator #%d, %s: %w", i, o.Name(), err)
		}
	}
	return nil
}

// set gives tensor t a shape. A batch that is open stays open; other dimensions
// are as the shape says.
func (r *resizer) set(t int, shape []int32) error {
	x := &r.g.Tensors[t]
	for _, d := range shape {
		if d < 1 {
			return errors.New("the picture is too small: nothing would be left of it")
		}
	}
	if n := elements(shape); n < 0 || n > maxResized {
		return fmt.Errorf("%v is too large", shape)
	}
	if x.Constant() {
		return errors.New("its output is a constant")
	}
	open := len(x.ShapeSignature) == len(shape) && len(shape) > 0 && x.ShapeSignature[0] < 0
	r.changed[t] = r.changed[t] || !slices.Equal(x.Shape, shape)
	x.Shape, x.ShapeSignature = shape, nil
	if open {
		x.ShapeSignature = slices.Clone(shape)
		x.ShapeSignature[0] = -1
	}
	return nil
}

// operator computes the shape of what o makes, of which an input has changed.
func (r *resizer) operator(o *Operator) error {
	if o.Code == OpConcatenation {
		return r.concatenation(o)
	}
	if len(o.Outputs) != 1 || len(o.Inputs) == 0 || o.Inputs[0] < 0 {
		return errDepends
	}
	in := r.g.Tensors[o.Inputs[0]].Shape
	shape, err := r.shape(o, in)
	if err != nil {
		return err
	}
	return r.set(o.Outputs[0], shape)
}

// errDepends says that no rule is known for an operator.
var errDepends = errors.New("what it makes depends on the size of the picture in a way that is not known here")

func (r *resizer) shape(o *Operator, in []int32) ([]int32, error) {
	switch o.Code.String() {
	case "CONV_2D":
		v, ok := o.Options.(Conv2DOptions)
		if !ok {
			return nil, errDepends
		}
		return r.convolution(o, in, v.Padding, window{v.StrideH, v.DilationH}, window{v.StrideW, v.DilationW})
	case "DEPTHWISE_CONV_2D":
		v, ok := o.Options.(DepthwiseConv2DOptions)
		if !ok {
			return nil, errDepends
		}
		return r.convolution(o, in, v.Padding, window{v.StrideH, v.DilationH}, window{v.StrideW, v.DilationW})
	case "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D":
		return r.pool(o, in)
	case "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD":
		return r.reduction(o, in)
	case "PAD", "PADV2", "MIRROR_PAD":
		return r.padding(o, in)
	case "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "PRELU":
		return r.broadcast(o)
	case "SHAPE":
		return r.g.Tensors[o.Outputs[0]].Shape, nil // the rank is the same
	case "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "ELU", "GELU", "TANH", "LOGISTIC", "HARD_SWISH",
		"QUANTIZE", "DEQUANTIZE", "FAKE_QUANT", "CAST", "ABS", "NEG", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "FLOOR", "CEIL", "ROUND",
		"L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION", "SOFTMAX", "LOG_SOFTMAX":
		return slices.Clone(in), nil
	case "FULLY_CONNECTED", "RESHAPE", "SQUEEZE":
		return nil, fmt.Errorf("it takes the whole map of %v, so the size of the picture is fixed", r.old.Tensors[o.Inputs[0]].Shape)
	}
	return nil, errDepends
}

// window is how a kernel moves along one axis.
type window struct{ stride, dilation int32 }

// positions returns how often a kernel of size k fits into n.
func (w window) positions(n, k int32, p Padding) (int32, error) {
	stride, dilation := int64(w.stride), max(int64(w.dilation), 1)
	if stride < 1 || k < 1 || dilation > 1<<15 || k > 1<<15 {
		return 0, fmt.Errorf("stride %d, kernel %d, dilation %d", stride, k, dilation)
	}
	switch p {
	case Same:
		return int32((int64(n) + stride - 1) / stride), nil
	case Valid:
		return int32(max(0, (int64(n)-((int64(k)-1)*dilation+1)+stride)/stride)), nil
	}
	return 0, fmt.Errorf("unknown %v", p)
}

func (r *resizer) convolution(o *Operator, in []int32, p Padding, h, w window) ([]int32, error) {
	out := r.g.Tensors[o.Outputs[0]].Shape
	if len(in) != 4 || len(out) != 4 || len(o.Inputs) < 2 || o.Inputs[1] < 0 || len(r.g.Tensors[o.Inputs[1]].Shape) != 4 {
		return nil, errDepends
	}
	kernel := r.g.Tensors[o.Inputs[1]].Shape
	height, err := h.positions(in[1], kernel[1], p)
	if err != nil {
		return nil, err
	}
	width, err := w.positions(in[2], kernel[2], p)
	return []int32{in[0], height, width, out[3]}, err
}

// pool follows a pooling; one over the whole old map is made one over the whole
// new map.
func (r *resizer) pool(o *Operator, in []int32) ([]int32, error) {
	v, ok := o.Options.(Pool2DOptions)
	old := r.old.Tensors[o.Inputs[0]].Shape
	if !ok || len(in) != 4 || len(old) != 4 {
		return nil, errDepends
	}
	before := r.old.Tensors[o.Outputs[0]].Shape
	if v.FilterHeight == old[1] && v.FilterWidth == old[2] && len(before) == 4 && before[1] == 1 && before[2] == 1 {
		v.FilterHeight, v.FilterWidth = in[1], in[2]
		if v.Padding == Same {
			v.StrideH, v.StrideW = in[1], in[2]
		}
		o.Options = v
		return []int32{in[0], 1, 1, in[3]}, nil
	}
	height, err := window{v.StrideH, 1}.positions(in[1], v.FilterHeight, v.Padding)
	if err != nil {
		return nil, err
	}
	width, err := window{v.StrideW, 1}.positions(in[2], v.FilterWidth, v.Padding)
	return []int32{in[0], height, width, in[3]}, err
}

func (r *resizer) reduction(o *Operator, in []int32) ([]int32, error) {
	v, ok := o.Options.(ReducerOptions)
	axes, constant := r.integers(o, 1)
	if !ok || !constant {
		return nil, errDepends
	}
	reduced := make([]bool, len(in))
	for _, a := range axes {
		if a < 0 {
			a += int64(len(in))
		}
		if a < 0 || a >= int64(len(in)) {
			return nil, fmt.Errorf("axis %d of %d", a, len(in))
		}
		reduced[a] = true
	}
	shape := []int32{}
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

func (r *resizer) padding(o *Operator, in []int32) ([]int32, error) {
	pads, constant := r.integers(o, 1)
	if !constant || len(pads) != 2*len(in) {
		return nil, errDepends
	}
	shape := slices.Clone(in)
	for i := range shape {
		before, after := pads[2*i], pads[2*i+1]
		if before < 0 || after < 0 || before > maxResized || after > maxResized {
			return nil, fmt.Errorf("padding by %d and %d", before, after)
		}
		sum := int64(shape[i]) + before + after
		if sum > maxResized {
			return nil, fmt.Errorf("padding by %d and %d", before, after)
		}
		shape[i] = int32(sum)
	}
	return shape, nil
}

// broadcast joins the shapes of two inputs, aligned at their last dimensions,
// where 1 fits everything.
func (r *resizer) broadcast(o *Operator) ([]int32, error) {
	if len(o.Inputs) != 2 || o.Inputs[1] < 0 {
		return nil, errDepends
	}
	a, b := r.g.Tensors[o.Inputs[0]].Shape, r.g.Tensors[o.Inputs[1]].Shape
	if len(a) < len(b) {
		a, b = b, a
	}
	shape := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case shape[at] == d || d == 1:
		case shape[at] == 1:
			shape[at] = d
		default:
			return nil, fmt.Errorf("%v and %v would not fit together", a, b)
		}
	}
	return shape, nil
}

func (r *resizer) concatenation(o *Operator) error {
	v, ok := o.Options.(ConcatenationOptions)
	if !ok || len(o.Outputs) != 1 || slices.Min(o.Inputs) < 0 {
		return errDepends
	}
	shape := slices.Clone(r.g.Tensors[o.Inputs[0]].Shape)
	axis := int(v.Axis)
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis >= len(shape) {
		return fmt.Errorf("axis %d of %d", v.Axis, len(shape))
	}
	sum := int64(0)
	for _, t := range o.Inputs {
		other := slices.Clone(r.g.Tensors[t].Shape)
		if len(other) != len(shape) {
			return errDepends
		}
		sum += int64(other[axis])
		other[axis] = shape[axis]
		if !slices.Equal(other, shape) {
			return fmt.Errorf("%v and %v would not fit together", shape, other)
		}
	}
	if sum > maxResized {
		return fmt.Errorf("%d along axis %d is too large", sum, axis)
	}
	shape[axis] = int32(sum)
	return r.set(o.Outputs[0], shape)
}

// integers returns the constant integers of an input.
func (r *resizer) integers(o *Operator, input int) (list []int64, ok bool) {
	if len(o.Inputs) <= input || o.Inputs[input] < 0 {
		return nil, false
	}
	t := &r.g.Tensors[o.Inputs[input]]
	if !t.Constant() || t.dataSize() != int64(len(t.Data)) {
		return nil, false
	}
	switch t.Type {
	case Int32:
		for at := 0; at < len(t.Data); at += 4 {
			list = append(list, int64(int32(binary.LittleEndian.Uint32(t.Data[at:]))))
		}
	case Int64:
		for at := 0; at < len(t.Data); at += 8 {
			list = append(list, int64(binary.LittleEndian.Uint64(t.Data[at:])))
		}
	default:
		return nil, false
	}
	return list, true
}
