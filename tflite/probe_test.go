package tflite

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestProbe compares with the same model in this process, to the last bit.
func TestProbe(t *testing.T) {
	for _, name := range []string{"float32", "int8", "map", "batch4"} {
		it := mustOpen(t, name, Options{Threads: 1})
		var inputs, want [][]float32
		for i := range 3 {
			input := ramp(name, it.in.per)
			for j := range input {
				input[j] *= float32(i) / 2
			}
			output := make([]float32, it.outs[0].per)
			if err := it.Run(output, input); err != nil {
				t.Fatal(err)
			}
			inputs, want = append(inputs, input), append(want, output)
		}
		got, err := Probe(t.Context(), testModel(name), inputs, []int{1, 1, 2}, TrialOptions{Launcher: launcher()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for run, outputs := range got {
			for i := range want {
				limit := 0.0
				if run == 2 {
					limit = 1e-5
				}
				if d, at := farthest(t, outputs[i], want[i]); !(d <= limit) {
					t.Errorf("%s: run %d, input %d: off by %v at %d", name, run, i, d, at)
				}
			}
		}
	}
}

func TestProbeOfBadModels(t *testing.T) {
	for name, want := range map[string]string{"two_outputs": "2 outputs", "not_finite": "not finite", "unknown_op": "EdgeTestOp"} {
		if _, err := Probe(t.Context(), testModel(name), [][]float32{make([]float32, 10)}, []int{1}, TrialOptions{Launcher: launcher()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := Probe(t.Context(), testModel("float32"), [][]float32{make([]float32, 10)}, []int{1}, TrialOptions{Launcher: launcher()}); err == nil || !strings.Contains(err.Error(), "10 input values") {
		t.Errorf("an input that is too short: %v", err)
	}
}

// A child that dies of the second run, not of the trial, is a crash as well; one
// that never reads what it is asked does not hold up anybody.
func TestProbeOfChildrenThatDie(t *testing.T) {
	large := [][]float32{make([]float32, 1<<20)} // more than a pipe holds
	for _, c := range []struct {
		name, script string
		reason       error
	}{
		{"crash", asChild("kill -SEGV $$")[2], ErrCrash},
		{"silence", "sleep 100", ErrTimeout},
		{"fewer outputs", asChild(`echo '{"Path":0}'; sleep 100`)[2], nil},
	} {
		o := TrialOptions{Launcher: []string{"sh", "-c", c.script}, Timeout: 500 * time.Millisecond}
		_, err := Probe(t.Context(), testModel("float32"), large, []int{1}, o)
		if err == nil || c.reason != nil && !errors.Is(err, c.reason) {
			t.Errorf("%s: %v, want %v", c.name, err, c.reason)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Probe(ctx, testModel("float32"), large, []int{1}, TrialOptions{Launcher: []string{"sh", "-c", "sleep 100"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("called off: %v", err)
	}
}

func TestFloatsPack(t *testing.T) {
	values := []float32{0, -1.5, 3e38, 1e-45}
	if got := unpackFloats(packFloats(values)); !bytes.Equal(packFloats(got), packFloats(values)) {
		t.Errorf("%v, want %v", got, values)
	}
}
