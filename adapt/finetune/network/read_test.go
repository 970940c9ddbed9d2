package network

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

func TestReadLayers(t *testing.T) {
	m, _ := every().built(t)
	n := network(t, m)
	if n.Model != m || n.Input != 0 || n.Feature.Count != 7 {
		t.Errorf("input %d, feature %+v", n.Input, n.Feature)
	}
	made := map[int]bool{n.Input: true}
	for i, l := range n.Layers {
		for _, in := range l.Inputs {
			if !made[in] {
				t.Errorf("layer %d, %s, reads tensor %d before it is made", i, l.Name, in)
			}
		}
		made[l.Output] = true
	}
	if !made[n.Feature.Tensor] {
		t.Error("no layer makes the features")
	}
	// The last RESHAPE would fix the batch: the features are found before it.
	if last := n.Layers[len(n.Layers)-1]; last.Output != n.Feature.Tensor {
		t.Errorf("the last layer is %s", last.Name)
	}
	var squeezed, excited bool
	for _, l := range n.Layers {
		squeezed = squeezed || l.Code == file.OpReshape && l.Name == "reshape"
		excited = excited || l.Code == file.OpMul && len(l.Inputs) == 2 && l.Constant == nil
	}
	if !squeezed || !excited {
		t.Errorf("SQUEEZE is read as a reshape: %v; MUL of two: %v", squeezed, excited)
	}
}

// A whole classifier is read up to its features.
func TestReadClassifier(t *testing.T) {
	for name, layers := range map[string]int{"pooled": 5, "pooled_batch": 5, "vector": 5, "convolution": 5, "hidden": 11, "squeezenet": 4, "map": 4} {
		m, _ := loaded(t, "../../../tflite/file/testdata/"+name+".tflite")
		n := network(t, m)
		if len(n.Layers) != layers {
			t.Errorf("%s: %d layers, want %d", name, len(n.Layers), layers)
		}
		unique(t, n)
	}
}

// The same weights, stored as float16 and widened at run time, give the same layers.
func TestReadFloat16(t *testing.T) {
	wide, _ := loaded(t, "../../../tflite/testdata/float32.tflite")
	narrow, _ := loaded(t, "../../../tflite/testdata/float16_weights.tflite")
	a, b := network(t, wide), network(t, narrow)
	if len(a.Layers) != len(b.Layers) {
		t.Fatalf("%d and %d layers", len(a.Layers), len(b.Layers))
	}
	for i, l := range b.Layers {
		if l.Kernel == nil {
			continue
		}
		if x := narrow.Main().Tensors[l.Kernel.Tensor]; x.Type != file.Float16 || !x.Constant() {
			t.Errorf("%s: kernel %d has type %v", l.Name, l.Kernel.Tensor, x.Type)
		}
		for k, v := range a.Layers[i].Kernel.Values {
			if got := l.Kernel.Values[k]; math.Abs(float64(got-v)) > 1e-3*math.Abs(float64(v))+1e-7 {
				t.Fatalf("%s: value %d is %v, want %v", l.Name, k, got, v)
			}
		}
	}
}

func TestReadRefusesQuantised(t *testing.T) {
	for _, name := range []string{
		"tflite/testdata/int8", "tflite/testdata/uint8", "tflite/testdata/dynamic_range", "tflite/testdata/map_int8",
		"tflite/file/testdata/pooled_int8", "tflite/file/testdata/pooled_uint8",
	} {
		m, _ := loaded(t, "../../../"+name+".tflite")
		if _, err := Read(m); !errors.Is(err, ErrQuantised) || !strings.Contains(hint.Of(err), "float model") {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
}

func TestReadRefuses(t *testing.T) {
	// In every, by operator: PAD 0, CONV_2D 1, DEPTHWISE 3, MEAN 5, SE's 6 and 7,
	// ADD 8, MUL 9 and 10, AVERAGE_POOL 13, FULLY_CONNECTED 14.
	operator := func(b *builder, i int) *file.Operator { return &b.Operators[i] }
	constant := func(b *builder, op, input int) *file.Tensor { return &b.Tensors[b.Operators[op].Inputs[input]] }
	for _, c := range []struct {
		what   string
		damage func(*builder)
		want   string
	}{
		{"an operator", func(b *builder) { operator(b, 2).Code = file.OpLogistic }, "operator #2, LOGISTIC: this operator cannot be fine-tuned"},
		{"no options", func(b *builder) { operator(b, 1).Options = nil }, "CONV_2D: its options are missing"},
		{"options of the depthwise", func(b *builder) { operator(b, 3).Options = nil }, "DEPTHWISE_CONV_2D: its options are missing"},
		{"options of the pool", func(b *builder) { operator(b, 13).Options = nil }, "AVERAGE_POOL_2D: its options are missing"},
		{"options of the dense", func(b *builder) { operator(b, 14).Options = nil }, "FULLY_CONNECTED: its options are missing"},
		{"shuffled weights", func(b *builder) {
			operator(b, 14).Options = file.FullyConnectedOptions{WeightsFormat: 1}
		}, "its options are missing or unknown"},
		{"stride", func(b *builder) { operator(b, 1).Options = file.Conv2DOptions{StrideH: 2} }, "a window of 3 with stride 0"},
		{"padding", func(b *builder) {
			operator(b, 1).Options = file.Conv2DOptions{StrideH: 2, StrideW: 2, Padding: 7}
		}, "with padding 7 padding"},
		{"too large a window", func(b *builder) {
			operator(b, 13).Options = file.Pool2DOptions{Padding: file.Valid, FilterHeight: 9, FilterWidth: 9, StrideH: 1, StrideW: 1}
		}, "a window of 9 over 4 with valid padding"},
		{"activation", func(b *builder) {
			operator(b, 1).Options = file.Conv2DOptions{StrideH: 2, StrideW: 2, Padding: file.Valid, Activation: file.Tanh}
		}, "the activation tanh cannot be fine-tuned"},
		{"shape", func(b *builder) { b.Tensors[operator(b, 1).Outputs[0]].Shape = []int32{1, 4, 4, 5} }, "its output has shape [1 4 4 5] in the file, but its inputs make [1 4 3 5]"},
		{"groups", func(b *builder) { operator(b, 6).Inputs[1] = b.weight(5, 4, 1, 1, 5) }, "its kernel reads 5 of 10 channels"},
		{"kernel of the wrong rank", func(b *builder) { operator(b, 1).Inputs[1] = b.weight(27, 5, 27) }, "its kernel has shape [5 27]"},
		{"kernel that is no constant", func(b *builder) { operator(b, 1).Inputs[1] = 0 }, "its input 1 is no constant of the file"},
		{"no kernel", func(b *builder) { operator(b, 1).Inputs = operator(b, 1).Inputs[:1] }, "its input 1 is no constant of the file"},
		{"kernel of integers", func(b *builder) { operator(b, 1).Inputs[1] = b.ints([]int32{1}, 1) }, `"ints" has type int32, want float32`},
		{"no picture", func(b *builder) { operator(b, 7).Inputs[0] = -1 }, "its input 0 is missing"},
		{"bias", func(b *builder) { operator(b, 1).Inputs[2] = b.weight(8, 4) }, "its bias has shape [4], want [5]"},
		{"not finite", func(b *builder) { constant(b, 1, 1).Data[3], constant(b, 1, 1).Data[2] = 0x7f, 0x80 }, "has a value that is not finite"},
		{"multiplier", func(b *builder) {
			operator(b, 3).Options = file.DepthwiseConv2DOptions{StrideW: 1, StrideH: 1, DilationW: 2, DilationH: 2, DepthMultiplier: 3}
		}, "and a multiplier of 3"},
		{"axes", func(b *builder) { operator(b, 5).Inputs[1] = b.ints([]int32{2}, 0, 1) }, "it averages over axis 0"},
		{"axes beyond", func(b *builder) { operator(b, 5).Inputs[1] = b.ints([]int32{1}, 4) }, "it averages over axis 4"},
		{"paddings of the batch", func(b *builder) { operator(b, 0).Inputs[1] = b.ints([]int32{4, 2}, 1, 0, 0, 0, 0, 0, 0, 0) }, "its paddings are [1 0 0"},
		{"negative paddings", func(b *builder) { operator(b, 0).Inputs[1] = b.ints([]int32{4, 2}, 0, 0, -1, 0, 0, 0, 0, 0) }, "its paddings are [0 0 -1"},
		{"few paddings", func(b *builder) { operator(b, 0).Inputs[1] = b.ints([]int32{1, 2}, 0, 0) }, "its paddings are [0 0]"},
		{"many paddings", func(b *builder) { operator(b, 0).Inputs[1] = b.ints([]int32{17}, make([]int32, 17)...) }, "68 bytes for shape [17]"},
		{"constant", func(b *builder) { operator(b, 8).Inputs[1] = b.weight(1, 3) }, "it joins [1 1 1 10] with a constant of shape [3]"},
		{"constant that stretches the batch", func(b *builder) { operator(b, 8).Inputs[1] = b.weight(1, 2, 1, 1, 1) }, "it joins"},
		{"one input", func(b *builder) { operator(b, 8).Inputs = operator(b, 8).Inputs[:1] }, "it has 1 inputs, want 2"},
		{"dense", func(b *builder) { operator(b, 14).Inputs[1] = b.weight(6, 7, 5) }, "its kernel has shape [7 5] for an input [1 2 2 6]"},
		{"two outputs", func(b *builder) { operator(b, 1).Outputs = append(operator(b, 1).Outputs, b.tensor(1)) }, "it has 2 outputs, want 1"},
		{"made twice", func(b *builder) { b.Operators = append(b.Operators, b.Operators[2]) }, `two operators compute "value"`},
		{"a circle", func(b *builder) { operator(b, 6).Inputs[0] = operator(b, 7).Outputs[0] }, "is computed by no layer before it"},
		{"two inputs", func(b *builder) { b.Inputs = append(b.Inputs, b.tensor(1)) }, "the model has 2 inputs"},
		{"rank of the picture", func(b *builder) { b.Tensors[0].Shape = []int32{1, 9, 21} }, "want [1 height width channels]"},
		{"open size", func(b *builder) { b.Tensors[0].ShapeSignature = []int32{1, -1, -1, 3} }, "its size is open"},
		{"large picture", func(b *builder) { b.Tensors[0].Shape = []int32{1, 1 << 20, 1 << 20, 3} }, "has shape [1 1048576 1048576 3]"},
		{"no picture at all", func(b *builder) { b.Tensors[0].Shape = []int32{1, 0, 7, 3} }, "has shape [1 0 7 3]"},
		{"float16 pictures", func(b *builder) { b.Tensors[0].Type = file.Float16 }, "has type float16, want float32"},
		{"float64 values", func(b *builder) { b.Tensors[operator(b, 1).Outputs[0]].Type = file.Float64 }, "has type float64, want float32"},
		{"no features", func(b *builder) { b.Operators = b.Operators[:0] }, "no pooled features found"},
	} {
		b := every()
		c.damage(b)
		if _, err := Read(b.model(operator(every(), len(every().Operators)-1).Outputs[0])); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

func TestUnknownOperatorHasHint(t *testing.T) {
	b := every()
	b.Operators[2].Code = file.OpLogistic
	_, err := Read(b.model(len(b.Tensors) - 1))
	if h := hint.Of(err); !strings.Contains(h, "CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, HARD_SWISH") {
		t.Errorf("hint %q", h)
	}
}

// What computes a RESHAPE's shape from the picture's is no layer.
func TestReshapeOfComputedShape(t *testing.T) {
	b := newBuilder(1, 4, 4, 3)
	x := b.conv(0, 3, 1, 4, file.Relu)
	shape := b.operator(77, nil, []int32{4}, x) // SHAPE
	b.Tensors[shape].Type = file.Int32
	x = b.operator(file.OpReshape, nil, []int32{1, 2, 2, 16}, x, shape)
	b.conv(x, 1, 1, 5, file.Relu)
	m, _ := b.built(t)
	n := network(t, m)
	if len(n.Layers) != 3 || n.Layers[1].Code != file.OpReshape || len(n.Layers[1].Inputs) != 1 {
		t.Errorf("layers %+v", n.Layers)
	}
	s, err := n.UnfreezeFrom("conv2d_1", false)
	if err != nil {
		t.Fatal(err)
	}
	if prefix, err := n.Prefix(s); err != nil || len(prefix.Main().Operators) != 3 {
		t.Errorf("the prefix lacks an operator: %v", err)
	}
}
