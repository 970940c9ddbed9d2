package finetune

import (
	"math"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// TestTwins compares the bare kernels with the layers they are twins of: with
// the bias added and the activation applied they are the same.
func TestTwins(t *testing.T) {
	b := embedded(t)
	r, _ := NamedRecipe("seed")
	r.BatchNorm, r.Fraction = Batch, 0.2
	n, s, err := Select(b.Data, r)
	if err != nil {
		t.Fatal(err)
	}
	layers := normed(n, s)
	if len(layers) < 8 {
		t.Fatalf("only %d layers", len(layers))
	}
	open := func(m *file.Model) Model {
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		model, err := openEngine{t.TempDir()}.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { model.Close() })
		return model
	}
	twins, err := withTwins(n, layers)
	if err != nil {
		t.Fatal(err)
	}
	var outputs []int
	for _, i := range layers {
		outputs = append(outputs, n.Layers[i].Output)
	}
	whole, err := n.Model.Cut(outputs...)
	if err != nil {
		t.Fatal(err)
	}
	m, of := newMeter(open(twins), n, layers), newMeter(open(whole), n, layers)
	pixels := make([]float32, b.Extractor.Preprocessing.Len())
	for i := range pixels {
		pixels[i] = float32(math.Sin(float64(i) / 700))
	}
	if err := m.Embed(nil, pixels); err != nil {
		t.Fatal(err)
	}
	if err := of.Embed(nil, pixels); err != nil {
		t.Fatal(err)
	}
	for k, i := range layers {
		layer := n.Layers[i]
		for p, v := range m.outputs[k] {
			v += layer.Bias.Values[p%len(layer.Bias.Values)]
			if layer.Activation == file.Relu6 {
				v = min(max(v, 0), 6)
			}
			if d := math.Abs(float64(v - of.outputs[k][p])); !(d < 1e-3) {
				t.Fatalf("%s: value %d is %v, the layer has %v", layer.Name, p, v, of.outputs[k][p])
			}
		}
	}
}

// constant gives one value a channel for each of two pictures.
type constant struct{ calls float32 }

func (c *constant) RunAll(dst [][]float32, _ []float32) error {
	c.calls++
	for i := range dst[0] {
		dst[0][i] = c.calls * float32(1+i%2)
	}
	return nil
}

func (c *constant) Close() error { return nil }

func TestMoments(t *testing.T) {
	m := &meter{model: &constant{}, outputs: [][]float32{make([]float32, 6)}, channels: []int{2}, sums: [][]float64{make([]float64, 2)}, squares: [][]float64{make([]float64, 2)}}
	for range 2 {
		if err := m.Embed(nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	// Channel 0 is 1 and 2, channel 1 is 2 and 4.
	got := m.moments([]int{7})[7]
	if got.mean[0] != 1.5 || got.mean[1] != 3 || got.variance[0] != 0.25 || got.variance[1] != 1 {
		t.Errorf("%+v", got)
	}
}
