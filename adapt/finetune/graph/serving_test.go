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
	session, err := newSession(g, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	output := func(name string) tf.Output { return g.Operation(name[:len(name)-2]).Output(0) }
	const images = 2
	shape := append([]int{images}, n.Shape(n.Input)...)
	pictures, err := tensorOf(draws(7, elements(shape)), shape...)
	if err != nil {
		t.Fatal(err)
	}
	results, err := session.run(map[tf.Output]*tf.Tensor{output(s.Input): pictures}, []tf.Output{output(s.Output), output(s.Labels)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := valuesOf(results[0])
	if err != nil {
		t.Fatal(err)
	}
	want := append([]int64{images}, dims(n.Shape(n.Feature.Tensor))...)
	if !slices.Equal(results[0].Shape(), want) || slices.Max(got) == slices.Min(got) {
		t.Errorf("shape %v, want %v; values from %v to %v", results[0].Shape(), want, slices.Min(got), slices.Max(got))
	}
	if results[1].Value() != "labels.txt" {
		t.Errorf("labels %v", results[1].Value())
	}
}

func TestServeRefuses(t *testing.T) {
	n := readNetwork(t, "../../../models/base/mobilenet_v2_0.35_128.tflite")
	n.Layers[0].Code = file.OpLogSoftmax
	if _, err := Serve(n, ""); err == nil {
		t.Error("an operator without a kernel was built")
	}
}
