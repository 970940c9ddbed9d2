//go:build tensorflow

package graph

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
)

// golden is what Keras computed.
type golden struct {
	Steps []struct {
		Loss    float64
		Correct int
	}
	Gradients map[string][]float32 // of the first step
	After     map[string][]float32 // all variables, after the first step
	Scores    []float32            // after the last step, in inference
}

func readGolden[T any](t testing.TB, path string) map[string]T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]T{}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// distance is the norm of a-b over the norm of b.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var off, size float64
	for i := range b {
		off += math.Pow(float64(a[i])-float64(b[i]), 2)
		size += math.Pow(float64(b[i]), 2)
	}
	return math.Sqrt(off / size)
}

// gap is the largest difference.
func gap(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var off float64
	for i := range b {
		off = max(off, math.Abs(float64(a[i])-float64(b[i])))
	}
	return off
}

// trained returns the variables that steps for a task move, by name.
func (g *Graph) trained(task int) map[string]*variable {
	all := map[string]*variable{}
	for _, v := range append(g.top.trained, g.tasks[task].weights...) {
		all[v.name] = v
	}
	return all
}

// gradients returns the gradient of the only step taken so far, by variable:
// Adam's momentum begins at a tenth of it.
func gradients(t testing.TB, g *Graph, task int) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for name, v := range g.trained(task) {
		all[name] = times(fetch(t, g, g.adam.slots[v].momentum), 1/(1-beta1))
	}
	return all
}

func fetch(t testing.TB, g *Graph, v *variable) []float32 {
	t.Helper()
	values, err := g.session.fetch(v.value)
	if err != nil {
		t.Fatal(err)
	}
	return values[0]
}

// TestKeras trains the small network beside Keras: the same gradients for every
// kind of layer, the same step of Adam, and the same function afterwards.
func TestKeras(t *testing.T) {
	for name, want := range readGolden[golden](t, "testdata/small.json") {
		t.Run(name, func(t *testing.T) {
			c := smallConfig(t, BatchNorm(name))
			if c.BatchNorm == PerBatch {
				c.WeightDecay = 0.1
			}
			g := newGraph(t, c)
			for i, w := range want.Steps {
				got := step(t, g, smallBatch(), 1e-3)
				if math.Abs(got.Loss-w.Loss) > 1e-6 || got.Correct != w.Correct {
					t.Errorf("step %d: %+v, Keras %+v", i, got, w)
				}
				if i > 0 {
					continue
				}
				got1 := gradients(t, g, 0)
				if len(got1) != len(want.Gradients) {
					t.Errorf("%d gradients, Keras %d", len(got1), len(want.Gradients))
				}
				for v, w := range want.Gradients {
					if d := distance(got1[v], w); !(d < 1e-5) {
						t.Errorf("gradient of %s: off by %.2g of itself", v, d)
					}
				}
				variables := g.named()
				for v, w := range want.After {
					if d := gap(fetch(t, g, variables[v]), w); !(d < 1e-6) {
						t.Errorf("%s after one step: off by %.2g", v, d)
					}
				}
			}
			b := smallBatch()
			b.Keep = nil
			scores, err := g.Scores(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := gap(scores, want.Scores); !(d < 1e-5) {
				t.Errorf("scores after training: off by %.2g", d)
			}
		})
	}
}

// named returns the layers' and heads' variables by name.
func (g *Graph) named() map[string]*variable {
	all := map[string]*variable{}
	for task := range g.tasks {
		for name, v := range g.trained(task) {
			all[name] = v
		}
	}
	for _, l := range g.top.layers {
		if l.norm != nil {
			all[l.norm.mean.name], all[l.norm.variance.name] = l.norm.mean, l.norm.variance
		}
	}
	return all
}

// TestKerasShared compares gradients of MobileNetV2 1.0 with Keras'. Each side
// runs freely from the same frontier, so an activation may lie on different
// sides of a bend of ReLU6: gradients are close, not equal.
func TestKerasShared(t *testing.T) {
	n := sharedBase(t)
	type golden struct {
		Loss      float64
		Gradients map[string][]float32 // the norm, then a few elements
	}
	for name, want := range readGolden[golden](t, "testdata/shared.json") {
		t.Run(name, func(t *testing.T) {
			var fraction float64
			var norm BatchNorm
			if _, err := fmt.Sscan(name, &fraction, &norm); err != nil {
				t.Fatal(err)
			}
			s, err := n.Unfreeze(fraction, norm == PerBatch)
			if err != nil {
				t.Fatal(err)
			}
			h := sharedHead()
			g := newGraph(t, Config{Network: n, Selection: s, BatchNorm: norm, Moments: evenMoments(n), Heads: []*head.Head{h}})
			got := step(t, g, randomBatch(n, s, h, 4), 1e-4)
			if math.Abs(got.Loss-want.Loss) > 1e-4*want.Loss {
				t.Errorf("loss %v, Keras %v", got.Loss, want.Loss)
			}
			gradients := gradients(t, g, 0)
			if len(gradients) != len(want.Gradients) {
				t.Errorf("%d gradients, Keras %d", len(gradients), len(want.Gradients))
			}
			worst := 0.0
			for v, w := range want.Gradients {
				if _, ok := gradients[v]; !ok {
					t.Errorf("no gradient of %s", v)
					continue
				}
				got := compact(gradients[v], len(w)-1)
				if layer, ok := strings.CutSuffix(v, "/beta"); ok {
					// A shift that the next normalisation takes back has no gradient:
					// what either side computes is noise.
					if noise := 1e-4 * want.Gradients[layer+"/gamma"][0]; w[0] < noise && got[0] < noise {
						continue
					}
				}
				d := distance(got, w)
				worst = max(worst, d)
				if !(d < 1e-2) {
					t.Errorf("gradient of %s: off by %.2g of itself", v, d)
				}
			}
			t.Logf("worst gradient off by %.2g of itself", worst)
		})
	}
}

// sharedHead is the head of golden_shared.py.
func sharedHead() *head.Head {
	limit := func(inputs, outputs float64) float32 { return float32(math.Sqrt(6 / (inputs + outputs))) }
	return &head.Head{
		Features: 1280, Hidden: 128, Classes: 10,
		W1: times(draws(51, 1280*128), limit(1280, 128)), B1: times(draws(52, 128), 0.1),
		W2: times(draws(53, 128*10), limit(128, 10)), B2: times(draws(54, 10), 0.1),
	}
}

// compact returns the norm of a gradient and some of its elements, evenly
// spread, as golden_shared.py does.
func compact(g []float32, sample int) []float32 {
	norm := 0.0
	for _, v := range g {
		norm += float64(v) * float64(v)
	}
	c := []float32{float32(math.Sqrt(norm))}
	for i := range sample {
		c = append(c, g[i*(len(g)-1)/(sample-1)])
	}
	return c
}
