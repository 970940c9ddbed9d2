//go:build tensorflow

package graph

import (
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/tflite/file"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestServe builds a base as a graph that only computes, and reads it back: it
// runs on two pictures and has no variables. What it computes is compared with
// LiteRT in models/export/savedmodel.
func TestServe(t *testing.T) {
	trained := readNetwork(t, "../../../models/base/mobilenet_v2_0.35_128.tflite")
	base, err := trained.Model.Cut(trained.Feature.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.ReadWhole(base)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Serve(n, "labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	g := tf.NewGraph()
	if err := g.Import(s.Def, ""); err != nil {
		t.Fatal(err)
	}
	for _, o := range g.Operations() {
		if o.Type() == "VarHandleOp" {
			t.Errorf("%s is a variable", o.Name())
		}
	}
	o, err := Open(s, n.Shape(n.Input))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	results := make([][]float32, 2)
	for i := range results {
		results[i] = make([]float32, elements(n.Shape(n.Feature.Tensor)))
		if err := o.Run(results[i], draws(uint64(i), elements(n.Shape(n.Input)))); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(results[0], results[1]) || slices.Max(results[0]) == slices.Min(results[0]) {
		t.Error("two pictures give the same features, or all features are the same")
	}
	if err := o.Run(results[0][1:], draws(1, elements(n.Shape(n.Input)))); err == nil {
		t.Error("the features fit into less")
	}
	if err := o.Run(results[0], make([]float32, 5)); err == nil {
		t.Error("a picture of five values ran")
	}
	for _, name := range []string{"", "image", "image:0", s.Output[:len(s.Output)-1] + "9"} {
		if _, err := Open(&Serving{Def: s.Def, Input: s.Input, Output: name}, n.Shape(n.Input)); err == nil {
			t.Errorf("an output %q was found", name)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	n := readNetwork(t, "../../../models/base/mobilenet_v2_0.35_128.tflite")
	n.Layers[0].Code = file.OpLogSoftmax
	if _, err := Serve(n, ""); err == nil {
		t.Error("an operator without a kernel was built")
	}
}
