//go:build tensorflow

package graph

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// TestRepeats trains twice from the same start: the same bits.
func TestRepeats(t *testing.T) {
	for _, norm := range []BatchNorm{Folded, PerBatch} {
		var first map[int][]float32
		for range 3 {
			c := smallConfig(t, norm)
			c.Deterministic = true
			g := newGraph(t, c)
			for range 10 {
				step(t, g, smallBatch(), 1e-2)
			}
			weights, err := g.Weights()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = weights
			} else if !maps.EqualFunc(first, weights, slices.Equal) {
				t.Errorf("%s: the same steps gave other weights", norm)
			}
		}
	}
}

// TestLearns trains on one batch until its answers are right, and checks that
// Step, Evaluate and Scores speak of the same thing.
func TestLearns(t *testing.T) {
	for _, norm := range []BatchNorm{Folded, PerBatch} {
		g, b := newGraph(t, smallConfig(t, norm)), smallBatch()
		b.Keep = nil
		first := step(t, g, b, 1e-2)
		var last Result
		for range 100 {
			last = step(t, g, b, 1e-2)
		}
		if last.Loss > first.Loss/2 || last.Correct != b.N {
			t.Errorf("%s: from %+v to %+v", norm, first, last)
		}
	}
}

func TestEvaluateChangesNothing(t *testing.T) {
	g, b := newGraph(t, smallConfig(t, PerBatch)), smallBatch()
	step(t, g, b, 1e-2)
	before, err := g.Evaluate(b)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := g.Scores(b)
	if err != nil {
		t.Fatal(err)
	}
	correct := 0
	for i := range b.N {
		if argmax(scores[i*smallClasses:][:smallClasses]) == argmax(b.Targets[i*smallClasses:][:smallClasses]) {
			correct++
		}
	}
	after, err := g.Evaluate(b)
	if err != nil {
		t.Fatal(err)
	}
	if before != after || before.Correct != correct {
		t.Errorf("%+v, then %+v; scores say %d correct", before, after, correct)
	}
	b.Keep = nil
	if plain, err := g.Evaluate(b); err != nil || plain != before {
		t.Errorf("%+v with a mask of dropout, %+v (%v) without", before, plain, err)
	}
}

func argmax(v []float32) int {
	return slices.Index(v, slices.Max(v))
}

// TestHeadAlone trains a head over frozen features, as adapt/head does.
func TestHeadAlone(t *testing.T) {
	n := smallNetwork(t)
	s := from(n, len(n.Layers))
	start := smallHead()
	g := newGraph(t, Config{Network: n, Selection: s, Heads: []*head.Head{start}})
	b := randomBatch(n, s, start, 6)
	want, adam := start.Clone(), head.NewAdam(start, 1e-2)
	pass, grad := head.NewPass(want, b.N), start.Clone()
	features := averaged(b.Frontier[0], b.N, 4, 10)
	labels := []int32{0, 1, 2, 0, 1, 2}
	for range 3 {
		step(t, g, b, 1e-2)
		pass.Forward(features, b.N, nil)
		pass.Loss(labels, nil)
		pass.Backward(grad, labels, nil)
		adam.Step(want, grad)
	}
	got, err := g.Head(0)
	if err != nil {
		t.Fatal(err)
	}
	if got.W1[0] == start.W1[0] {
		t.Error("nothing has trained")
	}
	for i, p := range got.Params() {
		if d := gap(p, want.Params()[i]); !(d < 1e-5) {
			t.Errorf("parameter %d is off by %.2g from adapt/head's", i, d)
		}
	}
	if weights, err := g.Weights(); err != nil || len(weights) != 0 {
		t.Errorf("weights of %d tensors, error %v", len(weights), err)
	}
}

// averaged averages maps [n, positions, channels] over their positions.
func averaged(v []float32, n, positions, channels int) []float32 {
	mean := make([]float32, n*channels)
	for i := range n {
		for p := range positions {
			for c := range channels {
				mean[i*channels+c] += v[(i*positions+p)*channels+c] / float32(positions)
			}
		}
	}
	return mean
}

// TestTasks trains two heads over one trunk, one of them without a hidden
// layer: a step moves the trunk and its own head alone.
func TestTasks(t *testing.T) {
	c := smallConfig(t, Folded)
	plain := head.New(10, 0, 4, 1)
	c.Heads = append(c.Heads, plain)
	g := newGraph(t, c)
	b := smallBatch()
	b.Task, b.Keep = 1, nil
	b.Targets = make([]float32, b.N*4)
	for i := range b.N {
		b.Targets[i*4+i%4] = 1
	}
	kernel := g.top.layers[1].kernel.variable
	before := fetch(t, g, kernel)
	step(t, g, b, 1e-2)
	if slices.Equal(fetch(t, g, kernel), before) {
		t.Error("the trunk has not moved")
	}
	other, err := g.Head(0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(other.W1, smallHead().W1) || !slices.Equal(other.B2, smallHead().B2) {
		t.Error("the other task's head has moved")
	}
	own, err := g.Head(1)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(own.W2, plain.W2) || own.Validate() != nil {
		t.Errorf("the task's own head: %v", own.Validate())
	}
}

// TestMemory holds the C memory of tensors, which Go's collector does not see,
// to a bound: 300 steps pass 3 GB through.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("300 steps")
	}
	n := smallNetwork(t)
	s := from(n, len(n.Layers))
	h := smallHead()
	g := newGraph(t, Config{Network: n, Selection: s, Heads: []*head.Head{h}})
	b := randomBatch(n, s, h, 1<<16)
	step(t, g, b, 1e-3)
	before := resident(t)
	for range 300 {
		step(t, g, b, 1e-3)
	}
	if grown := resident(t) - before; grown > 512<<20 {
		t.Errorf("300 steps left %d MiB more in memory", grown>>20)
	}
}

// resident returns the bytes of memory that the process holds.
func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm")
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"an operator":   {func(c *Config) { c.Network.Layers[9].Code = file.OpMaxPool2D }, "MAX_POOL_2D cannot be trained"},
		"no head":       {func(c *Config) { c.Heads = nil }, "no head"},
		"a head":        {func(c *Config) { c.Heads[0] = head.New(11, 0, 3, 1) }, "11 features"},
		"batch norm":    {func(c *Config) { c.BatchNorm = "frozen" }, `"frozen"`},
		"no moments":    {func(c *Config) { c.BatchNorm = PerBatch }, "moments of 0 and 0 channels"},
		"the frontier":  {func(c *Config) { c.Selection.Frontier = nil }, "crosses the frontier"},
		"a selection":   {func(c *Config) { c.Selection.Norms = nil }, "a selection of"},
		"an activation": {func(c *Config) { c.Network.Layers[1].Activation = file.Tanh }, "activation tanh"},
		"a shape":       {func(c *Config) { c.Network.Model.Main().Tensors[c.Network.Layers[6].Output].Shape[3] = 7 }, "TensorFlow computes the shape"},
	} {
		t.Run(name, func(t *testing.T) {
			config := smallConfig(t, Folded)
			config.Moments = nil
			c.change(&config)
			g, err := New(config)
			if err == nil {
				g.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "Stacktrace") {
				t.Error("the error shows a stack")
			}
		})
	}
	config := smallConfig(t, Folded)
	config.Network.Layers[9].Code = file.OpMaxPool2D
	if _, err := New(config); hint.Of(err) == "" {
		t.Error("no next step for an operator that cannot be trained")
	}
}

func TestStepRefuses(t *testing.T) {
	g := newGraph(t, smallConfig(t, Folded))
	for name, change := range map[string]func(*Batch){
		"a task":   func(b *Batch) { b.Task = 1 },
		"no image": func(b *Batch) { b.N = 0 },
		"frontier": func(b *Batch) { b.Frontier = nil },
		"pixels":   func(b *Batch) { b.Frontier[0] = b.Frontier[0][1:] },
		"targets":  func(b *Batch) { b.Targets = b.Targets[1:] },
		"mask":     func(b *Batch) { b.Keep = b.Keep[1:] },
	} {
		b := smallBatch()
		change(&b)
		if _, err := g.Step(b, 1e-3); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	step(t, g, smallBatch(), 1e-3) // it is as good as before
}
