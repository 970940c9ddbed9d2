package file

import (
	"errors"
	"strings"
	"testing"
)

func TestTensorNamed(t *testing.T) {
	m := dense()
	m.Main().Tensors[1].Name = "logits"
	for _, c := range []struct {
		name, want string
		index      int
	}{
		{"features", "", 0}, {"scores", "", 3}, {"#2", "", 2}, {"#0", "", 0},
		{"logits", "#1 and #2", 0}, {"nothing", "no tensor", 0}, {"#4", "there are 4", 0}, {"#-1", "there are 4", 0}, {"#x", "no tensor", 0}, {"", "no tensor", 0},
	} {
		i, err := m.TensorNamed(c.name)
		if c.want == "" && (err != nil || i != c.index) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %d, %v; want %d, %q", c.name, i, err, c.index, c.want)
		}
	}
}

func TestFeatureAt(t *testing.T) {
	m := parsed(t, "pooled")
	ops := m.Main().Operators
	skip := ops[0].Outputs[0]
	f, err := m.FeatureAt(skip)
	if err != nil || !f.Map || f.Height != 8 || f.Count != 8 || f.Whole || f.Reason != "output of CONV_2D #0" {
		t.Errorf("%+v, %v", f, err)
	}
	out := m.Main().Outputs[0]
	if f, err := m.FeatureAt(out); err != nil || !f.Whole || f.Count != 5 || f.Reason != "the output" {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []int{-1, len(m.Main().Tensors), m.Main().Inputs[0], ops[0].Inputs[1]} {
		if f, err := m.FeatureAt(bad); err == nil {
			t.Errorf("tensor %d: %+v", bad, f)
		}
	}
	m.Main().Outputs = nil
	if _, err := m.FeatureAt(skip); !errors.Is(err, ErrNoFeatures) {
		t.Errorf("without an output: %v", err)
	}
}

func TestFeatures(t *testing.T) {
	m := parsed(t, "pooled")
	list := m.Features()
	found, err := m.FeatureTensor()
	if err != nil {
		t.Fatal(err)
	}
	var has bool
	for _, f := range list {
		has = has || f.Tensor == found.Tensor
		if again, err := m.FeatureAt(f.Tensor); err != nil || again.Count != f.Count || again.Map != f.Map {
			t.Errorf("%+v, alone %+v, %v", f, again, err)
		}
		if f.Tensor == m.Main().Operators[1].Outputs[0] {
			t.Error("a tensor that only one branch passes is offered")
		}
	}
	if !has || len(list) < 4 || !list[0].Whole {
		t.Errorf("%+v", list)
	}
	m.Main().Outputs = append(m.Main().Outputs, found.Tensor)
	if list := m.Features(); list != nil {
		t.Errorf("of several outputs: %+v", list)
	}
}
