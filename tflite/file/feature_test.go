package file

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestFeatureTensor(t *testing.T) {
	for _, c := range []struct {
		model  string
		count  int
		side   int // of the map, 0 if it is a vector
		whole  bool
		reason string
		left   int // operators after the cut
	}{
		{"pooled", 12, 0, false, "input of FULLY_CONNECTED #5, after MEAN", 5},
		{"pooled_batch", 12, 0, false, "input of FULLY_CONNECTED #5, after MEAN", 5},
		{"pooled_rescaling", 12, 0, false, "input of FULLY_CONNECTED #7, after MEAN", 7},
		{"pooled_int8", 12, 0, false, "input of FULLY_CONNECTED #5, after MEAN", 5},
		{"pooled_uint8", 12, 0, false, "input of FULLY_CONNECTED #6, after MEAN", 6},
		{"pooled_float16", 136, 0, false, "input of FULLY_CONNECTED #11, after MEAN", 10},
		{"convolution", 12, 0, false, "input of CONV_2D #5, after MEAN", 5},
		{"hidden", 12, 0, false, "input of CONV_2D #11, after MEAN", 11},
		{"hidden_int8", 12, 0, false, "input of CONV_2D #11, after MEAN", 11},
		{"squeezenet", 12, 8, false, "input of CONV_2D #4, whose classes are pooled by MEAN", 4},
		{"flattened", 12, 2, false, "input of RESHAPE #5, a map that is flattened for FULLY_CONNECTED #6", 5},
		{"flattened_batch", 12, 2, false, "input of RESHAPE #8, a map that is flattened for FULLY_CONNECTED #9", 5},
		{"map", 12, 8, true, "the output is a map", 4},
		{"vector", 12, 0, true, "the output, after MEAN", 5},
	} {
		m := parsed(t, c.model)
		f, err := m.FeatureTensor()
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		if f.Count != c.count || f.Map != (c.side > 0) || f.Height != max(c.side, 1) || f.Width != max(c.side, 1) ||
			f.Whole != c.whole || f.Reason != c.reason || f.Name != m.Main().Tensors[f.Tensor].Name {
			t.Errorf("%s: %+v", c.model, f)
		}
		cut, err := m.Cut(f.Tensor)
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		if n := len(cut.Main().Operators); n != c.left {
			t.Errorf("%s: %d operators are left of %d, want %d", c.model, n, len(m.Main().Operators), c.left)
		}
		again, err := Parse(encoded(t, cut))
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		g, err := again.FeatureTensor()
		if err != nil || !g.Whole || g.Count != f.Count || g.Map != f.Map || g.Name != f.Name {
			t.Errorf("%s: the cut model has %+v, %v", c.model, g, err)
		}
	}
}

// graph builds a model of operators that take their first input from the
// tensor named by in, for shapes alone.
func graph(shapes [][]int32, operators ...Operator) *Model {
	g := Subgraph{Inputs: []int{0}, Outputs: []int{len(shapes) - 1}, Operators: operators}
	for _, s := range shapes {
		g.Tensors = append(g.Tensors, Tensor{Shape: s})
	}
	return &Model{Subgraphs: []Subgraph{g}}
}

func op(code OpCode, out int, in ...int) Operator {
	return Operator{Code: code, Inputs: in, Outputs: []int{out}}
}

func TestFeatureTensorOddities(t *testing.T) {
	for _, c := range []struct {
		name   string
		m      *Model
		tensor int
		reason string // or the error
	}{
		{"squeezed between pooling and the dense layer", graph(
			[][]int32{{1, 8, 8, 3}, {1, 4, 4, 6}, {1, 1, 1, 6}, {1, 6}, {1, 5}, {1, 5}},
			op(OpConv2D, 1, 0), op(OpAveragePool2D, 2, 1), op(OpSqueeze, 3, 2), op(OpFullyConnected, 4, 3), op(OpSoftmax, 5, 4)),
			2, "output of AVERAGE_POOL_2D #1, which reaches FULLY_CONNECTED #3 reshaped"},
		{"vector reshaped to a batch of 1", graph(
			[][]int32{{1, 8, 8, 3}, {1, 1, 1, 3}, {1, 3}},
			op(OpMean, 1, 0), Operator{Code: OpReshape, Inputs: []int{1}, Outputs: []int{2}, Options: ReshapeOptions{[]int32{1, 3}}}),
			1, "output of MEAN #0, without RESHAPE #1, which allows no batch"},
		{"vector reshaped to any batch", graph(
			[][]int32{{1, 8, 8, 3}, {1, 1, 1, 3}, {1, 3}},
			op(OpMean, 1, 0), Operator{Code: OpReshape, Inputs: []int{1}, Outputs: []int{2}, Options: ReshapeOptions{[]int32{-1, 3}}}),
			2, "the output, after MEAN"},
		{"dense layer over the whole map", graph(
			[][]int32{{1, 8, 8, 3}, {1, 4, 4, 6}, {1, 5}, {1, 5}},
			op(OpConv2D, 1, 0), op(OpFullyConnected, 2, 1), op(OpSoftmax, 3, 2)),
			1, "input of FULLY_CONNECTED #1, which classifies the whole map"},
		{"two branches that meet in a vector", graph(
			[][]int32{{1, 8, 8, 3}, {1, 4, 4, 6}, {1, 6}, {1, 6}, {1, 12}, {1, 5}},
			op(OpConv2D, 1, 0), op(OpMean, 2, 1), op(OpReduceMax, 3, 1), op(OpConcatenation, 4, 2, 3), op(OpFullyConnected, 5, 4)),
			4, "input of FULLY_CONNECTED #4, after CONCATENATION"},
		{"pooling is the whole model", graph(
			[][]int32{{1, 8, 8, 3}, {1, 3}}, op(OpMean, 1, 0)),
			1, "the output, after MEAN"},
		{"dense layer over the picture itself", graph(
			[][]int32{{1, 8, 8, 3}, {1, 5}}, op(OpFullyConnected, 1, 0)),
			0, "which classifies the whole map is not computed from the picture"},
		{"head", graph(
			[][]int32{{1, 12}, {1, 5}}, op(OpFullyConnected, 1, 0)),
			0, "the input is no picture but a vector"},
		{"pooled scores of nothing", graph(
			[][]int32{{1, 8, 8, 3}, {1, 3}, {1, 3}}, op(OpMean, 1, 0), op(OpSoftmax, 2, 1)),
			0, "MEAN #0 pools scores"},
		{"sequence", graph(
			[][]int32{{1, 8, 8, 3}, {1, 64, 3}}, op(OpReshape, 1, 0)),
			0, "the output has shape [1 64 3]"},
		{"constant output", graph(
			[][]int32{{1, 8, 8, 3}, {1, 3}}, Operator{Code: OpMean, Inputs: nil, Outputs: []int{1}}),
			0, "does not depend on the input"},
		{"identity", graph([][]int32{{1, 3}}), 0, "the output is the input"},
		{"circle", graph(
			[][]int32{{1, 8, 8, 3}, {1, 5}, {1, 5}},
			op(OpAdd, 1, 0, 2), op(OpAdd, 2, 1, 1), op(OpAdd, 1, 2)),
			2, "the output, after ADD"},
	} {
		f, err := c.m.FeatureTensor()
		if err != nil {
			if !errors.Is(err, ErrNoFeatures) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%s: %v, want %q", c.name, err, c.reason)
			}
			continue
		}
		if f.Tensor != c.tensor || f.Reason != c.reason {
			t.Errorf("%s: %+v, want tensor %d, %q", c.name, f, c.tensor, c.reason)
		}
	}
	m := parsed(t, "pooled")
	m.Main().Outputs = []int{1, 2}
	if _, err := m.FeatureTensor(); err == nil || !strings.Contains(err.Error(), "2 outputs") {
		t.Errorf("two outputs: %v", err)
	}
}

func TestCut(t *testing.T) {
	m := parsed(t, "pooled_int8")
	g := m.Main()
	before := slices.Clone(g.Operators[5].Inputs)
	f, err := m.FeatureTensor()
	if err != nil {
		t.Fatal(err)
	}
	cut, err := m.Cut(f.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	c := cut.Main()
	out := c.Tensors[c.Outputs[0]]
	if out.Quantisation == nil || out.Quantisation.Scale[0] != g.Tensors[f.Tensor].Quantisation.Scale[0] {
		t.Errorf("the output's quantisation is %+v", out.Quantisation)
	}
	if len(c.Tensors) >= len(g.Tensors) || len(cut.Signatures) != 0 {
		t.Errorf("%d tensors of %d and %d signatures are left", len(c.Tensors), len(g.Tensors), len(cut.Signatures))
	}
	used := make([]bool, len(c.Tensors))
	for _, o := range c.Operators {
		for _, i := range append(o.Inputs, o.Outputs...) {
			if i >= 0 {
				used[i] = true
			}
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		t.Errorf("tensor %d (%q) is kept for nothing", i, c.Tensors[i].Name)
	}
	if !slices.Equal(before, g.Operators[5].Inputs) {
		t.Error("cutting changed the model it cuts")
	}
	for _, bad := range []int{-1, len(g.Tensors), g.Inputs[0], 1 /* a constant */} {
		if _, err := m.Cut(bad); err == nil {
			t.Errorf("cut at tensor %d", bad)
		}
	}
}
