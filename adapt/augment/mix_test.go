package augment

import (
	"math"
	"slices"
	"testing"
)

func TestMix(t *testing.T) {
	a, b := []float32{1, 0, -1}, []float32{0, 0.5, 1}
	want := []float32{0.75, 0.125, -0.5}
	dst := make([]float32, 3)
	if Mix(dst, a, b, 0.75); !slices.Equal(dst, want) {
		t.Errorf("%v, want %v", dst, want)
	}
	if Mix(a, a, b, 1); !slices.Equal(a, []float32{1, 0, -1}) {
		t.Errorf("all of the first picture gave %v", a)
	}
	if Mix(b, a, b, 0.75); !slices.Equal(b, want) {
		t.Errorf("in place: %v, want %v", b, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("pictures of different lengths were blended")
		}
	}()
	Mix(dst, a, b[:2], 0.5)
}

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		label, other      int
		lambda, smoothing float64
		want              []float32
	}{
		{2, 0, 1, 0, []float32{0, 0, 1, 0}},
		{2, 0, 0.75, 0, []float32{0.25, 0, 0.75, 0}},
		{1, 1, 0.75, 0, []float32{0, 1, 0, 0}},
		{1, 3, 1, 0.1, []float32{0.025, 0.925, 0.025, 0.025}},
		{1, 3, 0.5, 0.2, []float32{0.05, 0.45, 0.05, 0.45}},
		{0, 1, 0.5, 1, []float32{0.25, 0.25, 0.25, 0.25}},
	} {
		dst := slices.Repeat([]float32{float32(math.NaN())}, 4)
		Targets(dst, test.label, test.other, test.lambda, test.smoothing)
		if _, largest := distance(dst, test.want); !(largest < 1e-6) {
			t.Errorf("%+v: %v", test, dst)
		}
	}
}
