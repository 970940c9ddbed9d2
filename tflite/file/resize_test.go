package file

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

// classic returns a network of the older kind for 32x32 pixels, with small
// random weights: padding as numbers, squeeze and excite by a pooling of fixed
// size, a global pooling of fixed size, classes by a convolution.
func classic(pooling Pool2DOptions) *Model {
	random := rand.New(rand.NewPCG(1, 2))
	m := &Model{Subgraphs: []Subgraph{{Inputs: []int{0}}}}
	g := m.Main()
	add := func(t Tensor) int {
		t.Name = fmt.Sprintf("t%d", len(g.Tensors))
		g.Tensors = append(g.Tensors, t)
		return len(g.Tensors) - 1
	}
	weights := func(shape ...int32) int {
		t := Tensor{Shape: shape}
		for range t.Elements() {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, 0x3d000000|random.Uint32()&0x80ffffff)
		}
		return add(t)
	}
	op := func(code OpCode, options Options, shape []int32, inputs ...int) int {
		out := add(Tensor{Shape: shape})
		g.Operators = append(g.Operators, Operator{Code: code, Options: options, Inputs: inputs, Outputs: []int{out}})
		return out
	}
	conv := func(stride int32, p Padding) Conv2DOptions {
		return Conv2DOptions{Padding: p, StrideH: stride, StrideW: stride, Activation: Relu6}
	}
	x := add(Tensor{Shape: []int32{1, 32, 32, 3}})
	pads := add(Tensor{Type: Int32, Shape: []int32{4, 2}})
	for _, n := range []uint32{0, 0, 0, 1, 0, 1, 0, 0} {
		g.Tensors[pads].Data = binary.LittleEndian.AppendUint32(g.Tensors[pads].Data, n)
	}
	x = op(OpPad, PlainOptions{22}, []int32{1, 33, 33, 3}, x, pads)
	x = op(OpConv2D, conv(2, Valid), []int32{1, 16, 16, 8}, x, weights(8, 3, 3, 3), weights(8))
	s := op(OpAveragePool2D, Pool2DOptions{Valid, 16, 16, 16, 16, NoActivation}, []int32{1, 1, 1, 8}, x)
	s = op(OpConv2D, conv(1, Same), []int32{1, 1, 1, 8}, s, weights(8, 1, 1, 8), weights(8))
	x = op(OpMul, MulOptions{}, []int32{1, 16, 16, 8}, x, s)
	x = op(OpDepthwiseConv2D, DepthwiseConv2DOptions{Same, 2, 2, 1, Relu6, 0, 0}, []int32{1, 8, 8, 8}, x, weights(1, 3, 3, 8), weights(8))
	y := op(OpHardSwish, nil, []int32{1, 8, 8, 8}, x)
	x = op(OpConcatenation, ConcatenationOptions{Axis: 3}, []int32{1, 8, 8, 16}, x, y)
	x = op(OpAveragePool2D, pooling, []int32{1, 1, 1, 16}, x)
	x = op(OpConv2D, conv(1, Same), []int32{1, 1, 1, 5}, x, weights(5, 1, 1, 16), weights(5))
	x = op(OpReshape, ReshapeOptions{NewShape: []int32{1, 5}}, []int32{1, 5}, x)
	g.Outputs = []int{op(OpSoftmax, SoftmaxOptions{Beta: 1}, []int32{1, 5}, x)}
	return m
}

func TestResizeShapes(t *testing.T) {
	valid := Pool2DOptions{Valid, 2, 2, 8, 8, NoActivation} // strides of 2, as old MobileNets have them
	same := Pool2DOptions{Same, 8, 8, 8, 8, NoActivation}
	for _, c := range []struct {
		pooling       Pool2DOptions
		height, width int
		want          string // shapes after each operator
	}{
		{valid, 32, 32, "1x33x33x3 1x16x16x8 1x1x1x8 1x1x1x8 1x16x16x8 1x8x8x8 1x8x8x8 1x8x8x16 1x1x1x16 1x1x1x5 1x5 1x5"},
		{valid, 64, 64, "1x65x65x3 1x32x32x8 1x1x1x8 1x1x1x8 1x32x32x8 1x16x16x8 1x16x16x8 1x16x16x16 1x1x1x16 1x1x1x5 1x5 1x5"},
		{valid, 48, 30, "1x49x31x3 1x24x15x8 1x1x1x8 1x1x1x8 1x24x15x8 1x12x8x8 1x12x8x8 1x12x8x16 1x1x1x16 1x1x1x5 1x5 1x5"},
		{same, 40, 40, "1x41x41x3 1x20x20x8 1x1x1x8 1x1x1x8 1x20x20x8 1x10x10x8 1x10x10x8 1x10x10x16 1x1x1x16 1x1x1x5 1x5 1x5"},
		{valid, 3, 3, "1x4x4x3 1x1x1x8 1x1x1x8 1x1x1x8 1x1x1x8 1x1x1x8 1x1x1x8 1x1x1x16 1x1x1x16 1x1x1x5 1x5 1x5"},
	} {
		m := classic(c.pooling)
		before := encoded(t, m)
		resized, err := m.Resize(c.height, c.width)
		if err != nil {
			t.Errorf("%dx%d: %v", c.height, c.width, err)
			continue
		}
		var got []string
		for _, o := range resized.Main().Operators {
			got = append(got, strings.Trim(strings.ReplaceAll(fmt.Sprint(resized.Main().Tensors[o.Outputs[0]].Shape), " ", "x"), "[]"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%dx%d:\n%s, want\n%s", c.height, c.width, strings.Join(got, " "), c.want)
		}
		if !slices.Equal(before, encoded(t, m)) {
			t.Errorf("%dx%d: the original changed", c.height, c.width)
		}
		again, err := Parse(encoded(t, resized))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.FeatureTensor(); err != nil {
			t.Errorf("%dx%d: %v", c.height, c.width, err)
		}
		back, err := resized.Resize(32, 32)
		if err != nil {
			t.Fatal(err)
		}
		if c.height > 3 && !slices.Equal(before, encoded(t, back)) {
			t.Errorf("%dx%d: there and back is not the same model", c.height, c.width)
		}
	}
}

// A size that is open until run time is fixed, a batch that is open stays so.
func TestResizeFixesAnOpenSize(t *testing.T) {
	m := graph([][]int32{{1, 1, 1, 3}, {1, 1, 1, 3}, {1, 3}}, op(OpRelu, 1, 0), op(OpMean, 2, 1, 3))
	g := m.Main()
	g.Inputs, g.Outputs = []int{0}, []int{2}
	g.Tensors[0].ShapeSignature = []int32{-1, -1, -1, 3}
	g.Tensors[1].ShapeSignature = []int32{-1, -1, -1, 3}
	g.Tensors[2].ShapeSignature = []int32{-1, 3}
	g.Tensors = append(g.Tensors, Tensor{Name: "axes", Type: Int32, Shape: []int32{2}, Data: []byte{1, 0, 0, 0, 2, 0, 0, 0}})
	g.Operators[1].Options = ReducerOptions{}
	resized, err := m.Resize(20, 24)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2][]int32{
		{{1, 20, 24, 3}, {-1, 20, 24, 3}}, {{1, 20, 24, 3}, {-1, 20, 24, 3}}, {{1, 3}, {-1, 3}},
	} {
		if x := resized.Main().Tensors[i]; !slices.Equal(x.Shape, want[0]) || !slices.Equal(x.ShapeSignature, want[1]) {
			t.Errorf("tensor %d: %v, %v, want %v", i, x.Shape, x.ShapeSignature, want)
		}
	}
}

func TestResizeRefuses(t *testing.T) {
	unpad := Pool2DOptions{Valid, 2, 2, 8, 8, NoActivation}
	for _, c := range []struct {
		name, want    string
		height, width int
		change        func(*Model)
	}{
		{"no pixels", "want 1 to", 0, 32, nil},
		{"enormous", "want 1 to", 32, 1 << 20, nil},
		{"too large", "too large", 1 << 15, 1 << 15, nil},
		{"too small", "too small", 1, 1, func(m *Model) {
			m.Main().Operators[0] = Operator{Code: OpRelu, Inputs: []int{0}, Outputs: m.Main().Operators[0].Outputs}
		}},
		{"two inputs", "2 inputs", 64, 64, func(m *Model) { m.Main().Inputs = []int{0, 2} }},
		{"vector", "want [batch", 64, 64, func(m *Model) { m.Main().Tensors[0].Shape = []int32{1, 3} }},
		{"flattened", "takes the whole map", 64, 64, func(m *Model) { m.Main().Operators[6].Code = OpReshape }},
		{"unknown operator", "not known", 64, 64, func(m *Model) { m.Main().Operators[6].Code = 200 }},
		{"map-sized constant", "fit together", 64, 64, func(m *Model) {
			g := m.Main()
			g.Tensors = append(g.Tensors, Tensor{Shape: []int32{1, 8, 8, 8}})
			g.Operators[6] = Operator{Code: OpAdd, Inputs: []int{g.Operators[6].Inputs[0], len(g.Tensors) - 1}, Outputs: g.Operators[6].Outputs, Options: AddOptions{}}
		}},
		{"stride 0", "stride 0", 64, 64, func(m *Model) {
			o := &m.Main().Operators[1]
			v := o.Options.(Conv2DOptions)
			v.StrideH = 0
			o.Options = v
		}},
		{"padding that is computed", "not known", 64, 64, func(m *Model) { m.Main().Tensors[1].Data = nil }},
		{"negative padding", "padding by -1", 64, 64, func(m *Model) { copy(m.Main().Tensors[1].Data, "\xff\xff\xff\xff") }},
	} {
		m := classic(unpad)
		if c.change != nil {
			c.change(m)
		}
		if _, err := m.Resize(c.height, c.width); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := parsed(t, "flattened").Resize(32, 32); err == nil || !strings.Contains(err.Error(), "size of the picture is fixed") {
		t.Errorf("a flattened map: %v", err)
	}
}

// TestResizeAgreesWithLiteRT compares with what the interpreter makes of the
// original when it resizes the input itself, to the last bit.
func TestResizeAgreesWithLiteRT(t *testing.T) {
	resizeAgrees(t, "testdata/map.tflite", "testdata/pooled.tflite", "testdata/pooled_int8.tflite", "testdata/hidden.tflite", "testdata/hidden_int8.tflite")
}

func TestResizeAgreesOnSharedWeights(t *testing.T) {
	resizeAgrees(t,
		shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"),
		shareddata.Path(t, "weights/mobilenet_v1_0.25_128_quant.tflite"),
		shareddata.Path(t, "weights/mobilenet_v2_1.0_224_quant.tflite"))
}

// resizeAgrees cuts each model at the last tensor that follows a change of the
// input by itself: a pooling of fixed size would not.
func resizeAgrees(t *testing.T, paths ...string) {
	dir := t.TempDir()
	write := func(name string, m *Model) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, encoded(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const size = "96x64"
	var args []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.FeatureTensor()
		if err != nil {
			t.Fatal(err)
		}
		g := m.Main()
		producer := newWalk(g).producer
		at := f.Tensor
		if o := &g.Operators[producer[at]]; o.Code == OpAveragePool2D {
			at = o.Inputs[0]
		}
		cut, err := m.Cut(at)
		if err != nil {
			t.Fatal(err)
		}
		resized, err := cut.Resize(96, 64)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := m.Cut(f.Tensor)
		if err == nil {
			whole, err = whole.Resize(96, 64)
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		args = append(args, write("cut_"+name, cut)+"@"+size, write("resized_"+name, resized), write("features_"+name, whole))
	}
	lines := litert(t, args...)
	for i := 0; i < len(args); i += 3 {
		if lines[i] != lines[i+1] {
			t.Errorf("%s gives\n%s, resized by us\n%s", args[i], lines[i], lines[i+1])
		}
		if lines[i+2] == "[]" {
			t.Errorf("%s: no output", args[i+2])
		}
	}
}
