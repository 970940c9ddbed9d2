//go:build tensorflow

package graph

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// draws returns n numbers in [-1, 1) that testdata/draws.py draws too: the
// upper 24 bits of Knuth's linear congruential generator.
func draws(seed uint64, n int) []float32 {
	v := make([]float32, n)
	x := seed*0x9E3779B97F4A7C15 + 1
	for i := range v {
		x = x*6364136223846793005 + 1442695040888963407
		v[i] = float32(x>>40)/(1<<23) - 1
	}
	return v
}

// times returns v with every element multiplied.
func times(v []float32, factor float32) []float32 {
	for i := range v {
		v[i] *= factor
	}
	return v
}

// plus returns v with something added to every element.
func plus(v []float32, term float32) []float32 {
	for i := range v {
		v[i] += term
	}
	return v
}

// readNetwork reads a .tflite file as layers.
func readNetwork(t testing.TB, path string) *network.Network {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.Read(m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sharedBase is MobileNetV2 1.0 at 128 pixels, with ImageNet's weights.
func sharedBase(t testing.TB) *network.Network {
	return readNetwork(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"))
}

// from selects everything from a layer on. Without norms no normalisation of
// its own is selected, but biases are.
func from(n *network.Network, first int) network.Selection {
	s := network.Selection{First: first, Kernels: make([]bool, len(n.Layers)), Norms: make([]bool, len(n.Layers))}
	made := map[int]bool{}
	for _, l := range n.Layers[first:] {
		for _, in := range l.Inputs {
			if !made[in] && !slices.Contains(s.Frontier, in) {
				s.Frontier = append(s.Frontier, in)
			}
		}
		made[l.Output] = true
	}
	if first == len(n.Layers) {
		s.Frontier = []int{n.Feature.Tensor}
	}
	for i := first; i < len(n.Layers); i++ {
		s.Kernels[i] = n.Layers[i].Kernel != nil
		s.Norms[i] = n.Layers[i].Norm
	}
	return s
}

func layerIndex(t testing.TB, n *network.Network, name string) int {
	t.Helper()
	i := slices.IndexFunc(n.Layers, func(l network.Layer) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no layer %s", name)
	}
	return i
}

// randomBatch draws a batch for the frontier of s, with hard targets.
func randomBatch(n *network.Network, s network.Selection, h *head.Head, images int) Batch {
	b := Batch{N: images, Targets: make([]float32, images*h.Classes)}
	for i, tensor := range s.Frontier {
		b.Frontier = append(b.Frontier, draws(uint64(1000+i), images*elements(n.Shape(tensor))))
	}
	for i := range images {
		b.Targets[i*h.Classes+i%h.Classes] = 1
	}
	return b
}

// evenMoments are those that make gamma 1 and beta 0.
func evenMoments(n *network.Network) map[int]Moments {
	moments := map[int]Moments{}
	for i, l := range n.Layers {
		if l.Norm {
			moments[i] = Moments{
				Mean:     times(slices.Clone(l.Bias.Values), -1),
				Variance: plus(make([]float32, len(l.Bias.Values)), 1-normEpsilon),
			}
		}
	}
	return moments
}

func newGraph(t testing.TB, c Config) *Graph {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func step(t testing.TB, g *Graph, b Batch, rate float64) Result {
	t.Helper()
	r, err := g.Step(b, rate)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kerasPath returns the folder of Python packages that holds TensorFlow, from
// EDGE_KERAS_PYTHONPATH or the project's .deps.
func kerasPath(t testing.TB) string {
	t.Helper()
	path := os.Getenv("EDGE_KERAS_PYTHONPATH")
	if path == "" {
		path, _ = filepath.Abs("../../../.deps/keras")
	}
	if _, err := os.Stat(filepath.Join(path, "tensorflow")); err != nil {
		t.Skip("no TensorFlow for Python: install it into .deps/keras or name its folder in EDGE_KERAS_PYTHONPATH")
	}
	return path
}
