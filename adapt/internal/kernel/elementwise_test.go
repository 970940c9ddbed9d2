package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func TestRelu(t *testing.T) {
	y := from([]float32{-2, -0.5, 0, 0.5, 2, nan, -inf, inf})
	Relu(y.data)
	y.check(t, "y")
	same(t, "y", y.data, []float32{0, 0, 0, 0.5, 2, nan, 0, inf})

	dy := from([]float32{1, 2, 3, 4, 5, 6, 7, 8})
	ReluMask(dy.data, y.data)
	dy.check(t, "dy")
	same(t, "dy", dy.data, []float32{0, 0, 0, 4, 5, 0, 0, 8})
}

func TestMultiply(t *testing.T) {
	y := from([]float32{1, -2, 3})
	Multiply(y.data, []float32{2, 0.5, 0})
	y.check(t, "y")
	same(t, "y", y.data, []float32{2, -1, 0})
}

func TestSoftmax(t *testing.T) {
	for _, c := range []struct {
		name string
		z, p []float32
	}{
		{"one", []float32{-7}, []float32{1}},
		{"equal", []float32{3, 3, 3, 3}, []float32{.25, .25, .25, .25}},
		{"log", []float32{0, float32(math.Log(3))}, []float32{.25, .75}},
		{"large", []float32{1e30, 1e30, -1e30}, []float32{.5, .5, 0}},
		{"far below", []float32{0, -200}, []float32{1, 0}},
		{"minus infinity", []float32{0, -inf}, []float32{1, 0}},
		{"NaN", []float32{0, nan}, []float32{nan, nan}},
		{"infinity", []float32{0, inf}, []float32{nan, nan}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := guard(len(c.z))
			Softmax(p.data, c.z)
			p.check(t, "p")
			for j, want := range c.p {
				got := p.data[j]
				if math.IsNaN(float64(want)) != math.IsNaN(float64(got)) || math.Abs(float64(got-want)) > 1e-7 {
					t.Errorf("p = %v, want %v", p.data, c.p)
				}
			}
		})
	}
}

func TestCrossEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		z := random(rng, 1+rng.IntN(12))
		label := rng.IntN(len(z))
		var sum float64
		for _, v := range z {
			sum += math.Exp(float64(v))
		}
		want := math.Log(sum) - float64(z[label])
		if got := CrossEntropy(z, label); math.Abs(got-want) > 1e-11 {
			t.Fatalf("CrossEntropy(%v, %d) = %v, want %v", z, label, got, want)
		}
	}
	// Where the probability itself is 0 in float32, the loss is still exact.
	if got := CrossEntropy([]float32{500, 0}, 1); got != 500 {
		t.Errorf("CrossEntropy = %v, want 500", got)
	}
	if got := CrossEntropy([]float32{1, nan}, 0); !math.IsNaN(got) {
		t.Errorf("CrossEntropy with NaN = %v", got)
	}
}

// The gradient equals the difference quotient of the loss.
func TestSoftmaxGrad(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		z := random(rng, 2+rng.IntN(8))
		label := rng.IntN(len(z))
		const scale = 0.25
		dz := guard(len(z))
		SoftmaxGrad(dz.data, z, label, scale)
		dz.check(t, "dz")
		for j := range z {
			const h = 1.0 / 256
			up, down := append([]float32(nil), z...), append([]float32(nil), z...)
			up[j] += h
			down[j] -= h
			want := scale * (CrossEntropy(up, label) - CrossEntropy(down, label)) / float64(up[j]-down[j])
			if math.Abs(float64(dz.data[j])-want) > 2e-6 {
				t.Fatalf("dz[%d] = %v, want %v", j, dz.data[j], want)
			}
		}
		in := append([]float32(nil), z...)
		SoftmaxGrad(in, in, label, scale)
		same(t, "in place", in, dz.data)
	}
}

func TestTemper(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		n := 1 + rng.IntN(12)
		z, p, want := make([]float32, n), make([]float32, n), make([]float32, n)
		power := math.Exp(rng.NormFloat64())
		for j := range z {
			z[j] = float32(rng.NormFloat64() * 5)
			want[j] = float32(float64(z[j]) * power)
		}
		Softmax(p, z)
		Softmax(want, want)
		Temper(p, power)
		for j := range p {
			if math.Abs(float64(p[j]-want[j])) > 2e-6 {
				t.Fatalf("power %v: %v, want %v", power, p, want)
			}
		}
	}
	for _, c := range []struct {
		p, want []float32
		power   float64
	}{
		{[]float32{1}, []float32{1}, 0.3},
		{[]float32{0.25, 0.25, 0.5}, []float32{1. / 6, 1. / 6, 4. / 6}, 2},
		{[]float32{1, 0, 0}, []float32{1, 0, 0}, 0.5},
		{[]float32{0.5, 0.5, 0}, []float32{0.5, 0.5, 0}, 0.01},
	} {
		got := slices.Clone(c.p)
		Temper(got, c.power)
		for j := range got {
			if math.Abs(float64(got[j]-c.want[j])) > 1e-7 {
				t.Errorf("%v to the %v: %v, want %v", c.p, c.power, got, c.want)
			}
		}
	}
	bad := []float32{0.5, float32(math.NaN()), 0.1}
	Temper(bad, 2)
	for _, v := range bad {
		if v == v {
			t.Errorf("NaN became %v", bad)
		}
	}
}

func TestArgmax(t *testing.T) {
	for _, c := range []struct {
		z    []float32
		want int
	}{
		{[]float32{1}, 0}, {[]float32{1, 2, 2}, 1}, {[]float32{-inf, -1}, 1}, {[]float32{0, nan, 1}, 2},
	} {
		if got := Argmax(c.z); got != c.want {
			t.Errorf("Argmax(%v) = %d, want %d", c.z, got, c.want)
		}
	}
}

func TestExpLog(t *testing.T) {
	for x := -104.0; x <= 0; x += 0.0137 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-12*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	if exp(0) != 1 || exp(-105) != 0 || exp(math.Inf(-1)) != 0 || !math.IsNaN(exp(math.NaN())) || !math.IsNaN(exp(1)) {
		t.Error("exp is wrong at an end of its range")
	}
	for x := 1.0; x < 1e9; x *= 1.0037 {
		if got, want := log(x), math.Log(x); math.Abs(got-want) > 1e-14*(1+want) {
			t.Fatalf("log(%v) = %v, want %v", x, got, want)
		}
	}
	if log(1) != 0 || !math.IsInf(log(math.Inf(1)), 1) || !math.IsNaN(log(math.NaN())) {
		t.Error("log is wrong at an end of its range")
	}
}

// Adam against the same formula in float64.
func TestAdam(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const n = 13
	start := random(rng, n)
	w, m, v := from(start), from(make([]float32, n)), from(make([]float32, n))
	var wd, md, vd [n]float64
	for i := range start {
		wd[i] = float64(start[i])
	}
	const b1, b2, rate, eps = 0.9, 0.999, 1e-3, 1e-7
	for step := 1; step <= 20; step++ {
		g := random(rng, n)
		alpha := rate * math.Sqrt(1-math.Pow(b2, float64(step))) / (1 - math.Pow(b1, float64(step)))
		Adam(w.data, g, m.data, v.data, AdamStep{float32(alpha), 1 - b1, 1 - b2, eps})
		for i := range g {
			gi := float64(g[i])
			md[i] += (gi - md[i]) * (1 - b1)
			vd[i] += (gi*gi - vd[i]) * (1 - b2)
			wd[i] -= md[i] * alpha / (math.Sqrt(vd[i]) + eps)
		}
	}
	for _, g := range []guarded{w, m, v} {
		g.check(t, "Adam")
	}
	for i := range wd {
		if math.Abs(float64(w.data[i])-wd[i]) > 1e-6 || math.Abs(float64(m.data[i])-md[i]) > 1e-6 || math.Abs(float64(v.data[i])-vd[i]) > 1e-6 {
			t.Errorf("weight %d: w %v m %v v %v, want %v %v %v", i, w.data[i], m.data[i], v.data[i], wd[i], md[i], vd[i])
		}
	}
}
