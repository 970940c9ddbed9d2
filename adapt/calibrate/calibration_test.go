package calibrate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
)

// through is a head that gives its features as logits, times scale.
func through(classes int, scale float32) *head.Head {
	h := head.New(classes, 0, classes, 1)
	clear(h.W2)
	for i := range classes {
		h.W2[i*classes+i] = scale
	}
	return h
}

// honest are logits whose labels were drawn with the probabilities they stand
// for.
func honest(seed uint64, n, classes int) adapt.Set {
	rng := rand.New(rand.NewPCG(seed, 2))
	s := adapt.Set{F: classes}
	scorer := through(classes, 1).Scorer()
	for range n {
		z := make([]float32, classes)
		for i := range z {
			z[i] = float32(2 * rng.NormFloat64())
		}
		at, u := 0, rng.Float64()
		for _, p := range scorer(z)[:classes-1] {
			if u -= float64(p); u < 0 {
				break
			}
			at++
		}
		s.Features = append(s.Features, z...)
		s.Labels = append(s.Labels, int32(at))
	}
	return s
}

func TestTemperatureIsFound(t *testing.T) {
	for _, scale := range []float32{0.5, 1, 2, 4} {
		c, err := Fit(baseDigest, through(5, scale), adapt.Set{F: 5}, honest(3, 4000, 5))
		must(t, err)
		if got := c.Temperature(); math.Abs(got-float64(scale)) > 0.06*float64(scale) {
			t.Errorf("a head that overstates by %v got the temperature %v", scale, got)
		}
	}
}

// The temperature is where the smoothed loss is least, by trying others.
func TestTemperatureIsLeast(t *testing.T) {
	h, val := through(4, 1.7), honest(8, 60, 4)
	best := temperature(h, val)
	loss := func(temperature float64) (sum float64) {
		epsilon := 0.5 / 61
		for i, label := range val.Labels {
			var all float64
			z := make([]float64, 4)
			for c := range z {
				z[c] = float64(val.Row(i)[c]) * 1.7 / temperature
				all += math.Exp(z[c])
			}
			for c := range z {
				target := epsilon / 4
				if c == int(label) {
					target += 1 - epsilon
				}
				sum -= target * (z[c] - math.Log(all))
			}
		}
		return sum
	}
	for _, other := range []float64{best - 0.002, best + 0.002, best / 2, 2 * best} {
		if loss(other) < loss(best) {
			t.Errorf("temperature %v has the loss %v, %v only %v", best, loss(best), other, loss(other))
		}
	}
}

// A head that gets every validation image right is not told to be certain, and
// one that knows nothing not to be at a loss.
func TestTemperatureKeepsItsHead(t *testing.T) {
	right := honest(1, 60, 3)
	for i := range right.Labels {
		class, _ := adapt.Top(right.Row(i))
		right.Labels[i] = int32(class)
	}
	// Twice as loud a head gets twice the temperature, which is not nothing.
	if one, two := temperature(through(3, 8), right), temperature(through(3, 16), right); one < 0.8 || math.Abs(two-2*one) > 0.003 {
		t.Errorf("always right: %v, and twice as loud %v", one, two)
	}
	if got := temperature(through(3, 100), right); got < maxTemperature {
		t.Errorf("always right, and shouting: %v", got)
	}
	for i := range right.Labels {
		right.Labels[i] = (right.Labels[i] + 1) % 3
	}
	if got := temperature(through(3, 1), right); got != maxTemperature {
		t.Errorf("always wrong: %v", got)
	}
}

func TestApply(t *testing.T) {
	c, h, val := fitted(t, 24, 8, 3, 60)
	if c.Temperature() == 1 {
		t.Fatal("a temperature of 1 shows nothing")
	}
	pass := head.NewPass(h, 1)
	scorer := h.Scorer()
	for i := range val.Len() {
		scores := slices.Clone(scorer(val.Row(i)))
		before, _ := adapt.Top(scores)
		c.Apply(scores)
		after, _ := adapt.Top(scores)
		var all float64
		z := pass.Forward(val.Row(i), 1, nil)
		for _, v := range z {
			all += math.Exp(float64(v) / c.Temperature())
		}
		for j, s := range scores {
			if want := math.Exp(float64(z[j])/c.Temperature()) / all; math.Abs(float64(s)-want) > 1e-5 {
				t.Fatalf("image %d class %d: %v, want %v", i, j, s, want)
			}
		}
		if before != after {
			t.Fatalf("image %d was class %d and is %d", i, before, after)
		}
	}
	var none *Calibration
	scores := []float32{0.2, 0.8}
	none.Apply(scores)
	if _, unknown := none.Unknown(nil, nil); unknown || none.Detects() || none.Temperature() != 1 || none.Note() == "" || scores[0] != 0.2 {
		t.Error("no calibration does something")
	}
}

func TestFewImages(t *testing.T) {
	for _, n := range []int{0, 3, 19, 20, 39, 40} {
		c, h, _ := fitted(t, 24, 8, 3, n)
		if c.Detects() != (n >= 20) || (c.Note() == "") != c.Detects() || (c.Temperature() != 1) != (n >= 40) {
			t.Errorf("%d images: detects %v (%q), temperature %v", n, c.Detects(), c.Note(), c.Temperature())
		}
		_, far := clusters(5, 30, 24, 3)
		for i := range far.Len() {
			if d, unknown := ask(c, h, far.Row(i)); !c.Detects() && (unknown || d != 0) {
				t.Errorf("%d images: distance %v, unknown %v", n, d, unknown)
			}
		}
	}
}

// Of 59 validation images the 57th smallest distance is the threshold: ⌈60·0.95⌉.
func TestThreshold(t *testing.T) {
	c, h, val := fitted(t, 24, 8, 3, 59)
	var beyond, at int
	for i := range val.Len() {
		d, unknown := ask(c, h, val.Row(i))
		if unknown {
			beyond++
		}
		if d == 1 {
			at++
		}
		if unknown != (d > 1) {
			t.Errorf("distance %v, unknown %v", d, unknown)
		}
	}
	if beyond != 2 || at != 1 {
		t.Errorf("%d of 59 beyond the threshold, %d at it", beyond, at)
	}
}

func TestUnknown(t *testing.T) {
	for name, hidden := range map[string]int{"hidden": 16, "no hidden layer": 0} {
		t.Run(name, func(t *testing.T) {
			c, h, _ := fitted(t, 40, hidden, 4, 100)
			known, far := clusters(7, 400, 40, 4)
			count := func(s adapt.Set) (unknown int) {
				for i := range s.Len() {
					if _, u := ask(c, h, s.Row(i)); u {
						unknown++
					}
				}
				return unknown
			}
			if got := count(known); got > 40 {
				t.Errorf("%d of 400 known images are unknown", got)
			}
			if got := count(far); got < 300 {
				t.Errorf("only %d of 400 others are unknown", got)
			}
		})
	}
}

// naive is the distance as the package comment has it.
func naive(h *head.Head, train adapt.Set, features []float32) float64 {
	hiddenOf := func(x []float32) []float64 {
		out := make([]float64, h.Hidden)
		for j := range out {
			out[j] = float64(h.B1[j])
			for i, v := range x {
				out[j] += float64(v) * float64(h.W1[i*h.Hidden+j])
			}
			out[j] = max(0, out[j])
		}
		return out
	}
	wide := func(x []float32) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = float64(v)
		}
		return out
	}
	unit := func(x []float64) []float64 {
		var square float64
		for _, v := range x {
			square += v * v
		}
		for i := range x {
			if square > 0 {
				x[i] /= math.Sqrt(square)
			}
		}
		return x
	}
	cosine := func(of func([]float32) []float64, width, class int) (dot float64) {
		mean := make([]float64, width)
		for i, label := range train.Labels {
			if int(label) == class {
				for j, v := range unit(of(train.Row(i))) {
					mean[j] += v
				}
			}
		}
		unit(mean)
		for j, v := range unit(of(features)) {
			dot += v * mean[j]
		}
		return dot
	}
	nearest := math.Inf(1)
	for class := range h.Classes {
		d := 1 - cosine(wide, h.Features, class)
		if h.Hidden > 0 {
			d = 1 - (cosine(wide, h.Features, class)+cosine(hiddenOf, h.Hidden, class))/2
		}
		nearest = min(nearest, d)
	}
	return nearest
}

func TestDistance(t *testing.T) {
	for _, shape := range []struct{ features, hidden, classes int }{{12, 7, 2}, {12, 0, 3}, {9, 5, 33}, {5, 3, 70}} {
		h, train, val := trained(t, shape.features, shape.hidden, shape.classes, 40)
		c, err := Fit(baseDigest, h, train, val)
		must(t, err)
		for i := range val.Len() {
			d, _ := ask(c, h, val.Row(i))
			if got, want := float64(d*c.detector.threshold), naive(h, train, val.Row(i)); math.Abs(got-want) > 5e-4 { // halves
				t.Fatalf("%+v: image %d: distance %v, want %v", shape, i, got, want)
			}
		}
	}
}

func TestOddFeatures(t *testing.T) {
	c, h, _ := fitted(t, 24, 8, 3, 60)
	zeros := make([]float32, 24)
	if d, unknown := c.Unknown(zeros, make([]float32, 8)); !unknown || d != 1/c.detector.threshold {
		t.Errorf("zeros: %v, %v", d, unknown)
	}
	for _, odd := range []float32{float32(math.NaN()), float32(math.Inf(1)), -float32(math.Inf(1)), math.MaxFloat32} {
		x := slices.Clone(zeros)
		x[3] = odd
		if d, unknown := ask(c, h, x); !unknown && d == d && odd != math.MaxFloat32 {
			t.Errorf("%v: distance %v is known", odd, d)
		}
	}
	for name, do := range map[string]func(){
		"features": func() { c.Unknown(zeros[1:], make([]float32, 8)) },
		"hidden":   func() { c.Unknown(zeros, nil) },
		"scores":   func() { c.Apply(make([]float32, 2)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of a wrong length were taken", name)
				}
			}()
			do()
		}()
	}
}

// Training images that are all alike must not make everything else unknown.
func TestCopies(t *testing.T) {
	set := adapt.Set{F: 4}
	for i := range 60 {
		x := []float32{1, 0, 0, 0}
		if i%2 == 1 {
			x = []float32{0, 1, 0, 0}
		}
		set.Features, set.Labels = append(set.Features, x...), append(set.Labels, int32(i%2))
	}
	h := head.New(4, 0, 2, 1)
	c, err := Fit(baseDigest, h, set, set)
	must(t, err)
	if _, unknown := ask(c, h, []float32{1, 0.02, 0, 0}); unknown {
		t.Error("a little noise is unknown")
	}
	if _, unknown := ask(c, h, []float32{0, 0, 1, 0}); !unknown {
		t.Error("another direction is known")
	}
}

// A class without training images is no class to be near to.
func TestEmptyClass(t *testing.T) {
	h, train, val := trained(t, 12, 6, 3, 40)
	for i, label := range train.Labels {
		if label == 2 {
			train.Labels[i] = 0
		}
	}
	c, err := Fit(baseDigest, h, train, val)
	must(t, err)
	if again, err := Parse(encode(t, c)); err != nil || !again.Detects() {
		t.Errorf("got %+v, %v", again, err)
	}
}

func TestFitRefuses(t *testing.T) {
	h, train, val := trained(t, 12, 6, 3, 40)
	change := func(do func(*adapt.Set)) adapt.Set {
		s := adapt.Set{F: val.F, Features: slices.Clone(val.Features), Labels: slices.Clone(val.Labels)}
		do(&s)
		return s
	}
	for name, bad := range map[string]adapt.Set{
		"other features": change(func(s *adapt.Set) { s.F = 6; s.Features = s.Features[:6*len(s.Labels)] }),
		"too few":        change(func(s *adapt.Set) { s.Features = s.Features[1:] }),
		"no class":       change(func(s *adapt.Set) { s.Labels[3] = 3 }),
		"negative class": change(func(s *adapt.Set) { s.Labels[3] = -1 }),
		"NaN":            change(func(s *adapt.Set) { s.Features[17] = float32(math.NaN()) }),
		"infinite":       change(func(s *adapt.Set) { s.Features[17] = float32(math.Inf(-1)) }),
	} {
		if _, err := Fit(baseDigest, h, train, bad); err == nil || !strings.Contains(err.Error(), "validation images") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Fit(baseDigest, h, bad, val); err == nil || !strings.Contains(err.Error(), "training images") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Fit("sha256:1", h, train, val); err == nil {
		t.Error("a base without a digest was taken")
	}
	h.W2[0] = float32(math.NaN())
	if _, err := Fit(baseDigest, h, train, val); !errors.Is(err, head.ErrNotFinite) {
		t.Errorf("a broken head: %v", err)
	}
}

// The same images give the same bytes, on every processor.
func TestSameBytesEverywhere(t *testing.T) {
	const want = "505d52424fb0"
	c, _, _ := fitted(t, 24, 8, 35, 90)
	if got := digest.Of(encode(t, c)).Short(); got != want {
		t.Errorf("digest %s, want %s, temperature %v, threshold %v", got, want, c.temperature, c.detector.threshold)
	}
}

func TestNoAllocation(t *testing.T) {
	c, h, val := fitted(t, 24, 8, 40, 80)
	scores, scratch := make([]float32, 40), make([]float32, h.Scratch())
	h.Scores(scores, val.Row(0), scratch)
	if n := testing.AllocsPerRun(100, func() {
		c.Unknown(val.Row(0), scratch)
		c.Apply(scores)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The shapes of the embedded base with the default head.
func BenchmarkUnknown(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const features, hidden, classes = 1280, 128, 10
	s := adapt.Set{F: features}
	for i := range 40 {
		for range features {
			s.Features = append(s.Features, rng.Float32())
		}
		s.Labels = append(s.Labels, int32(i%classes))
	}
	h := head.New(features, hidden, classes, 1)
	c, err := Fit(baseDigest, h, s, s)
	must(b, err)
	scores, scratch := make([]float32, classes), make([]float32, hidden)
	h.Scores(scores, s.Row(0), scratch)
	b.ReportAllocs()
	for b.Loop() {
		c.Unknown(s.Row(0), scratch)
		c.Apply(scores)
	}
}
