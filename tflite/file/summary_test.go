package file

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func inf() float64 { return math.Inf(1) }

// update rewrites the golden files: go test -update.
var update = flag.Bool("update", false, "rewrite the golden files")

func TestSummaryGolden(t *testing.T) {
	for _, name := range []string{"hidden_int8", "pooled_batch"} {
		got, err := json.MarshalIndent(parsed(t, name).Summary(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		path := filepath.Join("testdata", name+".summary.json")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs from the summary:\n%s", path, got)
		}
	}
}

// TestSummaryCounts counts a model by hand: see body and pooled in make.py.
func TestSummaryCounts(t *testing.T) {
	s := parsed(t, "pooled").Summary()
	wantMACs := int64(8*8*8*27 + 8*8*8*9 + 8*8*12*8 + 12*5)
	// The biases of the depthwise and last convolution and of the dense layer are
	// zero and were folded or shared by the converter.
	wantParameters := int64(8*27 + 8 + 9*8 + 12*8 + 12 + 12*5)
	if s.MACs != wantMACs || s.Parameters != wantParameters {
		t.Errorf("%d MACs and %d parameters, want %d and %d", s.MACs, s.Parameters, wantMACs, wantParameters)
	}
	if s.Inputs[0].Type != "float32" || s.MinRuntime == "" || s.Feature == nil || len(s.Notes) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestSummarySaturates(t *testing.T) {
	m := graph([][]int32{{1, math.MaxInt32, math.MaxInt32, 3}, {math.MaxInt32, 7, 7, math.MaxInt32}, {1, math.MaxInt32, math.MaxInt32, math.MaxInt32}},
		op(OpConv2D, 2, 0, 1), op(OpConv2D, 2, 0, 1))
	if s := m.Summary(); s.MACs != math.MaxInt64 {
		t.Errorf("%d MACs", s.MACs)
	}
	for _, c := range []struct{ got, want int64 }{
		{product(3, 4, 5), 60},
		{product(math.MaxInt64, 2, 0), 0},
		{product(math.MaxInt64, 2, 3), math.MaxInt64},
		{product(-1, 2), math.MaxInt64},
		{addSaturated(math.MaxInt64, 1), math.MaxInt64},
		{addSaturated(3, -1), math.MaxInt64},
		{addSaturated(3, 4), 7},
	} {
		if c.got != c.want {
			t.Errorf("%d, want %d", c.got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	g := &Subgraph{Tensors: []Tensor{{Shape: []int32{1, 8, 8, 3}}, {Shape: []int32{4, 3, 5, 3}}, {Shape: []int32{1, 4, 2, 4}}}}
	for _, c := range []struct {
		options Options
		want    string
	}{
		{nil, ""},
		{Conv2DOptions{Padding: Valid, StrideW: 1, StrideH: 1, DilationH: 1, DilationW: 1}, "3x5, valid"},
		{Conv2DOptions{StrideW: 4, StrideH: 2, DilationH: 2, DilationW: 2, Activation: Relu6}, "3x5, stride 2x4, dilation 2, same, relu6"},
		{DepthwiseConv2DOptions{DepthMultiplier: 2, Activation: Tanh}, "3x5, multiplier 2, same, tanh"},
		{Pool2DOptions{FilterHeight: 7, FilterWidth: 7, StrideH: 7, StrideW: 7, Padding: 9, Activation: 17}, "7x7, stride 7, padding 9, activation 17"},
		{ReshapeOptions{[]int32{-1, 5}}, "to [-1 5]"},
		{SoftmaxOptions{Beta: 1}, ""},
		{CustomOptions{Name: "x"}, "custom"},
		{UnknownOptions{"LSTM", "options of kind 14"}, "options of kind 14"},
	} {
		o := Operator{Inputs: []int{0, 1}, Outputs: []int{2}, Options: c.options}
		if got := g.describe(&o); got != c.want {
			t.Errorf("%+v: %q, want %q", c.options, got, c.want)
		}
	}
}
