package quantise

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// Given the ranges that TensorFlow's converter found, we make what it makes:
// the same operators and versions, scales, weights and biases.
func TestEqualsTensorFlow(t *testing.T) {
	for _, name := range []string{"pooled", "hidden"} {
		m, theirs := committed(t, name), committed(t, name+"_int8").Main()
		twin := map[int]int{m.Main().Inputs[0]: theirs.Inputs[0]} // float tensor to theirs
		for i, o := range m.Main().Operators {
			twin[o.Outputs[0]] = theirs.Operators[i].Outputs[0]
		}
		ranges := map[int]Range{}
		for _, i := range must(Tensors(m)) {
			q := theirs.Tensors[twin[i]].Quantisation
			s, zero := q.Scale[0], float32(q.ZeroPoint[0])
			ranges[i] = Range{Min: s * (-128 - zero), Max: s * (127 - zero)}
		}
		ours := converted(t, m, ranges, Options{}).Main()
		if len(ours.Operators) != len(theirs.Operators) {
			t.Fatalf("%s: %d operators, want %d", name, len(ours.Operators), len(theirs.Operators))
		}
		compared := 0
		for i, o := range ours.Operators {
			if p := theirs.Operators[i]; o.Code != p.Code || o.Version != p.Version || fmt.Sprint(o.Options) != fmt.Sprint(p.Options) {
				t.Errorf("%s: operator #%d is %s version %d, want %s version %d", name, i, o.Name(), o.Version, p.Name(), p.Version)
			}
			for k, j := range o.Inputs {
				if j < 0 || theirs.Operators[i].Inputs[k] < 0 {
					continue
				}
				compared += same(t, name, &ours.Tensors[j], &theirs.Tensors[theirs.Operators[i].Inputs[k]], o.Code)
			}
		}
		if compared < 200 {
			t.Errorf("%s: only %d weights were compared", name, compared)
		}
	}
}

// same compares two tensors and returns how many constants it saw.
func same(t *testing.T, model string, got, want *file.Tensor, code file.OpCode) int {
	t.Helper()
	if got.Type != want.Type || !slices.Equal(got.Shape, want.Shape) {
		t.Errorf("%s: %q is %v %v, want %v %v", model, got.Name, got.Type, got.Shape, want.Type, want.Shape)
		return 0
	}
	if got.Type == file.Int32 && got.Quantisation == nil {
		if !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s: %q holds %v, want %v", model, got.Name, got.Data, want.Data)
		}
		return 0
	}
	if code == file.OpFullyConnected && got.Constant() {
		return 0 // they have a scale for each row; see whole
	}
	g, w := got.Quantisation, want.Quantisation
	for i := range w.Scale {
		if d := float64(g.Scale[i]/w.Scale[i] - 1); math.Abs(d) > 1e-5 || g.ZeroPoint[i] != w.ZeroPoint[i] {
			t.Errorf("%s: %q has %g from %d, want %g from %d", model, got.Name, g.Scale[i], g.ZeroPoint[i], w.Scale[i], w.ZeroPoint[i])
		}
	}
	if g.Dimension != w.Dimension && len(w.Scale) > 1 && got.Type == file.Int8 {
		t.Errorf("%s: %q has scales along %d, want %d", model, got.Name, g.Dimension, w.Dimension)
	}
	for i, v := range stored8or32(want) { // the last digit may be rounded otherwise
		if d := stored8or32(got)[i] - v; max(d, -d) > 1 {
			t.Errorf("%s: %q holds %d at %d, want %d", model, got.Name, v+d, i, v)
			break
		}
	}
	return len(want.Data)
}

// stored8or32 returns the elements of an int8 or int32 constant.
func stored8or32(t *file.Tensor) []int {
	var list []int
	for i := 0; i < len(t.Data); i += t.Type.Bits() / 8 {
		if t.Type == file.Int8 {
			list = append(list, int(int8(t.Data[i])))
		} else {
			list = append(list, int(int32(binary.LittleEndian.Uint32(t.Data[i:]))))
		}
	}
	return list
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whole models of every kind stay close to their float origin, in any batch:
// features by their variation, scores by steps of 1/256.
func TestModels(t *testing.T) {
	for name, steps := range map[string]float32{
		"pooled": 2, "pooled_batch": 2, "pooled_float16": 2, "convolution": 2, "hidden": 2,
		"squeezenet": 2, "flattened": 2, "flattened_batch": 2, "map": 4, "vector": 4,
	} {
		m := committed(t, name)
		const n = 32
		inputs := noise(n * items(m))
		want := run(t, m, inputs, n, tflite.Options{Threads: 1})[0]
		ranges := calibrated(t, m, inputs)
		for _, o := range []Options{{}, {FloatBorder: true}} {
			q := converted(t, m, ranges, o)
			got := run(t, q, inputs, n, tflite.Options{Threads: 1})[0]
			var worst float32
			for i := range want {
				worst = max(worst, max(got[i]-want[i], want[i]-got[i])/finalStep(q))
			}
			if !(worst <= steps) {
				t.Errorf("%s, %+v: differs by %.1f steps, want %v", name, o, worst, steps)
			}
			if d := decibels(got, want, len(want)/n); name == "map" || name == "vector" {
				t.Logf("%s %+v: %.1f dB, %.1f steps", name, o, d, worst)
				if !(d > 28) {
					t.Errorf("%s, %+v: the error lies only %.1f dB below the signal", name, o, d)
				}
			}
		}
	}
}

func TestBorders(t *testing.T) {
	m := committed(t, "pooled_batch")
	ranges := given(t, m, Range{Min: -1, Max: 1})
	in, out := m.Main().Tensors[m.Main().Inputs[0]], m.Main().Tensors[m.Main().Outputs[0]]
	for _, float := range []bool{false, true} {
		q := converted(t, m, ranges, Options{FloatBorder: float})
		g := q.Main()
		kind, more := file.Int8, 0
		if float {
			kind, more = file.Float32, 2
		}
		if n := len(m.Main().Operators) + more; len(g.Operators) != n {
			t.Errorf("float %v: %d operators, want %d", float, len(g.Operators), n)
		}
		i, o := g.Tensors[g.Inputs[0]], g.Tensors[g.Outputs[0]]
		if i.Type != kind || o.Type != kind || i.Name != in.Name || o.Name != out.Name ||
			!slices.Equal(i.ShapeSignature, in.ShapeSignature) || (i.Quantisation == nil) != float {
			t.Errorf("float %v: from %+v to %+v", float, i, o)
		}
		if len(q.Signatures) != 1 || q.Signatures[0].Inputs[0].Tensor != g.Inputs[0] || q.Signatures[0].Outputs[0].Tensor != g.Outputs[0] {
			t.Errorf("float %v: the signatures are %+v", float, q.Signatures)
		}
		if s := q.Summary(); s.MinRuntime != "1.15.0" || len(s.Notes) != 0 {
			t.Errorf("float %v: needs %q, notes %q", float, s.MinRuntime, s.Notes)
		}
		if !slices.Equal(must(q.Encode()), must(converted(t, m, ranges, Options{FloatBorder: float}).Encode())) {
			t.Errorf("float %v: converting again gives other bytes", float)
		}
	}
}

func TestModelLeavesItsInputAlone(t *testing.T) {
	m := committed(t, "hidden")
	before := must(m.Encode())
	converted(t, m, given(t, m, Range{Min: -1, Max: 1}), Options{FloatBorder: true})
	if !bytes.Equal(before, must(m.Encode())) {
		t.Error("the float model has changed")
	}
}

func TestRefuses(t *testing.T) {
	conv := func() *file.Model { return operators()["CONV_2D"] }
	change := func(m *file.Model, f func(*file.Subgraph)) *file.Model { f(m.Main()); return m }
	nan := float32(math.NaN())
	for _, c := range []struct {
		name string
		m    *file.Model
		want string
		hint string
	}{
		{"operator", one(file.OpResizeBilinear, nil, values(1, 2, 2, 3), integers(4, 4), values(1, 4, 4, 3)), "RESIZE_BILINEAR: it cannot be quantised", "CONV_2D"},
		{"custom operator", one(file.OpCustom, file.CustomOptions{Name: "Mine"}, values(1, 2), values(1, 2)), "Mine: it cannot", "CONV_2D"},
		{"quantised", committed(t, "pooled_int8"), "holds int8", "float32"},
		{"two subgraphs", &file.Model{Subgraphs: make([]file.Subgraph, 2)}, "2 subgraphs", ""},
		{"activation", one(file.OpAdd, file.AddOptions{Activation: file.Tanh}, values(1, 2), weights(1, 2), values(1, 2)), "fused activation", ""},
		{"shuffled", one(file.OpFullyConnected, file.FullyConnectedOptions{WeightsFormat: 1}, values(1, 2), weights(1, 3, 2), weights(1, 3), values(1, 3)), "shuffled", ""},
		{"computed weights", change(conv(), func(g *file.Subgraph) { g.Operators[0].Inputs[1] = 0 }), "no constant", ""},
		{"weights that are no picture's", change(conv(), func(g *file.Subgraph) { g.Tensors[1].Shape = []int32{8, 36} }), "shape [8 36]", ""},
		{"bias", change(conv(), func(g *file.Subgraph) { g.Tensors[2] = weights(1, 7) }), "7 values, want 8", ""},
		{"missing weights", change(conv(), func(g *file.Subgraph) { g.Operators[0].Inputs = []int{0} }), "it wants", ""},
		{"not a number", change(conv(), func(g *file.Subgraph) { g.Tensors[2].Data = floats(1, 2, 3, nan, 5, 6, 7, 8) }), "not finite", ""},
		{"huge", change(conv(), func(g *file.Subgraph) { g.Tensors[2].Data = floats(1, 2, 3, 1e30, 5, 6, 7, 8) }), "too large", ""},
		{"order", change(conv(), func(g *file.Subgraph) { g.Operators[0].Inputs[0] = 3 }), "it wants values", ""},
		{"overwrites", change(conv(), func(g *file.Subgraph) { g.Operators[0].Outputs[0] = 0 }), "overwrites", ""},
		{"output", change(conv(), func(g *file.Subgraph) { g.Outputs = []int{1} }), "is not computed", ""},
		{"float sizes", one(file.OpMean, file.ReducerOptions{}, values(1, 2, 2, 3), weights(1, 2), values(1, 3)), "want int32", ""},
	} {
		_, err := Tensors(c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%s: %v (hint %q), want %q and %q", c.name, err, hint.Of(err), c.want, c.hint)
		}
		if _, err := Model(c.m, nil, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Model says %v", c.name, err)
		}
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		r    Range
		want string
	}{{Range{Min: nan, Max: 1}, "not finite"}, {Range{Min: 0, Max: inf}, "not finite"}, {Range{Min: 1, Max: 0}, "upside down"}, {Range{Min: 0, Max: 1e20}, "too large"}, {Range{Means: []float32{0, nan}}, "not finite"}, {Range{Means: []float32{1, 2}}, "2 means"}} {
		if _, err := Model(conv(), map[int]Range{0: {Max: 1}, 3: c.r}, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "values") {
			t.Errorf("range %v: %v", c.r, err)
		}
	}
	if _, err := Model(conv(), map[int]Range{0: {Max: 1}}, Options{}); err == nil || !strings.Contains(err.Error(), "no range is given for tensor 3") {
		t.Errorf("a missing range: %v", err)
	}
}
