package quantise

import (
	"fmt"

	"github.com/edge-adapt/edge/tflite/file"
)

// builder writes the int8 subgraph.
type builder struct {
	*graph
	out    file.Subgraph
	index  []int       // by tensor of the float graph: the one in out, or -1 so far
	border []int       // likewise the one that callers see, where it is another
	scales []scale     // by tensor of the float graph, for values
	means  [][]float32 // likewise the means of channels, nil where they are not known
}

func newBuilder(g *graph) *builder {
	n := len(g.Tensors)
	b := &builder{
		graph: g, out: file.Subgraph{Name: g.Name},
		index: make([]int, n), border: make([]int, n), scales: make([]scale, n), means: make([][]float32, n),
	}
	for i := range n {
		b.index[i], b.border[i] = -1, -1
	}
	return b
}

// convert fills in out.
func (b *builder) convert(ranges map[int]Range, floatBorder bool) error {
	for _, t := range b.Inputs {
		r, err := b.ranged(ranges, t)
		if err != nil {
			return err
		}
		b.scales[t], b.means[t] = scaleOf(r, 0), r.Means
	}
	for _, t := range b.Inputs {
		b.out.Inputs = append(b.out.Inputs, b.enter(t, floatBorder))
	}
	for _, s := range b.steps {
		if err := b.step(s, ranges); err != nil {
			return fmt.Errorf("%s to %q: %w", s.Name(), b.Tensors[s.Outputs[0]].Name, err)
		}
	}
	for _, t := range b.Outputs {
		b.out.Outputs = append(b.out.Outputs, b.leave(t, floatBorder))
	}
	return nil
}

// ranged returns the range given for a tensor.
func (b *builder) ranged(ranges map[int]Range, tensor int) (Range, error) {
	r, ok := ranges[tensor]
	if !ok {
		return r, fmt.Errorf("no range is given for tensor %d (%q)", tensor, b.Tensors[tensor].Name)
	}
	x := &b.Tensors[tensor]
	if err := r.check(); err != nil {
		return r, fmt.Errorf("tensor %d (%q): %w", tensor, x.Name, err)
	}
	if n := len(r.Means); n > 0 && n != channels(x) {
		return r, fmt.Errorf("tensor %d (%q): %d means for shape %v", tensor, x.Name, n, x.Shape)
	}
	return r, nil
}

// step converts one operator.
func (b *builder) step(s step, ranges map[int]Range) error {
	o := file.Operator{Code: s.Code, Version: max(s.Version, s.rule.version), Options: s.Options}
	switch s.rule.form {
	case keeping:
		b.scales[s.Outputs[0]] = b.scales[s.Inputs[0]]
		if s.Code != file.OpMaxPool2D && channels(&b.Tensors[s.Outputs[0]]) == channels(&b.Tensors[s.Inputs[0]]) {
			b.means[s.Outputs[0]] = b.means[s.Inputs[0]] // but for what is padded
		}
	case bounded:
		b.scales[s.Outputs[0]] = boundedScale
	case weighted, elementwise, rescaling:
		if err := b.compute(s, ranges, &o); err != nil {
			return err
		}
	}
	if o.Inputs == nil {
		for _, t := range s.Inputs {
			o.Inputs = append(o.Inputs, b.tensor(t))
		}
	}
	for _, t := range s.Outputs {
		o.Outputs = append(o.Outputs, b.tensor(t))
	}
	b.out.Operators = append(b.out.Operators, o)
	return nil
}

// compute settles the scale of the output of s, from its own range, and of the
// constants that it is computed with.
func (b *builder) compute(s step, ranges map[int]Range, o *file.Operator) error {
	r, err := b.ranged(ranges, s.Outputs[0])
	if err != nil {
		return err
	}
	b.means[s.Outputs[0]] = r.Means
	if r, err = r.within(s.activation); err != nil {
		return err
	}
	switch s.rule.form {
	case weighted:
		o.Inputs, err = b.weigh(s, r)
	case elementwise:
		o.Inputs, err = b.combine(s, r, o)
	case rescaling:
		b.scales[s.Outputs[0]] = scaleOf(r, b.scales[s.Inputs[0]].step*finest)
	}
	return err
}

// finest bounds the step of an output from below, as a share of the step of what
// is computed: beyond 256 the kernels' fixed-point factors end, and nothing
// would be gained.
const finest = 1.0 / 128

// weigh quantises weights and bias, and returns the three inputs.
func (b *builder) weigh(s step, r Range) ([]int, error) {
	weights, err := b.constant(s.Inputs[1])
	if err != nil {
		return nil, err
	}
	k := newKernel(&b.Tensors[s.Inputs[1]], weights, s.rule.axis)
	in := b.scales[s.Inputs[0]].step
	out := scaleOf(r, in*k.coarsest()*finest)
	b.scales[s.Outputs[0]] = out

	biasTensor := bias(s.Operator)
	var values []float32
	if biasTensor >= 0 {
		if values, err = b.constant(biasTensor); err != nil {
			return nil, err
		}
	}
	k.widen(values, in, out.step)
	rounded := k.tensor()
	inputs := []int{b.tensor(s.Inputs[0]), b.add(rounded), -1}
	if biasTensor >= 0 {
		k.correct(values, rounded.Data, b.means[s.Inputs[0]])
		t, err := k.bias(&b.Tensors[biasTensor], values, in)
		if err != nil {
			return nil, err
		}
		inputs[2] = b.add(t)
	}
	return inputs, nil
}

// combine quantises the constant of a sum or product, if there is one, and
// returns both inputs.
func (b *builder) combine(s step, r Range, o *file.Operator) ([]int, error) {
	var inputs []int
	var steps [2]float32
	for i, t := range s.Inputs {
		if b.values[t] {
			inputs, steps[i] = append(inputs, b.tensor(t)), b.scales[t].step
			continue
		}
		values, err := b.constant(t)
		if err != nil {
			return nil, err
		}
		of, err := span(values)
		if err != nil {
			return nil, err
		}
		c := scaleOf(of, 0)
		inputs, steps[i] = append(inputs, b.add(stored(&b.Tensors[t], values, c))), c.step
	}
	computed := max(steps[0], steps[1])
	if s.Code == file.OpMul {
		computed = steps[0] * steps[1]
	}
	out := scaleOf(r, computed*finest)
	if s.Code == file.OpMul && computed >= out.step {
		o.Version = max(o.Version, 3) // before it, products had to be finer than the output
	}
	b.scales[s.Outputs[0]] = out
	return inputs, nil
}

// stored returns the constant t as int8.
func stored(t *file.Tensor, values []float32, s scale) file.Tensor {
	data := make([]byte, len(values))
	for i, v := range values {
		data[i] = s.store(v)
	}
	return file.Tensor{Name: t.Name, Shape: t.Shape, HasRank: t.HasRank, Type: file.Int8, Data: data, Quantisation: s.quantisation()}
}

// tensor returns the tensor of out that stands for t; -1, a missing input, stays.
// Values become int8, everything else is what it was.
func (b *builder) tensor(t int) int {
	if t < 0 {
		return t
	}
	if b.index[t] < 0 {
		x := b.Tensors[t]
		if b.values[t] {
			x.Type, x.Quantisation = file.Int8, b.scales[t].quantisation()
		}
		b.index[t] = b.add(x)
	}
	return b.index[t]
}

func (b *builder) add(t file.Tensor) int {
	b.out.Tensors = append(b.out.Tensors, t)
	return len(b.out.Tensors) - 1
}

// enter returns the input that callers see for input t.
func (b *builder) enter(t int, float bool) int {
	inside := b.tensor(t)
	if !float {
		return inside
	}
	return b.cross(t, func(outside int) file.Operator {
		return file.Operator{Code: file.OpQuantize, Version: 1, Inputs: []int{outside}, Outputs: []int{inside}}
	})
}

// leave returns the output that callers see for output t.
func (b *builder) leave(t int, float bool) int {
	inside := b.tensor(t)
	if !float {
		return inside
	}
	return b.cross(t, func(outside int) file.Operator {
		return file.Operator{Code: file.OpDequantize, Version: 2, Inputs: []int{inside}, Outputs: []int{outside}}
	})
}

// cross returns the float tensor that callers see for t. The first time it is
// made, takes the name of t, and is joined to the int8 one by an operator.
func (b *builder) cross(t int, join func(outside int) file.Operator) int {
	if b.border[t] < 0 {
		b.border[t] = b.add(b.Tensors[t])
		b.out.Tensors[b.index[t]].Name += "_int8"
		b.out.Operators = append(b.out.Operators, join(b.border[t]))
	}
	return b.border[t]
}

// signatures returns list with the tensors of out. Those of a tensor that is
// gone are dropped.
func (b *builder) signatures(list []file.Signature) []file.Signature {
	var kept []file.Signature
	for _, s := range list {
		inputs, ok := b.named(s.Inputs)
		outputs, ok2 := b.named(s.Outputs)
		if ok && ok2 {
			kept = append(kept, file.Signature{Key: s.Key, Inputs: inputs, Outputs: outputs})
		}
	}
	return kept
}

func (b *builder) named(list []file.NamedTensor) (out []file.NamedTensor, ok bool) {
	for _, n := range list {
		t := b.border[n.Tensor]
		if t < 0 {
			t = b.index[n.Tensor]
		}
		if t < 0 {
			return nil, false
		}
		out = append(out, file.NamedTensor{Name: n.Name, Tensor: t})
	}
	return out, true
}
