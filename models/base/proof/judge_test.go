package proof

import (
	"math"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	good := func() [][][]float32 {
		return [][][]float32{{{0, 1, 2}, {3, 0, 1}}, {{0, 1, 2}, {3, 0, 1}}, {{0, 1, 2.00001}, {3, 0, 1}}}
	}
	if checks, err := judge(good()); err != nil || !strings.Contains(strings.Join(checks, " "), "from 0 to 3") {
		t.Errorf("%q, %v", checks, err)
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		want   string
		change func(r [][][]float32)
	}{
		{"is NaN", func(r [][][]float32) { r[0][1][2] = nan }},
		{"is +Inf", func(r [][][]float32) { r[0][0][0] = float32(math.Inf(1)) }},
		{"all 3 features of test picture 1 are 2", func(r [][][]float32) { r[0][0] = []float32{2, 2, 2} }},
		{"same features", func(r [][][]float32) { r[0][1] = []float32{0, 1, 2.0000001} }},
		{"comes again", func(r [][][]float32) { r[1][1][0] = math.Nextafter32(3, 4) }},
		{"two threads", func(r [][][]float32) { r[2][0][1] = 1.0001 }},
		{"two threads", func(r [][][]float32) { r[2][1][1] = nan }},
	} {
		runs := good()
		c.change(runs)
		if _, err := judge(runs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestPooled(t *testing.T) {
	f, err := pooled([]float32{1, 2, 3, 5, 7, 11}, 2)
	if err != nil || f[0] != 11./3 || f[1] != 6 {
		t.Errorf("%v, %v", f, err)
	}
	for _, n := range []int{0, 4} {
		if _, err := pooled([]float32{1, 2, 3}, n); err == nil {
			t.Errorf("%d features of 3 values", n)
		}
	}
}
