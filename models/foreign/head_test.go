package foreign

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// The models that testdata/make_teachable.py makes: input of 32x32, 16 features.
var fixtures = map[string]struct {
	hidden    int
	biases    bool // of the last layer
	scale     float32
	offset    float32
	tolerance float64 // of scores: those of a quantised model are steps of 1/256
}{
	"teachable_float": {10, false, 1 / 127.5, -1, 1e-5},
	"teachable_uint8": {10, false, 1 / 127.5, -1, 0.02},
	"frigate_uint8":   {12, true, 1.0 / 255, 0, 0.02},
}

const side, classes = 32, 3

func model(t testing.TB, name string) []byte {
	t.Helper()
	return mustRead(t, filepath.Join("testdata", name+".tflite"))
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parsed(t testing.TB, data []byte) (*file.Model, file.Feature) {
	t.Helper()
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.FeatureTensor()
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

// opened runs a model.
func opened(t *testing.T, data []byte) *tflite.Base {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := tflite.OpenBase(path, tflite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// drawn is picture k of golden.json.
func drawn(k int) []byte {
	cell := 2 << k
	p := make([]byte, 0, side*side*3)
	for y := range side {
		for x := range side {
			for c := range 3 {
				p = append(p, byte((y/cell*131+x/cell*57+c*83+k*29)*7))
			}
		}
	}
	return p
}

// TestHeadAnswersAsTheWholeClassifier compares base and head with what TensorFlow
// Lite's interpreter makes of the whole.
func TestHeadAnswersAsTheWholeClassifier(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][][]float64
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for name, want := range fixtures {
		t.Run(name, func(t *testing.T) {
			data := model(t, name)
			m, f := parsed(t, data)
			h, err := Head(m, f)
			if err != nil {
				t.Fatal(err)
			}
			if h.Features != 16 || h.Hidden != want.hidden || h.Classes != classes {
				t.Errorf("head of %d, %d, %d", h.Features, h.Hidden, h.Classes)
			}
			if biases := h.B2[0] != 0; biases != want.biases {
				t.Errorf("biases %v", h.B2)
			}
			cut, err := m.Cut(f.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := cut.Encode()
			if err != nil {
				t.Fatal(err)
			}
			base, score := opened(t, encoded), h.Scorer()
			if len(golden[name]) != 4 {
				t.Fatalf("golden answers: %v", golden[name])
			}
			for k, answer := range golden[name] {
				input, features := make([]float32, side*side*3), make([]float32, h.Features)
				for i, b := range drawn(k) {
					input[i] = float32(b)*want.scale + want.offset
				}
				if err := base.Embed(features, input); err != nil {
					t.Fatal(err)
				}
				for c, got := range score(features) {
					if d := math.Abs(float64(got) - answer[c]); !(d <= want.tolerance) {
						t.Errorf("picture %d, class %d: %v, want %v", k, c, got, answer[c])
					}
				}
			}
			p := pixel.Preprocessing{Width: side, Height: side, Colour: "rgb", Scale: want.scale, Offset: want.offset, Resize: pixel.Bilinear}
			a, err := Compare(opened(t, data), base, h, p)
			if err != nil || a.Pictures != pictures || !(a.Difference <= want.tolerance) || a.Same != pictures {
				t.Errorf("compared: %+v, %v", a, err)
			}
			// A head that is not the model's shows.
			other := head.New(h.Features, h.Hidden, h.Classes, 3)
			if a, err := Compare(opened(t, data), base, other, p); err != nil || a.Difference < 0.05 {
				t.Errorf("another head agrees: %+v, %v", a, err)
			}
		})
	}
}

// TestHeadReadsItsOwn: what edge writes behind a base reads back to the bit.
func TestHeadReadsItsOwn(t *testing.T) {
	for _, hidden := range []int{0, 5} {
		h := head.New(7, hidden, 3, 9)
		data, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m, err := file.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Head(m, file.Feature{Tensor: m.Main().Inputs[0], Count: 7})
		if err != nil {
			t.Fatal(err)
		}
		want := h.Params()
		for i, p := range got.Params() {
			for k := range p {
				if p[k] != want[i][k] {
					t.Fatalf("parameter %d, %d", i, k)
				}
			}
		}
	}
}

func TestHeadRefuses(t *testing.T) {
	// Operators of teachable_float: CONV, CONV, MEAN, FULLY_CONNECTED, FULLY_CONNECTED, SOFTMAX.
	for name, spoil := range map[string]func(g *file.Subgraph){
		"another activation":      func(g *file.Subgraph) { g.Operators[3].Options = file.FullyConnectedOptions{Activation: file.Relu6} },
		"no relu":                 func(g *file.Subgraph) { g.Operators[3].Options = file.FullyConnectedOptions{} },
		"relu before the softmax": func(g *file.Subgraph) { g.Operators[4].Options = file.FullyConnectedOptions{Activation: file.Relu} },
		"shuffled weights":        func(g *file.Subgraph) { g.Operators[4].Options = file.FullyConnectedOptions{WeightsFormat: 1} },
		"options of another":      func(g *file.Subgraph) { g.Operators[4].Options = file.SoftmaxOptions{} },
		"a hot softmax":           func(g *file.Subgraph) { g.Operators[5].Options = file.SoftmaxOptions{Beta: 2} },
		"sigmoids":                func(g *file.Subgraph) { g.Operators[5].Code = file.OpLogistic },
		"no softmax":              func(g *file.Subgraph) { g.Outputs[0] = g.Operators[4].Outputs[0] },
		"a softmax alone": func(g *file.Subgraph) {
			g.Operators = append(g.Operators[:3], g.Operators[5])
			g.Operators[3].Inputs[0] = g.Operators[2].Outputs[0]
		},
		"weights left out":          func(g *file.Subgraph) { g.Operators[4].Inputs[1] = -1 },
		"weights that are computed": func(g *file.Subgraph) { g.Tensors[g.Operators[4].Inputs[1]].Data = nil },
		"weights turned round":      func(g *file.Subgraph) { s := g.Tensors[g.Operators[4].Inputs[1]].Shape; s[0], s[1] = s[1], s[0] },
		"too wide an output":        func(g *file.Subgraph) { g.Tensors[g.Operators[4].Outputs[0]].Shape[1]++ },
		"a circle":                  func(g *file.Subgraph) { g.Operators[5].Outputs[0] = g.Operators[3].Inputs[0] },
		"two ways": func(g *file.Subgraph) {
			g.Operators = append(g.Operators, file.Operator{Code: file.OpRelu, Inputs: []int{g.Operators[3].Inputs[0]}, Outputs: []int{g.Outputs[0]}})
		},
		"three layers": func(g *file.Subgraph) {
			third := g.Operators[3]
			third.Inputs, third.Outputs = append([]int{g.Operators[3].Outputs[0]}, third.Inputs[1:]...), []int{len(g.Tensors)}
			g.Tensors = append(g.Tensors, g.Tensors[g.Operators[3].Outputs[0]])
			wide := g.Tensors[third.Inputs[1]]
			wide.Shape, wide.Data = []int32{10, 10}, make([]byte, 400)
			g.Tensors = append(g.Tensors, wide)
			third.Inputs[1] = len(g.Tensors) - 1
			g.Operators[4].Inputs[0] = third.Outputs[0]
			g.Operators = append(g.Operators[:4:4], append([]file.Operator{third}, g.Operators[4:]...)...)
		},
	} {
		m, f := parsed(t, model(t, "teachable_float"))
		spoil(m.Main())
		if h, err := Head(m, f); !errors.Is(err, ErrNoHead) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	m, f := parsed(t, model(t, "teachable_float"))
	f.Whole = true
	if _, err := Head(m, f); !errors.Is(err, ErrNoHead) {
		t.Errorf("a base: %v", err)
	}
	f.Whole, f.Map = false, true
	if _, err := Head(m, f); !errors.Is(err, ErrNoHead) {
		t.Errorf("a map: %v", err)
	}
	// What has the form and cannot be used.
	for name, spoil := range map[string]func(g *file.Subgraph, t *file.Tensor){
		"no scale":        func(_ *file.Subgraph, t *file.Tensor) { t.Quantisation = nil },
		"two many scales": func(_ *file.Subgraph, t *file.Tensor) { t.Quantisation = &file.Quantisation{Scale: make([]float32, 2)} },
		"scales of nothing": func(_ *file.Subgraph, t *file.Tensor) {
			t.Quantisation = &file.Quantisation{Scale: make([]float32, 3), Dimension: 7}
		},
		"infinite": func(_ *file.Subgraph, t *file.Tensor) {
			t.Quantisation = &file.Quantisation{Scale: []float32{float32(math.Inf(1))}}
		},
		"zero points": func(_ *file.Subgraph, t *file.Tensor) {
			t.Quantisation = &file.Quantisation{Scale: []float32{1}, ZeroPoint: []int64{1, 2}}
		},
		"half a weight":  func(_ *file.Subgraph, t *file.Tensor) { t.Data = t.Data[1:] },
		"a strange type": func(_ *file.Subgraph, t *file.Tensor) { t.Type = file.Bool },
	} {
		m, f := parsed(t, model(t, "teachable_uint8"))
		g := m.Main()
		spoil(g, &g.Tensors[g.Operators[5].Inputs[1]]) // a QUANTIZE stands before the first
		if h, err := Head(m, f); err == nil {
			t.Errorf("%s: accepted as %+v", name, h)
		}
	}
}

// FuzzHead: whatever the bytes, Head gives a sound head or an error.
func FuzzHead(f *testing.F) {
	for name := range fixtures {
		f.Add(model(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := file.Parse(data)
		if err != nil {
			return
		}
		feature, err := m.FeatureTensor()
		if err != nil {
			return
		}
		h, err := Head(m, feature)
		if err != nil {
			return
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		h.Scorer()(make([]float32, h.Features))
	})
}
