package base

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// pooling returns a model that only pools its input, changed by change.
func pooling(change func(*file.Model)) *file.Model {
	m := &file.Model{Subgraphs: []file.Subgraph{{
		Tensors: []file.Tensor{
			{Name: "image", Shape: []int32{1, 32, 24, 3}},
			{Name: "axes", Type: file.Int32, Shape: []int32{2}, Data: []byte{1, 0, 0, 0, 2, 0, 0, 0}},
			{Name: "features", Shape: []int32{1, 3}},
		},
		Inputs: []int{0}, Outputs: []int{2},
		Operators: []file.Operator{
			{Code: file.OpMean, Inputs: []int{0, 1}, Outputs: []int{2}, Options: file.ReducerOptions{}},
		},
	}}}
	if change != nil {
		change(m)
	}
	return m
}

func prepareModel(t *testing.T, m *file.Model) (Source, error) {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Prepare(t.Context(), path, filepath.Join(filepath.Dir(path), "cache"))
}

func TestInputs(t *testing.T) {
	if s, err := prepareModel(t, pooling(nil)); err != nil || s.Preprocessing.Width != 24 || s.Preprocessing.Height != 32 {
		t.Errorf("%+v, %v", s, err)
	}
	image := func(m *file.Model) *file.Tensor { return &m.Main().Tensors[0] }
	for _, c := range []struct {
		name, want, hint string
		change           func(*file.Model)
	}{
		{"two inputs", "2 inputs", "single input", func(m *file.Model) {
			g := m.Main()
			g.Tensors = append(g.Tensors, file.Tensor{Name: "second", Shape: []int32{1, 3}})
			g.Inputs = append(g.Inputs, 3)
		}},
		{"no input", "0 inputs", "single input", func(m *file.Model) { m.Main().Inputs = nil }},
		{"vector", "shape [1 3]", "takes pictures", func(m *file.Model) { image(m).Shape = []int32{1, 3} }},
		{"channels first", "channels come first", "NHWC", func(m *file.Model) { image(m).Shape = []int32{1, 3, 32, 24} }},
		{"grey", "grey", "colour", func(m *file.Model) { image(m).Shape[3] = 1 }},
		{"four channels", "want 3 channels", "red, green and blue", func(m *file.Model) { image(m).Shape[3] = 4 }},
		{"open size", "no fixed size: [-1 -1 -1 3]", "input_shape", func(m *file.Model) { image(m).ShapeSignature = []int32{-1, -1, -1, 3} }},
		{"no pixels", "no fixed size", "input_shape", func(m *file.Model) { image(m).Shape[1] = 0 }},
		{"batch", "a batch of 8", "batch of 1", func(m *file.Model) { image(m).Shape[0] = 8 }},
		{"type", "of type int64", "float32, uint8 or int8", func(m *file.Model) { image(m).Type = file.Int64 }},
		{"int8 without scale", "int8 without a scale", "TFLiteConverter", func(m *file.Model) { image(m).Type = file.Int8 }},
		{"negative scale", "want one that is positive", "", func(m *file.Model) {
			image(m).Type = file.UInt8
			image(m).Quantisation = &file.Quantisation{Scale: []float32{-1}, ZeroPoint: []int64{0}}
		}},
		{"enormous", "want 1 to", "", func(m *file.Model) { image(m).Shape[1] = 1 << 20 }},
		{"two outputs", "2 outputs", "edge base inspect", func(m *file.Model) { m.Main().Outputs = []int{2, 2} }},
	} {
		_, err := prepareModel(t, pooling(c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%s: %v, hint %q", c.name, err, hint.Of(err))
		}
	}
}

// TestBytesAsTheyAre feeds every byte through the scale and the input's
// quantisation: the integer must be the byte, or the byte less 128.
func TestBytesAsTheyAre(t *testing.T) {
	for _, c := range []struct {
		typ   file.TensorType
		scale float32
		zero  int64
	}{
		{file.UInt8, 1. / 128, 128}, {file.UInt8, 0.0078431377, 127}, {file.UInt8, 1. / 255, 0}, {file.UInt8, 0.018658, 114},
		{file.Int8, 0.0078431377, -1}, {file.Int8, 1. / 255, -128}, {file.Int8, 0.018658, -14}, {file.Int8, 1, -128},
	} {
		s, err := prepareModel(t, pooling(func(m *file.Model) {
			x := &m.Main().Tensors[0]
			x.Type, x.Quantisation = c.typ, &file.Quantisation{Scale: []float32{c.scale}, ZeroPoint: []int64{c.zero}}
		}))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		for b := range 256 {
			value := float32(b)*s.Preprocessing.Scale + s.Preprocessing.Offset
			want := int64(b)
			if c.typ == file.Int8 {
				want -= 128
			}
			if got := int64(math.Round(float64(value)/float64(c.scale))) + c.zero; got != want {
				t.Errorf("%+v: byte %d becomes %d, want %d", c, b, got, want)
			}
		}
	}
	s, err := prepareModel(t, pooling(func(m *file.Model) { m.Main().Tensors[0].Type = file.UInt8 }))
	if err != nil || s.Preprocessing.Scale != 1 || s.Preprocessing.Offset != 0 {
		t.Errorf("uint8 without a scale: %+v, %v", s.Preprocessing, err)
	}
}

// begin puts an operator with a constant before the pooling.
func begin(code file.OpCode, constant float32) func(*file.Model) {
	return func(m *file.Model) {
		g := m.Main()
		g.Tensors = append(g.Tensors,
			file.Tensor{Name: "constant", Data: binary.LittleEndian.AppendUint32(nil, math.Float32bits(constant))},
			file.Tensor{Name: "scaled", Shape: []int32{1, 32, 24, 3}})
		g.Operators[0].Inputs[0] = 4
		g.Operators = append([]file.Operator{{Code: code, Inputs: []int{0, 3}, Outputs: []int{4}}}, g.Operators...)
	}
}

func TestScaledInside(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(*file.Model)
		scale, offset float32
	}{
		{"nothing", nil, 1 / 127.5, -1},
		{"times 1/255", begin(file.OpMul, 1./255), 1, 0},
		{"less the mean of bytes", begin(file.OpSub, 127), 1, 0},
		{"plus the negative mean", begin(file.OpAdd, -123.7), 1, 0},
		{"times 2, as in TensorFlow Hub's", begin(file.OpMul, 2), 1. / 255, 0},
		{"less the mean of fractions", begin(file.OpSub, 0.485), 1. / 255, 0},
		{"times 1", begin(file.OpMul, 1), 1 / 127.5, -1},
	} {
		s, err := prepareModel(t, pooling(c.change))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if p := s.Preprocessing; p.Scale != c.scale || p.Offset != c.offset {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

func TestDynamicRange(t *testing.T) {
	for _, weights := range []file.TensorType{file.Float32, file.Int8} {
		s, err := prepareModel(t, pooling(func(m *file.Model) {
			g := m.Main()
			g.Tensors = append(g.Tensors,
				file.Tensor{Name: "weights", Type: weights, Shape: []int32{3, 1, 1, 3}, Data: make([]byte, 9*weights.Bits()/8)},
				file.Tensor{Name: "convolved", Shape: []int32{1, 32, 24, 3}})
			g.Operators[0].Inputs[0] = 4
			g.Operators = append([]file.Operator{{Code: file.OpConv2D, Inputs: []int{0, 3, -1}, Outputs: []int{4}}}, g.Operators...)
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(s.Notes, " "), "dynamic-range"); got != (weights == file.Int8) {
			t.Errorf("%s weights: %q", weights, s.Notes)
		}
	}
}
