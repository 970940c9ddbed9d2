package quantise

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

var _ Runner = (*tflite.Interpreter)(nil)

// runner is a Runner made of a function.
type runner func(dst [][]float32, src []float32) error

func (f runner) RunAll(dst [][]float32, src []float32) error { return f(dst, src) }

// twice adds the input to a constant and pools the sum.
func twice() *file.Model {
	pool := file.Pool2DOptions{StrideW: 1, StrideH: 1, FilterWidth: 2, FilterHeight: 2, Padding: file.Valid}
	return &file.Model{Subgraphs: []file.Subgraph{{
		Tensors: []file.Tensor{values(1, 2, 2, 1), weights(1, 1), values(1, 2, 2, 1), values(1, 1, 1, 1), values(1, 1, 1, 1)},
		Inputs:  []int{0}, Outputs: []int{4},
		Operators: []file.Operator{
			{Code: file.OpAdd, Inputs: []int{0, 1}, Outputs: []int{2}, Options: file.AddOptions{}},
			{Code: file.OpAveragePool2D, Inputs: []int{2}, Outputs: []int{3}, Options: pool},
			{Code: file.OpHardSwish, Inputs: []int{3}, Outputs: []int{4}},
		},
	}}}
}

// What is pooled has the scale of what it is pooled from, and no range.
func TestTensors(t *testing.T) {
	got, err := Tensors(twice())
	if err != nil || len(got) != 3 || got[0] != 0 || got[1] != 2 || got[2] != 4 {
		t.Errorf("%v, %v; want 0, 2 and 4", got, err)
	}
}

func TestCalibration(t *testing.T) {
	c, err := NewCalibration(twice())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Probe().Main().Outputs); n != 2 || len(c.Ranges()) != 0 {
		t.Errorf("%d outputs are watched, ranges %v", n, c.Ranges())
	}
	add := func(k float32) func(dst [][]float32, src []float32) error {
		return func(dst [][]float32, src []float32) error {
			for i, v := range src {
				dst[0][i] = v * k
				dst[1][i/4] = -v * k
			}
			return nil
		}
	}
	for _, step := range []struct {
		k     float32
		input []float32
	}{{10, []float32{1, 2, 3, 4, 5, 6, 7, 8}}, {-1, []float32{0, -5, 2, 2}}} {
		if err := c.Add(runner(add(step.k)), step.input); err != nil {
			t.Fatal(err)
		}
	}
	want := map[int]Range{
		0: {Min: -5, Max: 8, Means: []float32{35.0 / 12}},
		2: {Min: -2, Max: 80, Means: []float32{361.0 / 12}},
		4: {Min: -80, Max: 2, Means: []float32{-118.0 / 3}},
	}
	if got := c.Ranges(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	c.Ranges()[0].Means[0] = 7
	c.Ranges()[0] = Range{}
	if !reflect.DeepEqual(c.Ranges(), want) {
		t.Error("the caller's map is ours")
	}
}

// How the inputs fall into batches changes nothing.
func TestCalibrationInBatches(t *testing.T) {
	m := committed(t, "pooled_batch")
	inputs, per := noise(12*items(m)), items(m)
	want := calibrated(t, m, inputs)
	c, err := NewCalibration(m)
	if err != nil {
		t.Fatal(err)
	}
	it := opened(t, c.Probe(), tflite.Options{Threads: 1})
	for _, n := range []int{5, 1, 2, 4} {
		if err := c.Add(it, inputs[:n*per]); err != nil {
			t.Fatal(err)
		}
		inputs = inputs[n*per:]
	}
	for i, r := range c.Ranges() {
		if d := max(math.Abs(float64(r.Min-want[i].Min)), math.Abs(float64(r.Max-want[i].Max))); d > 1e-5 {
			t.Errorf("tensor %d: %v, want %v", i, r, want[i])
		}
	}
}

func TestCalibrationRefuses(t *testing.T) {
	c, err := NewCalibration(twice())
	if err != nil {
		t.Fatal(err)
	}
	nothing := runner(func([][]float32, []float32) error { return nil })
	broken := errors.New("broken")
	nan := runner(func(dst [][]float32, _ []float32) error { dst[1][0] = float32(math.NaN()); return nil })
	for _, test := range []struct {
		r     Runner
		input []float32
		want  string
	}{
		{nothing, nil, "multiple of 4"},
		{nothing, make([]float32, 6), "multiple of 4"},
		{runner(func([][]float32, []float32) error { return broken }), make([]float32, 4), "broken"},
		{nan, make([]float32, 4), "tensor 4: a value that is not finite"},
		{nothing, []float32{0, 0, float32(math.Inf(1)), 0}, "tensor 0: a value that is not finite"},
	} {
		if err := c.Add(test.r, test.input); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d inputs: %v, want %q", len(test.input), err, test.want)
		}
	}
	two := twice()
	two.Main().Inputs = []int{0, 0}
	scalar := one(file.OpHardSwish, nil, file.Tensor{HasRank: true}, file.Tensor{HasRank: true})
	for want, m := range map[string]*file.Model{
		"2 inputs":         two,
		"no batch":         scalar,
		"computes nothing": operators()["RESHAPE"],
		"holds int8":       committed(t, "pooled_int8"),
	} {
		if _, err := NewCalibration(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
