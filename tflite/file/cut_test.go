package file

import (
	"slices"
	"strings"
	"testing"
)

// residual returns the outputs of the first two operators of a committed model,
// a block whose sum needs both: the cut through its middle has two outputs.
func residual(t *testing.T, m *Model) (skip, branch int) {
	t.Helper()
	ops := m.Main().Operators
	skip, branch = ops[0].Outputs[0], ops[1].Outputs[0]
	if ops[2].Code != OpAdd || !slices.Contains(ops[2].Inputs, skip) || !slices.Contains(ops[2].Inputs, branch) {
		t.Fatalf("operator #2 is %s of %v", ops[2].Name(), ops[2].Inputs)
	}
	return skip, branch
}

func TestCutThroughAResidualBlock(t *testing.T) {
	m := parsed(t, "pooled_int8")
	skip, branch := residual(t, m)
	for _, tensors := range [][]int{{skip, branch}, {branch, skip}} {
		cut, err := m.Cut(tensors...)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(encoded(t, cut))
		if err != nil {
			t.Fatal(err)
		}
		g, c := m.Main(), again.Main()
		if len(c.Operators) != 2 || len(c.Inputs) != 1 || len(c.Outputs) != 2 {
			t.Fatalf("%v: %d operators, inputs %v, outputs %v", tensors, len(c.Operators), c.Inputs, c.Outputs)
		}
		for i, o := range c.Outputs {
			got, want := c.Tensors[o], g.Tensors[tensors[i]]
			if got.Name != want.Name || !slices.Equal(got.Quantisation.Scale, want.Quantisation.Scale) {
				t.Errorf("%v: output %d is %q with %v, want %q with %v",
					tensors, i, got.Name, got.Quantisation.Scale, want.Name, want.Quantisation.Scale)
			}
		}
		one, err := m.Cut(branch)
		if err != nil {
			t.Fatal(err)
		}
		if len(one.Main().Operators) != 2 || len(one.Main().Tensors) != len(c.Tensors) {
			t.Errorf("%v: %d tensors, one output alone needs %d", tensors, len(c.Tensors), len(one.Main().Tensors))
		}
	}
}

// Two inputs stay two, in their order, if the outputs need both.
func TestCutKeepsTheInputsNeeded(t *testing.T) {
	m := graph([][]int32{{1, 3}, {1, 3}, {1, 3}, {1, 3}, {1, 3}},
		op(OpRelu, 2, 1), op(OpRelu6, 3, 0), op(OpAdd, 4, 2, 3))
	m.Main().Inputs = []int{1, 0}
	for _, c := range []struct {
		tensors, inputs []int
		operators       int
	}{{[]int{2}, []int{0}, 1}, {[]int{3}, []int{0}, 1}, {[]int{3, 2}, []int{1, 0}, 2}, {[]int{4, 2}, []int{1, 0}, 3}} {
		cut, err := m.Cut(c.tensors...)
		if err != nil {
			t.Fatal(err)
		}
		if g := cut.Main(); !slices.Equal(g.Inputs, c.inputs) || len(g.Operators) != c.operators {
			t.Errorf("%v: inputs %v, %d operators", c.tensors, g.Inputs, len(g.Operators))
		}
	}
}

func TestCutRefuses(t *testing.T) {
	m := parsed(t, "pooled")
	skip, branch := residual(t, m)
	for _, c := range []struct {
		tensors []int
		want    string
	}{
		{nil, "no tensor"},
		{[]int{skip, branch, skip}, "given twice"},
		{[]int{skip, len(m.Main().Tensors)}, "there are"},
		{[]int{skip, m.Main().Inputs[0]}, "not computed from an input"},
	} {
		if _, err := m.Cut(c.tensors...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("cut at %v: %v, want %q", c.tensors, err, c.want)
		}
	}
}
