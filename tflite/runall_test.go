package tflite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// openCut opens what is left of a test model when it is cut at the outputs of
// the given operators.
func openCut(t *testing.T, name string, operators ...int) *Interpreter {
	t.Helper()
	data, err := os.ReadFile(testModel(name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var tensors []int
	for _, i := range operators {
		tensors = append(tensors, m.Main().Operators[i].Outputs[0])
	}
	cut, err := m.Cut(tensors...)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = cut.Encode(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	it, err := Open(path, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { it.Close() })
	return it
}

// Every output, whatever the batch and in whatever order, is what a model cut
// at it alone gives; and the last is what Python gives of the whole.
func TestRunAllEqualsRun(t *testing.T) {
	for _, test := range []struct {
		name      string
		operators []int // the last one makes the model's output
		fixed     bool
	}{
		{"float32", []int{0, 1, 4}, false},
		{"float32", []int{4, 2}, false},
		{"float32", []int{4}, false},
		{"int8", []int{3, 1, 0, 4}, false},
		{"open_batch", []int{1, 4}, false},
		{"fixed_batch", []int{0, 5}, true},
	} {
		it := openCut(t, test.name, test.operators...)
		for _, n := range []int{1, 3, 2, 4, 1} {
			src := ramp("", n*192)
			got := outputs(it, n)
			if err := it.RunAll(got, src); err != nil {
				t.Fatalf("%s at %v, batch %d: %v", test.name, test.operators, n, err)
			}
			for i, operator := range test.operators {
				one := openCut(t, test.name, operator)
				want := make([]float32, n*one.outs[0].per)
				if err := one.Run(want, src); err != nil {
					t.Fatal(err)
				}
				if d, at := farthest(t, got[i], want); d > 1e-5 {
					t.Errorf("%s at %v, batch %d: value %d of output %d differs by %g", test.name, test.operators, n, at, i, d)
				}
			}
			if last := len(got) - 1; len(got[last]) == n*16 {
				want := flatten(loadGolden(t)[test.name].Output[:n])
				if d, at := farthest(t, got[last], want); d > 1e-5 {
					t.Errorf("%s, batch %d: value %d of the whole model differs by %g", test.name, n, at, d)
				}
			}
		}
		if it.fixed != test.fixed {
			t.Errorf("%s at %v: fixed is %v", test.name, test.operators, it.fixed)
		}
	}
}

func TestRunAllRefuses(t *testing.T) {
	it := mustOpen(t, "two_outputs", Options{Threads: 1})
	good := func() [][]float32 { return outputs(it, 2) }
	short := good()
	short[1] = short[1][1:]
	for _, test := range []struct {
		dst  [][]float32
		src  int
		want string
	}{
		{good()[:1], 384, "has 2"},
		{append(good(), nil), 384, "has 2"},
		{nil, 384, "has 2"},
		{good(), 383, "multiple of 192"},
		{good(), 0, "multiple of 192"},
		{short, 384, "output 1: want"},
		{good(), 192, "output 0: want"},
	} {
		err := it.RunAll(test.dst, make([]float32, test.src))
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrBroken) {
			t.Errorf("%d values into %d outputs: %v; want %q in it", test.src, len(test.dst), err, test.want)
		}
	}
	if err := it.RunAll(good(), make([]float32, 384)); err != nil {
		t.Errorf("after refusals: %v", err)
	}
	it.mu.Lock()
	if err := it.RunAll(good(), make([]float32, 384)); !errors.Is(err, ErrBusy) {
		t.Errorf("during another call: %v, want ErrBusy", err)
	}
	it.mu.Unlock()
	it.Close()
	if err := it.RunAll(good(), make([]float32, 384)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
	if err := mustOpen(t, "two_inputs", Options{}).RunAll(make([][]float32, 1), nil); err == nil || !strings.Contains(err.Error(), "2 inputs") {
		t.Errorf("two inputs: %v", err)
	}
}

// Run keeps no reference to what it was given.
func TestRunForgets(t *testing.T) {
	it := mustOpen(t, "float32", Options{Threads: 1})
	if err := it.Run(make([]float32, 16), make([]float32, 192)); err != nil {
		t.Fatal(err)
	}
	if it.one[0] != nil {
		t.Error("the destination is kept")
	}
}

// A model of several outputs has its trial like any other.
func TestTrialOfTwoOutputs(t *testing.T) {
	if err := Trial(t.Context(), testModel("two_outputs"), TrialOptions{Launcher: launcher()}); err != nil {
		t.Error(err)
	}
}
