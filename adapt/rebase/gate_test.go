package rebase

import (
	"math"
	"testing"
)

func TestJudge(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		c      comparison
		margin float64
		want   Kind
	}{
		{"nothing to compare", comparison{}, 1, Unmeasured},
		{"more", comparison{20, 15, 16, 1, 2}, 0, Better},
		{"as many, surer", comparison{20, 15, 15, 1, 0.9}, 0, Equal},
		{"as many, hardly less sure", comparison{20, 15, 15, 1, 1 + tie}, 0, Equal},
		{"as many, less sure", comparison{20, 15, 15, 1, 1.2}, 0, Worse},
		{"one fewer, surer", comparison{20, 15, 14, 1, 1}, 0, Equal},
		{"one fewer, hardly less sure", comparison{20, 15, 14, 1, 1.001}, 0, Worse},
		{"two fewer, surer", comparison{20, 15, 13, 1, 0.1}, 0, Worse},
		{"two fewer within the margin", comparison{20, 15, 13, 1, 2}, 0.1, Margin},
		{"three fewer beyond it", comparison{20, 15, 12, 1, 2}, 0.1, Worse},
		{"as many, less sure, within the margin", comparison{20, 15, 15, 1, 2}, 0.01, Margin},
		{"two more were wanted", comparison{20, 15, 16, 1, 0.1}, -0.1, Worse},
		{"two more were wanted and came", comparison{20, 15, 17, 1, 2}, -0.1, Better},
		{"NaN", comparison{20, 15, 15, 1, nan}, 0, Worse},
		{"NaN before", comparison{20, 2, 2, nan, 1}, 0, Worse},
	} {
		v := judge(c.c, c.margin)
		if v.Kind != c.want || v.Activate != (c.want == Better || c.want == Equal || c.want == Margin) || v.Reason == "" {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestCrossEntropy(t *testing.T) {
	scores := []float32{0.2, 0.3, 0.5}
	for _, c := range []struct {
		among []int
		label int
		want  float64
	}{
		{[]int{0, 1, 2}, 2, -math.Log(0.5)},
		{[]int{0, 1}, 1, -math.Log(0.6)},
		{[]int{0}, 0, 0},
	} {
		if got := crossEntropy(scores, c.among, c.label); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v among %v: %v, want %v", c.label, c.among, got, c.want)
		}
	}
	if got := crossEntropy([]float32{0, 1}, []int{0, 1}, 0); math.IsInf(got, 0) || got < 10 {
		t.Errorf("quite wrong: %v", got)
	}
	if nan := float32(math.NaN()); !math.IsNaN(crossEntropy([]float32{nan, nan}, []int{0, 1}, 0)) {
		t.Error("NaN is lost")
	}
}
