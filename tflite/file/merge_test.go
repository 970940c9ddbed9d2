package file

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// tail returns RELU over the scores of dense: another output of the same shape.
func tail() *Model {
	return &Model{
		Description: "tail",
		Subgraphs: []Subgraph{{
			Tensors: []Tensor{
				{Name: "out", Shape: []int32{1, 3}, ShapeSignature: []int32{-1, 3}},
				{Name: "in", Shape: []int32{1, 3}, ShapeSignature: []int32{-1, 3}},
			},
			Inputs: []int{1}, Outputs: []int{0}, // as no writer orders them
			Operators: []Operator{{Code: OpRelu, Inputs: []int{1}, Outputs: []int{0}}},
		}},
		Metadata: []Metadata{{Name: minRuntimeVersion, Data: []byte("1.14.0\x00\x00")}, {Name: "other", Data: []byte{1}}},
	}
}

func TestMerge(t *testing.T) {
	front, back := dense(), tail()
	m, err := Merge(front, back)
	if err != nil {
		t.Fatal(err)
	}
	m, err = Parse(encoded(t, m))
	if err != nil {
		t.Fatal(err)
	}
	g := m.Main()
	if len(m.Subgraphs) != 1 || len(g.Tensors) != 5 || len(g.Operators) != 3 || m.Description != "made by hand" || len(m.Signatures) != 0 {
		t.Fatalf("%d tensors, %d operators, %q", len(g.Tensors), len(g.Operators), m.Description)
	}
	o := g.Operators[2]
	if o.Code != OpRelu || g.Tensors[o.Inputs[0]].Name != "scores" || g.Tensors[o.Outputs[0]].Name != "out" ||
		g.Outputs[0] != o.Outputs[0] || g.Tensors[g.Inputs[0]].Name != "features" || g.Operators[0].Inputs[2] != -1 {
		t.Errorf("last operator %+v of tensors %+v", o, g.Tensors)
	}
	// dense fixes the batch, so that what follows cannot leave it open.
	if s := g.Tensors[g.Outputs[0]].ShapeSignature; s != nil {
		t.Errorf("the output's signature is %v", s)
	}
	if len(m.Metadata) != 1 || !bytes.HasPrefix(m.Metadata[0].Data, []byte("1.14.0")) {
		t.Errorf("metadata %v", m.Metadata)
	}
	if !reflect.DeepEqual(front, dense()) || !reflect.DeepEqual(back, tail()) {
		t.Error("a model was changed")
	}
	if alone, err := Merge(dense()); err != nil || len(alone.Main().Operators) != 2 {
		t.Errorf("one model alone: %v", err)
	}
	if behind, err := Merge(tail(), tail()); err != nil || behind.Main().Tensors[behind.Main().Outputs[0]].ShapeSignature[0] != -1 {
		t.Errorf("the batch does not stay open: %v", err)
	}
}

// TestMergeNothing lets a model without operators stand between two others.
func TestMergeNothing(t *testing.T) {
	nothing := &Model{Subgraphs: []Subgraph{{
		Tensors: []Tensor{{Name: "x", Shape: []int32{1, 3}}}, Inputs: []int{0}, Outputs: []int{0},
	}}}
	m, err := Merge(dense(), nothing, tail())
	if err != nil {
		t.Fatal(err)
	}
	want, err := Merge(dense(), tail())
	if err != nil || !bytes.Equal(encoded(t, m), encoded(t, want)) {
		t.Errorf("something between: %v", err)
	}
}

func TestMergeRefuses(t *testing.T) {
	for want, spoil := range map[string]func(front, back *Model){
		"2 subgraphs": func(_, back *Model) { back.Subgraphs = append(back.Subgraphs, back.Subgraphs[0]) },
		"2 outputs":   func(front, _ *Model) { front.Main().Outputs = []int{3, 2} },
		"0 inputs":    func(_, back *Model) { back.Main().Inputs = nil },
		"of shape":    func(_, back *Model) { back.Main().Tensors[1].Shape = []int32{1, 4} },
		"is int8":     func(_, back *Model) { back.Main().Tensors[1].Type = Int8 },
		"quantised differently": func(front, back *Model) {
			front.Main().Tensors[3].Quantisation = &Quantisation{Scale: []float32{0.5}, ZeroPoint: []int64{1}}
			back.Main().Tensors[1].Quantisation = &Quantisation{Scale: []float32{0.5}}
		},
	} {
		front, back := dense(), tail()
		spoil(front, back)
		if _, err := Merge(front, back); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := Merge(); err == nil {
		t.Error("merged nothing")
	}
	same := dense()
	same.Main().Tensors[3].Quantisation = &Quantisation{Scale: []float32{0.5}, ZeroPoint: []int64{0}}
	back := tail()
	back.Main().Tensors[1].Quantisation = &Quantisation{Scale: []float32{0.5}}
	if _, err := Merge(same, back); err != nil {
		t.Errorf("no zero points are zeros: %v", err)
	}
}

// TestMergeAgreesWithLiteRT cuts a model at its features and merges the two parts:
// it computes what it did, to the last bit.
func TestMergeAgreesWithLiteRT(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.tflite")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var args []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		f, err := whole.FeatureTensor()
		if err != nil || f.Whole {
			continue
		}
		front, err := whole.Cut(f.Tensor)
		if err != nil {
			t.Fatal(err)
		}
		back, err := cutFrom(whole, f.Tensor)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Merge(front, back)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		merged := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(merged, encoded(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path, merged)
	}
	if len(args) < 4 {
		t.Fatalf("%d models have features to cut at", len(args)/2)
	}
	lines := litert(t, args...)
	for i := 0; i < len(args); i += 2 {
		if lines[i] != lines[i+1] {
			t.Errorf("%s: merged again it gives\n%s, want\n%s", args[i], lines[i+1], lines[i])
		}
	}
}

// cutFrom returns the rest of m behind a tensor: that becomes the only input.
func cutFrom(m *Model, tensor int) (*Model, error) {
	rest := *m
	g := *m.Main()
	w := newWalk(&g)
	// What is computed from constants alone, such as float16 weights, stays.
	g.Operators = nil
	for i, o := range m.Main().Operators {
		if i > w.producer[tensor] || !w.dynamic[o.Outputs[0]] {
			g.Operators = append(g.Operators, o)
		}
	}
	g.Inputs = []int{tensor}
	rest.Subgraphs = []Subgraph{g}
	return rest.Cut(g.Outputs...)
}
