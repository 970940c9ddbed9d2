package quantise

import (
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

func TestScaleOf(t *testing.T) {
	for _, c := range []struct {
		r      Range
		finest float32
		step   float32
		zero   int
	}{
		{Range{Max: 6}, 0, 6.0 / 255, -128},
		{Range{Min: -1, Max: 1}, 0, 2.0 / 255, -1},
		{Range{Min: -2, Max: 0}, 0, 2.0 / 255, 127},
		{Range{Min: 2, Max: 5.1}, 0, 0.02, -128},     // zero is taken in
		{Range{Min: -5.1, Max: -2}, 0, 0.02, 127},    // from the other side too
		{Range{Max: 0}, 0, 1.0 / 255, -128},          // nothing is known
		{Range{Max: 1e-3}, 0.5, 0.5, -128},           // no finer than is computed
		{Range{Min: -1e-30, Max: 0}, 0, 1e-12, -128}, // an ordinary number, whatever the range
	} {
		if got := scaleOf(c.r, c.finest); got != (scale{c.step, c.zero}) {
			t.Errorf("%v, %v: %+v, want %v from %d", c.r, c.finest, got, c.step, c.zero)
		}
	}
}

func TestStore(t *testing.T) {
	s := scale{0.5, -28}
	for v, want := range map[float32]int8{0: -28, 1: -26, -1: -30, 0.25: -28, 0.75: -26, 1000: 127, -1000: -128} {
		if got := int8(s.store(v)); got != want {
			t.Errorf("%v is stored as %d, want %d", v, got, want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		a       file.Activation
		r, want Range
	}{
		{file.NoActivation, Range{Min: -3, Max: 9}, Range{Min: -3, Max: 9}},
		{file.Relu, Range{Min: -3, Max: 9}, Range{Max: 9}},
		{file.Relu, Range{Min: -3, Max: -1}, Range{Max: 0}},
		{file.Relu6, Range{Min: -3, Max: 9}, Range{Max: 6}},
		{file.Relu6, Range{Max: 4}, Range{Max: 4}},
		{file.ReluN1To1, Range{Min: -3, Max: 0.5}, Range{Min: -1, Max: 0.5}},
	} {
		if got, err := c.r.within(c.a); err != nil || got.Min != c.want.Min || got.Max != c.want.Max {
			t.Errorf("%v of %v: %v, %v; want %v", c.a, c.r, got, err, c.want)
		}
	}
	if _, err := (Range{}).within(file.Tanh); err == nil {
		t.Error("tanh is accepted")
	}
}

// A channel without weights, or with a bias far beyond them, gets a step with
// which its bias is right all the same.
func TestWiden(t *testing.T) {
	const in, out = 0.02, 0.1
	values := []float32{1, -127, 0, 0, 1e-7, 0}
	bias := []float32{3, 2, 4000}
	k := newKernel(&file.Tensor{Name: "w", Shape: []int32{3, 1, 1, 2}}, values, 0)
	k.widen(bias, in, out)
	if k.steps[0] != 1 {
		t.Errorf("an ordinary channel has the step %g, want 1", k.steps[0])
	}
	b, err := k.bias(&file.Tensor{Name: "b", Shape: []int32{3}}, bias, in)
	if err != nil {
		t.Fatal(err)
	}
	for c, n := range stored8or32(&b) {
		if v := float64(n) * float64(b.Quantisation.Scale[c]); v < 0.999*float64(bias[c]) || v > 1.001*float64(bias[c]) {
			t.Errorf("bias %d is %g, want %g", c, v, bias[c])
		}
		if ratio := float64(b.Quantisation.Scale[c]) / out; n > 1<<30 || n < -1<<30 || ratio < 0.99*0x1p-24 {
			t.Errorf("bias %d is stored as %d, in steps of %g outputs", c, n, ratio)
		}
	}
	if w := k.tensor(); int8(w.Data[0]) != 1 || int8(w.Data[1]) != -127 {
		t.Errorf("the weights are %v", w.Data)
	}
}

// Where the means of the inputs are known, rounding the weights leaves the means
// of the outputs where they were.
func TestCorrect(t *testing.T) {
	for _, c := range []struct {
		name   string
		shape  []int32
		axis   int
		inputs int
		from   func(i int) (input, output int) // of weight i
	}{
		{"convolution", []int32{5, 2, 2, 3}, 0, 3, func(i int) (int, int) { return i % 3, i / 12 }},
		{"depthwise", []int32{1, 2, 2, 6}, depthwise, 3, func(i int) (int, int) { return i % 6 / 2, i % 6 }},
		{"dense", []int32{5, 8}, whole, 8, func(i int) (int, int) { return i % 8, i / 8 }},
	} {
		w := weights(1, c.shape...)
		values, _ := w.Float32s()
		k := newKernel(&w, values, c.axis)
		rounded := k.tensor()
		bias := []float32{1, -1, 2, 0, 3, 5}
		if c.name != "depthwise" {
			bias = bias[:5]
		}
		means := noise(c.inputs)
		off := make([]float64, len(bias)) // of the mean of each output
		for i, v := range values {
			in, out := c.from(i)
			off[out] += (float64(int8(rounded.Data[i]))*float64(k.steps[k.channel(i)]) - float64(v)) * float64(means[in])
		}
		before := append([]float32(nil), bias...)
		k.correct(bias, rounded.Data, noise(4)) // of something else
		for o := range bias {
			if bias[o] != before[o] {
				t.Errorf("%s: bias %d changes without the means of the input", c.name, o)
			}
		}
		k.correct(bias, rounded.Data, means)
		for o := range bias {
			if d := float64(bias[o]-before[o]) + off[o]; off[o] == 0 || d > 1e-6 || d < -1e-6 {
				t.Errorf("%s: the mean of output %d is off by %g, was by %g", c.name, o, d, off[o])
			}
		}
	}
}
