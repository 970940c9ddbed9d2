package head

import (
	"errors"
	"math"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

// sample returns a head without symmetries, and rows of features for it.
func sample(features, hidden, classes, rows int) (*Head, []float32, []int32) {
	return sampleOf(42, features, hidden, classes, rows)
}

func sampleOf(seed uint64, features, hidden, classes, rows int) (*Head, []float32, []int32) {
	h := New(features, hidden, classes, seed)
	rng := NewRandom(seed, 99)
	for _, b := range [][]float32{h.B1, h.B2} {
		for i := range b {
			b[i] = rng.Uniform() - 0.5
		}
	}
	x := make([]float32, rows*features)
	for i := range x {
		x[i] = 3 * rng.Uniform()
	}
	labels := make([]int32, rows)
	for i := range labels {
		labels[i] = int32(rng.below(classes))
	}
	return h, x, labels
}

func TestNew(t *testing.T) {
	h := New(1280, 128, 10, 7)
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		w       []float32
		in, out int
	}{"W1": {h.W1, 1280, 128}, "W2": {h.W2, 128, 10}} {
		limit := math.Sqrt(6 / float64(c.in+c.out))
		var sum, square, largest float64
		for _, v := range c.w {
			sum += float64(v)
			square += float64(v) * float64(v)
			largest = max(largest, math.Abs(float64(v)))
		}
		n := float64(len(c.w))
		// A uniform distribution's mean is 0 and its variance limit²/3; four
		// standard errors of each.
		if math.Abs(sum/n) > 4*limit/math.Sqrt(3*n) {
			t.Errorf("%s has a mean of %v", name, sum/n)
		}
		if v := square / n / (limit * limit / 3); math.Abs(v-1) > 4*math.Sqrt(0.8/n) {
			t.Errorf("%s has %v times the variance", name, v)
		}
		if largest > limit || largest < 0.99*limit {
			t.Errorf("%s reaches %v, the limit is %v", name, largest, limit)
		}
	}
	for _, b := range append(h.B1, h.B2...) {
		if b != 0 {
			t.Fatal("a bias is not 0")
		}
	}
	if other := New(1280, 128, 10, 8); other.W1[0] == h.W1[0] {
		t.Error("the seed has no effect")
	}
	linear := New(6, 0, 3, 1)
	if len(linear.W1)+len(linear.B1) != 0 || len(linear.W2) != 18 || linear.Validate() != nil {
		t.Errorf("a linear head has the wrong shape: %+v", linear)
	}
	for _, bad := range [][3]int{{0, 1, 1}, {1, -1, 1}, {1, 1, 0}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New%v did not panic", bad)
				}
			}()
			New(bad[0], bad[1], bad[2], 0)
		}()
	}
}

// A seed means the same head for ever, on every machine.
func TestNewIsForEver(t *testing.T) {
	data, err := New(13, 6, 4, 1).Encode()
	if err != nil {
		t.Fatal(err)
	}
	h, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var bits []byte
	for _, p := range h.Params() {
		for _, v := range p {
			b := math.Float32bits(v)
			bits = append(bits, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
	}
	const want = "c4c7f0036eda"
	if got := digest.Of(bits).Short(); got != want {
		t.Errorf("New(13, 6, 4, 1) is %s, want %s", got, want)
	}
}

func TestScores(t *testing.T) {
	for _, hidden := range []int{0, 1, 6, 128} {
		h, x, _ := sample(11, hidden, 5, 1)
		in := x
		if hidden > 0 {
			in = make([]float32, hidden)
			for j := range in {
				s := float64(h.B1[j])
				for i, v := range x {
					s += float64(v) * float64(h.W1[i*hidden+j])
				}
				in[j] = float32(max(s, 0))
			}
		}
		want := make([]float64, 5)
		sum := 0.0
		for j := range want {
			s := float64(h.B2[j])
			for i, v := range in {
				s += float64(v) * float64(h.W2[i*5+j])
			}
			want[j] = math.Exp(s)
			sum += want[j]
		}
		// Room on both sides, to see that nothing else is written.
		dst, scratch := make([]float32, 7), make([]float32, hidden+3)
		for i := range dst {
			dst[i] = -1
		}
		for i := range scratch {
			scratch[i] = -1
		}
		h.Scores(dst[1:6], x, scratch)
		for j := range want {
			if got := float64(dst[1+j]); math.Abs(got-want[j]/sum) > 1e-6 {
				t.Errorf("hidden %d: score %d = %v, want %v", hidden, j, got, want[j]/sum)
			}
		}
		if dst[0] != -1 || dst[6] != -1 || scratch[hidden] != -1 {
			t.Errorf("hidden %d: wrote outside of dst or scratch", hidden)
		}
		if got := h.Scorer()(x); got[3] != dst[4] || len(got) != 5 {
			t.Errorf("hidden %d: Scorer gives %v, want %v", hidden, got, dst[1:6])
		}
		if n := testing.AllocsPerRun(10, func() { h.Scores(dst[1:6], x, scratch) }); n != 0 {
			t.Errorf("hidden %d: %v allocations", hidden, n)
		}
	}
}

func TestScoresPanics(t *testing.T) {
	h, x, _ := sample(11, 6, 5, 1)
	for name, call := range map[string]func(){
		"dst":      func() { h.Scores(make([]float32, 4), x, make([]float32, 6)) },
		"features": func() { h.Scores(make([]float32, 5), x[1:], make([]float32, 6)) },
		"scratch":  func() { h.Scores(make([]float32, 5), x, make([]float32, 5)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a wrong length of %s did not panic", name)
				}
			}()
			call()
		}()
	}
}

func TestValidate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for name, c := range map[string]struct {
		spoil     func(h *Head)
		notFinite bool
	}{
		"features":  {func(h *Head) { h.Features = 0 }, false},
		"hidden":    {func(h *Head) { h.Hidden = -1 }, false},
		"classes":   {func(h *Head) { h.Classes = 0 }, false},
		"short W1":  {func(h *Head) { h.W1 = h.W1[1:] }, false},
		"short B1":  {func(h *Head) { h.B1 = h.B1[1:] }, false},
		"long W2":   {func(h *Head) { h.W2 = append(h.W2, 0) }, false},
		"no B2":     {func(h *Head) { h.B2 = nil }, false},
		"NaN":       {func(h *Head) { h.W1[3] = nan }, true},
		"infinity":  {func(h *Head) { h.B2[1] = inf }, true},
		"last of W": {func(h *Head) { h.W2[len(h.W2)-1] = nan }, true},
	} {
		h := New(4, 3, 2, 1)
		c.spoil(h)
		err := h.Validate()
		if err == nil || errors.Is(err, ErrNotFinite) != c.notFinite {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := h.Encode(); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	h := New(4, 3, 2, 1)
	h.W1[0], h.W1[1] = math.MaxFloat32, -math.MaxFloat32
	if err := h.Validate(); err != nil {
		t.Errorf("the largest finite numbers: %v", err)
	}
}

func TestClone(t *testing.T) {
	h := New(4, 3, 2, 1)
	c := h.Clone()
	c.W1[0]++
	c.B2[1]++
	if h.W1[0] == c.W1[0] || h.B2[1] == c.B2[1] {
		t.Error("a clone shares memory")
	}
	h.Set(c)
	if h.W1[0] != c.W1[0] || h.B2[1] != c.B2[1] {
		t.Error("Set does not copy everything")
	}
	defer func() {
		if recover() == nil {
			t.Error("Set between shapes did not panic")
		}
	}()
	h.Set(New(4, 2, 2, 1))
}
