package main

import (
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/tflite/file"
)

func timed(ms float64) speed.Timed {
	return speed.Timed{ProcessorMS: speed.NewFigure([]float64{ms})}
}

// The lower ceiling counts, and the percentages are of it.
func TestTable(t *testing.T) {
	c := ceilings{Arithmetic: 100, Read: 10, Copy: 20}
	dense := row{Name: "dense", Operations: 50e6, Bytes: 1e6, Timed: timed(1)}
	thin := row{Name: "thin", Operations: 1e6, Bytes: 1e6, Timed: timed(0.1)}
	plain := row{Name: "plain", Bytes: 2e6, Timed: timed(1)}
	if most, memory := c.attainable(dense); most != 100 || memory {
		t.Errorf("dense: %v, %v", most, memory)
	}
	if most, memory := c.attainable(thin); most != 20 || !memory {
		t.Errorf("thin: %v, %v", most, memory)
	}
	text := table(c, []row{dense, thin, plain})
	for _, want := range []string{
		"does 100.0 GFLOP/s, reads 10.0 GB/s from memory, and copies at 20.0 GB/s",
		"fewer than 5.0 operations",
		"| dense | 1.0000 | 50 | 1000.0 | 50.0 | 50.0 | 50 % (arithmetic) | 1.00 | 5 % |\n",
		"| thin | 0.1000 | 1 | 1000.0 | 1.0 | 10.0 | 50 % (memory) | 10.00 | 50 % |\n",
		"| plain | 1.0000 |  | 2000.0 |  |  |  | 2.00 | 10 % |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Weights count once, and what lies between operators as often as it is used.
func TestTraffic(t *testing.T) {
	g := file.Subgraph{
		Tensors: []file.Tensor{
			{Type: file.Float32, Shape: []int32{1, 4}},                            // in
			{Type: file.Float32, Shape: []int32{2, 4}, Data: make([]byte, 4*2*4)}, // weights
			{Type: file.Int8, Shape: []int32{1, 2}},                               // out
		},
		Operators: []file.Operator{{Inputs: []int{0, 1, -1}, Outputs: []int{2}}},
	}
	if got, want := traffic(&file.Model{Subgraphs: []file.Subgraph{g}}), 32.+16+2; got != want {
		t.Errorf("%v bytes, want %v", got, want)
	}
}
