package head

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// golden is one case of testdata/golden.json, which make_golden.py writes.
type golden struct {
	Name                      string
	Features, Hidden, Classes int
	Rate                      float64
	Start                     [][]float32
	Scores                    []float32   // of the first batch, without dropout
	Gradients                 [][]float32 // of the first batch
	Steps                     []struct {
		Batch, Weights, Keep []float32
		Labels               []int32
		Loss                 float64
	}
	After map[string][][]float32 // parameters, by the number of steps done
}

// TestKeras compares scores, loss, gradients and steps of Adam with Keras'.
func TestKeras(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 6 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			h := zero(c.Features, c.Hidden, c.Classes)
			fill(t, h, c.Start)
			first := c.Steps[0]
			score := h.Scorer()
			for r := range first.Labels {
				near(t, "score", score(first.Batch[r*c.Features:][:c.Features]), c.Scores[r*c.Classes:][:c.Classes], 1e-6)
			}

			p, grad, adam := NewPass(h, len(first.Labels)), h.Clone(), NewAdam(h, c.Rate)
			for i, s := range c.Steps {
				rows := len(s.Labels)
				p.Forward(s.Batch, rows, s.Keep)
				sum, _ := p.Loss(s.Labels, s.Weights)
				if got := sum / float64(rows); math.Abs(got-s.Loss) > 2e-6*(1+s.Loss) {
					t.Errorf("step %d: loss %v, want %v", i+1, got, s.Loss)
				}
				p.Backward(grad, s.Labels, s.Weights)
				if i == 0 {
					compare(t, "gradient", grad, c.Gradients)
				}
				adam.Step(h, grad)
				if want, ok := c.After[strconv.Itoa(i+1)]; ok {
					compare(t, "after step "+strconv.Itoa(i+1), h, want)
				}
			}
		})
	}
}

// present returns the parameters of h that Keras has.
func present(h *Head) [][]float32 {
	p := h.Params()
	if h.Hidden == 0 {
		return p[2:]
	}
	return p[:]
}

func fill(t *testing.T, h *Head, from [][]float32) {
	t.Helper()
	to := present(h)
	if len(to) != len(from) {
		t.Fatalf("%d parameters, want %d", len(from), len(to))
	}
	for k := range to {
		if copy(to[k], from[k]) != len(to[k]) || len(from[k]) != len(to[k]) {
			t.Fatalf("parameter %d has %d elements, want %d", k, len(from[k]), len(to[k]))
		}
	}
}

func compare(t *testing.T, name string, h *Head, want [][]float32) {
	t.Helper()
	got := present(h)
	if len(got) != len(want) {
		t.Fatalf("%s: %d parameters, want %d", name, len(want), len(got))
	}
	for k := range got {
		near(t, name, got[k], want[k], 1e-6)
	}
}

func near(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", name, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			t.Errorf("%s[%d] = %v, want %v (off by %.2g)", name, i, got[i], want[i], d)
		}
	}
}
