package quantise

import (
	"fmt"
	"math"
	"testing"

	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// operators has a model for each rule, and some for its corners.
func operators() map[string]*file.Model {
	paddings := file.Tensor{Name: "paddings", Type: file.Int32, Shape: []int32{4, 2}, Data: ints(0, 0, 1, 2, 2, 0, 0, 0)}
	conv := file.Conv2DOptions{Padding: file.Same, StrideW: 1, StrideH: 1}
	relu6 := conv
	relu6.Activation = file.Relu6
	pool := file.Pool2DOptions{Padding: file.Valid, StrideW: 2, StrideH: 2, FilterWidth: 2, FilterHeight: 2}
	picture := values(1, 6, 6, 4)
	return map[string]*file.Model{
		"CONV_2D":       one(file.OpConv2D, conv, picture, weights(0.5, 8, 3, 3, 4), weights(1, 8), values(1, 6, 6, 8)),
		"CONV_2D relu6": one(file.OpConv2D, relu6, picture, weights(3, 8, 3, 3, 4), weights(1, 8), values(1, 6, 6, 8)),
		"DEPTHWISE_CONV_2D": one(file.OpDepthwiseConv2D,
			file.DepthwiseConv2DOptions{Padding: file.Same, StrideW: 2, StrideH: 2, DepthMultiplier: 2, Activation: file.Relu},
			picture, weights(0.5, 1, 3, 3, 8), weights(1, 8), values(1, 3, 3, 8)),
		"FULLY_CONNECTED": one(file.OpFullyConnected, file.FullyConnectedOptions{}, values(1, 16), weights(0.4, 5, 16), weights(1, 5), values(1, 5)),
		"FULLY_CONNECTED without bias": one(file.OpFullyConnected, file.FullyConnectedOptions{Activation: file.Relu},
			values(1, 16), weights(0.4, 5, 16), values(1, 5)),
		"ADD constant": one(file.OpAdd, file.AddOptions{}, picture, weights(2, 4), picture),
		"ADD zeros":    one(file.OpAdd, file.AddOptions{Activation: file.Relu}, picture, weights(0, 4), picture),
		"MUL constant": one(file.OpMul, file.MulOptions{}, picture, weights(3, 4), picture),
		"MUL scalar": one(file.OpMul, file.MulOptions{}, picture,
			file.Tensor{Name: "sixth", HasRank: true, Data: floats(1.0 / 6)}, picture),
		"MUL that cancels": one(file.OpMul, file.MulOptions{Activation: file.ReluN1To1}, picture, weights(300, 4), picture),
		"MEAN":             one(file.OpMean, file.ReducerOptions{}, picture, integers(1, 2), values(1, 4)),
		"RELU":             one(file.OpRelu, nil, picture, picture),
		"RELU6":            one(file.OpRelu6, nil, picture, picture),
		"HARD_SWISH":       one(file.OpHardSwish, nil, picture, picture),
		"AVERAGE_POOL_2D":  one(file.OpAveragePool2D, pool, picture, values(1, 3, 3, 4)),
		"MAX_POOL_2D":      one(file.OpMaxPool2D, pool, picture, values(1, 3, 3, 4)),
		"PAD":              one(file.OpPad, nil, picture, paddings, values(1, 9, 8, 4)),
		"RESHAPE":          one(file.OpReshape, file.ReshapeOptions{NewShape: []int32{-1, 144}}, picture, integers(-1, 144), values(1, 144)),
		"SQUEEZE":          one(file.OpSqueeze, file.SqueezeOptions{Dims: []int32{1, 2}}, values(1, 1, 1, 4), values(1, 4)),
		"SOFTMAX":          one(file.OpSoftmax, file.SoftmaxOptions{Beta: 1}, values(1, 10), values(1, 10)),
		"LOGISTIC":         one(file.OpLogistic, nil, values(1, 10), values(1, 10)),
	}
}

// Each operator alone gives what the float one gives, within the rounding of its
// input and one or two steps of its output, with and without XNNPACK, in batches.
func TestEveryOperator(t *testing.T) {
	covered := map[file.OpCode]bool{}
	for name, m := range operators() {
		covered[m.Main().Operators[0].Code] = true
		const n = 3
		inputs := noise(n * items(m))
		for i := range inputs {
			inputs[i] *= 4
		}
		want := run(t, m, inputs, n, tflite.Options{Threads: 1})[0]
		ranges := calibrated(t, m, inputs)
		for _, o := range []Options{{}, {FloatBorder: true}} {
			q := converted(t, m, ranges, o)
			for _, plain := range []bool{false, true} {
				got := run(t, q, inputs, n, tflite.Options{Threads: 1, NoXNNPACK: plain})[0]
				step := finalStep(q)
				most := gain(name)*8/255/2 + 2.01*float64(step)
				var worst float64
				for i := range want {
					worst = max(worst, math.Abs(float64(got[i]-want[i])))
				}
				if !(worst <= most) {
					t.Errorf("%s, %+v, plain=%v: differs by %g, more than %g; a step is %g", name, o, plain, worst, most, step)
				}
				if d := decibels(got, want, len(want)/n); !(d > 22) {
					t.Errorf("%s, %+v, plain=%v: the error lies only %.1f dB below the signal", name, o, plain, d)
				}
			}
		}
	}
	for code := range rules {
		if !covered[code] {
			t.Errorf("%s has a rule and no test", code)
		}
	}
}

// gain is how much an operator can blow up an error of its input, and of weights
// that are as coarse as it.
func gain(name string) float64 {
	switch name {
	case "CONV_2D relu6":
		return 40
	case "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "FULLY_CONNECTED without bias":
		return 12
	case "MUL constant":
		return 5
	case "MUL that cancels":
		return 500
	case "HARD_SWISH":
		return 2
	}
	return 1
}

// finalStep returns the step of the int8 tensor behind the first output.
func finalStep(m *file.Model) float32 {
	g := m.Main()
	t := g.Outputs[0]
	if g.Tensors[t].Type == file.Float32 {
		t = g.Operators[len(g.Operators)-1].Inputs[0]
	}
	return g.Tensors[t].Quantisation.Scale[0]
}

// The specification ties some scales to others.
func TestTiedScales(t *testing.T) {
	for name, m := range operators() {
		q := converted(t, m, given(t, m, Range{Min: -3, Max: 5}), Options{})
		g := q.Main()
		o := g.Operators[0]
		in, out := g.Tensors[o.Inputs[0]].Quantisation, g.Tensors[o.Outputs[0]].Quantisation
		version := rules[o.Code].version
		if name == "MUL that cancels" {
			version = 3 // for products coarser than the output
		}
		if o.Version != version {
			t.Errorf("%s has version %d, want %d", name, o.Version, version)
		}
		switch rules[o.Code].form {
		case keeping:
			if fmt.Sprint(*in) != fmt.Sprint(*out) {
				t.Errorf("%s: %+v becomes %+v", name, *in, *out)
			}
		case bounded:
			if out.Scale[0] != 1.0/256 || out.ZeroPoint[0] != -128 {
				t.Errorf("%s: the output has %+v", name, *out)
			}
		case weighted:
			w := &g.Tensors[o.Inputs[1]]
			if o.Inputs[2] < 0 {
				continue
			}
			b := &g.Tensors[o.Inputs[2]]
			if w.Type != file.Int8 || b.Type != file.Int32 || len(w.Quantisation.Scale) != len(b.Quantisation.Scale) {
				t.Fatalf("%s: weights %v, bias %v", name, w, b)
			}
			want := map[file.OpCode]int{file.OpConv2D: 8, file.OpDepthwiseConv2D: 8, file.OpFullyConnected: 1}[o.Code]
			if len(w.Quantisation.Scale) != want {
				t.Errorf("%s has %d scales of weights, want %d", name, len(w.Quantisation.Scale), want)
			}
			for c, s := range w.Quantisation.Scale {
				if b.Quantisation.Scale[c] != s*in.Scale[0] || w.Quantisation.ZeroPoint[c] != 0 || b.Quantisation.ZeroPoint[c] != 0 {
					t.Errorf("%s: bias %v, weights %v, input %v", name, b.Quantisation.Scale[c], s, in.Scale[0])
				}
			}
			for _, v := range w.Data {
				if int8(v) == -128 {
					t.Errorf("%s has a weight of -128", name)
				}
			}
		}
	}
}

// given returns the range r for every tensor that needs one.
func given(t testing.TB, m *file.Model, r Range) map[int]Range {
	t.Helper()
	tensors, err := Tensors(m)
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[int]Range{}
	for _, i := range tensors {
		ranges[i] = r
	}
	return ranges
}
