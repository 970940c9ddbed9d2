package finetune

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

// openEngine opens models with TensorFlow Lite.
type openEngine struct{ dir string }

func (e openEngine) Open(model []byte) (Model, error) {
	path := filepath.Join(e.dir, "model.tflite")
	_ = os.Remove(path) // an older one stays mapped
	if err := os.WriteFile(path, model, 0o600); err != nil {
		return nil, err
	}
	return tflite.Open(path, tflite.Options{})
}

// embedded is the base that comes with the program.
func embedded(t *testing.T) Base {
	t.Helper()
	s, err := base.Prepare(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tflite.OpenBase(s.Path, tflite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return Base{Data: data, Digest: s.Digest, Extractor: adapt.Extractor{Base: b, Features: s.Features, Preprocessing: s.Preprocessing}}
}

// photos makes a folder of links to the first n samples of some classes.
func photos(t *testing.T, n int, classes ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	samplelinks.Make(t, dir, n, classes...)
	return dir
}

// small is a run on a few samples: the head alone in phase 2 too, which the
// stand-in for the top can train.
func small(t *testing.T) Config {
	t.Helper()
	r, _ := NamedRecipe("seed")
	r.Epochs, r.Batch, r.Fraction, r.Hidden, r.Seed = [2]int{2, 4}, 8, 0, 16, 1
	r.Rates[1] = 0.05
	base := embedded(t)
	base.Extractor.Preprocessing = r.Preprocessing(base.Extractor.Preprocessing)
	return Config{
		Tasks:  []Task{{Name: "panel", Dir: photos(t, 10, "lamp_green", "lamp_red", "valve_open")}},
		Base:   base,
		Recipe: r, Engine: openEngine{t.TempDir()}, ValFraction: 0.2,
		Checkpoints: filepath.Join(t.TempDir(), "checkpoints"), Scratch: t.TempDir(),
	}
}

// headTop is a top that trains the heads alone, by plain gradient descent, and
// counts its steps into the bias of the base's last layer, so that there is
// something to write into the file.
type headTop struct {
	config  topConfig
	heads   []*head.Head
	steps   float32
	tensor  int
	bias    []float32
	failAt  float32 // step whose loss is NaN
	worsens bool    // steps lead away
	onStep  func()
}

func newHeadTop(c topConfig) (top, error) {
	last := c.network.Layers[len(c.network.Layers)-1]
	for i := len(c.network.Layers) - 1; last.Bias == nil; i-- {
		last = c.network.Layers[i]
	}
	h := &headTop{config: c, tensor: last.Bias.Tensor, bias: last.Bias.Values}
	for _, start := range c.heads {
		h.heads = append(h.heads, start.Clone())
	}
	return h, nil
}

// features averages the frontier, the map of features, over its positions.
func (h *headTop) features(b batch) []float32 {
	f := h.heads[b.task].Features
	out := make([]float32, b.n*f)
	positions := len(b.frontier[0]) / b.n / f
	for i, v := range b.frontier[0] {
		out[i/(positions*f)*f+i%f] += v / float32(positions)
	}
	return out
}

func (h *headTop) pass(b batch, keep []float32) (*head.Pass, []int32, result) {
	labels := make([]int32, b.n)
	classes := h.heads[b.task].Classes
	for i := range labels {
		label, _ := adapt.Top(b.targets[i*classes:][:classes])
		labels[i] = int32(label)
	}
	p := head.NewPass(h.heads[b.task], b.n)
	p.Forward(h.features(b), b.n, keep)
	loss, correct := p.Loss(labels, nil)
	return p, labels, result{loss / float64(b.n), correct}
}

func (h *headTop) Step(b batch, rate float64) (result, error) {
	if h.onStep != nil {
		h.onStep()
	}
	p, labels, r := h.pass(b, b.keep)
	grad := h.heads[b.task].Clone()
	p.Backward(grad, labels, nil)
	if h.worsens {
		rate = -rate
	}
	for i, param := range h.heads[b.task].Params() {
		for k := range param {
			param[k] -= float32(rate) * grad.Params()[i][k]
		}
	}
	h.steps++
	if h.steps == h.failAt {
		r.loss = math.NaN()
	}
	return r, nil
}

func (h *headTop) Evaluate(b batch) (result, error) {
	_, _, r := h.pass(b, nil)
	return r, nil
}

func (h *headTop) Weights() (map[int][]float32, error) {
	bias := slices.Clone(h.bias)
	for i := range bias {
		bias[i] += h.steps / 1000
	}
	return map[int][]float32{h.tensor: bias}, nil
}

func (h *headTop) Head(task int) (*head.Head, error) { return h.heads[task].Clone(), nil }

// headState is what a headTop saves.
type headState struct {
	Heads []*head.Head
	Steps float32
}

func (h *headTop) Save(prefix string) error {
	data, err := json.Marshal(headState{h.heads, h.steps})
	if err != nil {
		return err
	}
	return os.WriteFile(prefix+".json", data, 0o600)
}

func (h *headTop) Restore(prefix string) error {
	data, err := os.ReadFile(prefix + ".json")
	if err != nil {
		return err
	}
	var s headState
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if len(s.Heads) != len(h.heads) {
		return errors.New("another number of heads")
	}
	h.heads, h.steps = s.Heads, s.Steps
	return nil
}

func (h *headTop) Close() error { return nil }
