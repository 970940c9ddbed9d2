//go:build tensorflow

package graph

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// tfliteScores runs pictures through the base in data with TensorFlow Lite, and
// their features through h.
func tfliteScores(t *testing.T, data []byte, h *head.Head, pictures []float32, n int) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "base.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := tflite.OpenBase(path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	features := make([]float32, n*h.Features)
	if err := base.Embed(features, pictures); err != nil {
		t.Fatal(err)
	}
	var scores []float32
	score := h.Scorer()
	for i := range n {
		scores = append(scores, score(features[i*h.Features:(i+1)*h.Features])...)
	}
	return scores
}

func encode(t *testing.T, m *file.Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestForward compares the scores of whole bases with those of TensorFlow Lite
// and our head: nothing has trained, so both compute the same function.
func TestForward(t *testing.T) {
	shared := func(name string) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return read(t, shareddata.Path(t, name)) }
	}
	for name, c := range map[string]struct {
		base func(*testing.T) []byte
		norm BatchNorm
	}{
		"small":         {func(t *testing.T) []byte { return encode(t, small()) }, Folded},
		"small, batch":  {func(t *testing.T) []byte { return encode(t, small()) }, PerBatch},
		"embedded":      {func(t *testing.T) []byte { return read(t, embedded) }, Folded},
		"V2 1.0":        {shared("weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"), Folded},
		"V2 1.0, batch": {shared("weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"), PerBatch},
		"V1, whole":     {shared("weights/mobilenet_v1_0.25_224_1_default_1.tflite"), Folded},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := file.Parse(c.base(t))
			if err != nil {
				t.Fatal(err)
			}
			n, err := network.Read(m)
			if err != nil {
				t.Fatal(err)
			}
			if !n.Feature.Whole {
				if m, err = m.Cut(n.Feature.Tensor); err != nil {
					t.Fatal(err)
				}
			}
			s := from(n, 0)
			h := head.New(n.Feature.Count, 16, 5, 1)
			g := newGraph(t, Config{Network: n, Selection: s, BatchNorm: c.norm, Moments: oddMoments(n), Heads: []*head.Head{h}})
			b := randomBatch(n, s, h, 2)
			got, err := g.Scores(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := gap(got, tfliteScores(t, encode(t, m), h, b.Frontier[0], b.N)); !(d < 1e-4) {
				t.Errorf("scores off by %.2g", d)
			}
		})
	}
}

const embedded = "../../../models/base/mobilenet_v2_0.35_128.tflite"

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// oddMoments are drawn, and leave no gamma at 1 and no beta at 0.
func oddMoments(n *network.Network) map[int]Moments {
	moments := map[int]Moments{}
	for i, l := range n.Layers {
		if l.Norm {
			channels := len(l.Bias.Values)
			moments[i] = Moments{
				Mean:     draws(uint64(2*i), channels),
				Variance: plus(draws(uint64(2*i+1), channels), 1.5),
			}
		}
	}
	return moments
}

// TestWeights trains, writes the weights into a copy of the file, and has
// TensorFlow Lite compute what the graph computes.
func TestWeights(t *testing.T) {
	for _, norm := range []BatchNorm{Folded, PerBatch} {
		t.Run(string(norm), func(t *testing.T) {
			c := smallConfig(t, norm)
			n := c.Network
			frozen := slices.IndexFunc(n.Layers, func(l network.Layer) bool { return l.Name == "project" })
			c.Selection.Kernels[frozen] = false // its norm or bias trains alone
			g, b := newGraph(t, c), smallBatch()
			for range 5 {
				step(t, g, b, 1e-2)
			}
			weights, err := g.Weights()
			if err != nil {
				t.Fatal(err)
			}
			kernel := n.Layers[frozen].Kernel
			if _, changed := weights[kernel.Tensor]; changed != (norm == PerBatch) {
				t.Errorf("the frozen kernel is given back: %v", changed)
			}
			patched, err := file.Patch(encode(t, n.Model), weights)
			if err != nil {
				t.Fatal(err)
			}
			h, err := g.Head(0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := g.Scores(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := gap(got, tfliteScores(t, patched, h, b.Frontier[0], b.N)); !(d < 1e-5) {
				t.Errorf("scores of the patched file are off by %.2g", d)
			}
			if before := tfliteScores(t, encode(t, n.Model), smallHead(), b.Frontier[0], b.N); gap(got, before) < 1e-3 {
				t.Error("training changed nothing: the test shows nothing")
			}
		})
	}
}

// TestFiniteDifferences compares gradients with how the loss changes when one
// weight does.
func TestFiniteDifferences(t *testing.T) {
	c, b := smallConfig(t, Folded), smallBatch()
	b.Keep = nil
	trained := newGraph(t, c)
	step(t, trained, b, 0)
	g := newGraph(t, c)
	loss := func(v *variable, values []float32) float64 {
		start, err := tensorOf(values, int(v.shape[0]), elements(v.shape)/int(v.shape[0]))
		if err != nil {
			t.Fatal(err)
		}
		if err := start.Reshape(v.shape); err != nil {
			t.Fatal(err)
		}
		v.start = start
		if err := g.session.initialise([]*variable{v}); err != nil {
			t.Fatal(err)
		}
		r, err := g.Evaluate(b)
		if err != nil {
			t.Fatal(err)
		}
		return r.Loss
	}
	exact := gradients(t, trained, 0)
	const h = 1e-2
	for name, v := range g.trained(0) {
		gradient := exact[name]
		// The element with the largest gradient stands out of float32's noise.
		at := 0
		for i := range gradient {
			if math.Abs(float64(gradient[i])) > math.Abs(float64(gradient[at])) {
				at = i
			}
		}
		values := fetch(t, g, v)
		start := values[at]
		values[at] = start + h
		up := loss(v, values)
		values[at] = start - h
		down := loss(v, values)
		values[at] = start
		loss(v, values)
		got, want := (up-down)/(2*h), float64(gradient[at])
		if !(math.Abs(got-want) < 3e-2*math.Abs(want)+1e-4) {
			t.Errorf("%s[%d]: the loss changes by %.5f, the gradient says %.5f", name, at, got, want)
		}
	}
}
