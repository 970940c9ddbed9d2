package head

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

func encode(t testing.TB, h *Head) []byte {
	t.Helper()
	data, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][3]int{{1, 0, 1}, {1, 1, 2}, {7, 5, 3}, {1280, 128, 10}, {12, 0, 4}} {
		h, _, _ := sample(shape[0], shape[1], shape[2], 1)
		data := encode(t, h)
		got, err := Decode(data)
		if err != nil {
			t.Fatalf("%v: %v", shape, err)
		}
		if got.Features != h.Features || got.Hidden != h.Hidden || got.Classes != h.Classes {
			t.Fatalf("%v came back as %d, %d, %d", shape, got.Features, got.Hidden, got.Classes)
		}
		equal(t, got, h)
		if !bytes.Equal(data, encode(t, h.Clone())) || !bytes.Equal(data, encode(t, got)) {
			t.Errorf("%v: the same head gave other bytes", shape)
		}
		clear(data)
		equal(t, got, h) // no memory shared
	}
}

// TestDecodeRefuses spoils one thing of a sound file after the other.
func TestDecodeRefuses(t *testing.T) {
	inf := []byte{0, 0, 0x80, 0x7f}
	for name, spoil := range map[string]func(m *file.Model, g *file.Subgraph){
		"two subgraphs":     func(m *file.Model, g *file.Subgraph) { m.Subgraphs = append(m.Subgraphs, *g) },
		"two inputs":        func(_ *file.Model, g *file.Subgraph) { g.Inputs = append(g.Inputs, g.Inputs[0]) },
		"no output":         func(_ *file.Model, g *file.Subgraph) { g.Outputs = nil },
		"logits as output":  func(_ *file.Model, g *file.Subgraph) { g.Outputs[0]-- },
		"no softmax":        func(_ *file.Model, g *file.Subgraph) { g.Operators = g.Operators[:2] },
		"no hidden layer":   func(_ *file.Model, g *file.Subgraph) { g.Operators = g.Operators[1:] },
		"one operator":      func(_ *file.Model, g *file.Subgraph) { g.Operators = g.Operators[2:] },
		"no operators":      func(_ *file.Model, g *file.Subgraph) { g.Operators = nil },
		"a fourth operator": func(_ *file.Model, g *file.Subgraph) { g.Operators = append(g.Operators, g.Operators[2]) },
		"order of operators": func(_ *file.Model, g *file.Subgraph) {
			g.Operators[0], g.Operators[1] = g.Operators[1], g.Operators[0]
		},
		"another operator": func(_ *file.Model, g *file.Subgraph) {
			g.Operators[0].Code, g.Operators[0].Options = file.OpSoftmax, file.SoftmaxOptions{Beta: 1}
		},
		"no bias":          func(_ *file.Model, g *file.Subgraph) { g.Operators[1].Inputs[2] = -1 },
		"two operands":     func(_ *file.Model, g *file.Subgraph) { g.Operators[1].Inputs = g.Operators[1].Inputs[:2] },
		"reads the input":  func(_ *file.Model, g *file.Subgraph) { g.Operators[1].Inputs[0] = g.Inputs[0] },
		"weights as bias":  func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Inputs[2] = g.Operators[0].Inputs[1] },
		"input as weights": func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Inputs[1] = 0 },
		"other weights":    func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Inputs[1] = g.Operators[1].Inputs[1] },
		"two outputs":      func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Outputs = []int{3, 3} },
		"output elsewhere": func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Outputs[0] = g.Operators[2].Outputs[0] },
		"relu6": func(_ *file.Model, g *file.Subgraph) {
			g.Operators[0].Options = file.FullyConnectedOptions{Activation: file.Relu6}
		},
		"relu missing":      func(_ *file.Model, g *file.Subgraph) { g.Operators[0].Options = file.FullyConnectedOptions{} },
		"relu at the end":   func(_ *file.Model, g *file.Subgraph) { g.Operators[1].Options = g.Operators[0].Options },
		"temperature":       func(_ *file.Model, g *file.Subgraph) { g.Operators[2].Options = file.SoftmaxOptions{Beta: 2} },
		"NaN temperature":   func(_ *file.Model, g *file.Subgraph) { g.Operators[2].Options = file.SoftmaxOptions{Beta: nan()} },
		"integer weights":   func(_ *file.Model, g *file.Subgraph) { g.Tensors[1].Type = file.Int32 },
		"integer input":     func(_ *file.Model, g *file.Subgraph) { g.Tensors[0].Type = file.Int8 },
		"weights left out":  func(_ *file.Model, g *file.Subgraph) { g.Tensors[1].Data = nil },
		"weights transpose": func(_ *file.Model, g *file.Subgraph) { g.Tensors[1].Shape = []int32{7, 5} },
		"weights flat":      func(_ *file.Model, g *file.Subgraph) { g.Tensors[1].Shape = []int32{35} },
		"batch of two":      func(_ *file.Model, g *file.Subgraph) { g.Tensors[0].Shape[0] = 2 },
		"input of rank 1": func(_ *file.Model, g *file.Subgraph) {
			g.Tensors[0].Shape, g.Tensors[0].ShapeSignature = []int32{7}, nil
		},
		"input of rank 4": func(_ *file.Model, g *file.Subgraph) {
			g.Tensors[0].Shape, g.Tensors[0].ShapeSignature = []int32{1, 1, 1, 7}, nil
		},
		"wider input":     func(_ *file.Model, g *file.Subgraph) { g.Tensors[0].Shape[1] = 8 },
		"wider output":    func(_ *file.Model, g *file.Subgraph) { g.Tensors[7].Shape[1] = 4 },
		"infinite weight": func(_ *file.Model, g *file.Subgraph) { copy(g.Tensors[1].Data[8:], inf) },
		"infinite bias":   func(_ *file.Model, g *file.Subgraph) { copy(g.Tensors[5].Data, inf) },
	} {
		t.Run(name, func(t *testing.T) {
			h, _, _ := sample(7, 5, 3, 1)
			m, err := file.Parse(encode(t, h))
			if err != nil {
				t.Fatal(err)
			}
			spoil(m, m.Main())
			data, err := m.Encode()
			if err != nil {
				t.Fatalf("the test cannot write its file: %v", err)
			}
			got, err := Decode(data)
			if err == nil {
				t.Fatalf("accepted as %d, %d, %d", got.Features, got.Hidden, got.Classes)
			}
			if !strings.HasPrefix(err.Error(), "decode head: ") {
				t.Errorf("error %q", err)
			}
			if infinite := strings.HasPrefix(name, "infinite"); errors.Is(err, ErrNotFinite) != infinite || errors.Is(err, errLayout) == infinite {
				t.Errorf("cause of %q", err)
			}
		})
	}
	for _, data := range [][]byte{nil, []byte("TFL3"), []byte("\x00\x00\x00\x00TFL3"), bytes.Repeat([]byte{0xff}, 100)} {
		if _, err := Decode(data); err == nil {
			t.Errorf("accepted %q", data)
		}
	}
}

func nan() float32 { return float32(math.NaN()) }

// FuzzDecode: whatever the bytes, Decode returns a sound head or an error, and
// a head that it returns survives another round.
func FuzzDecode(f *testing.F) {
	for _, shape := range [][3]int{{3, 2, 2}, {4, 0, 3}} {
		h, _, _ := sample(shape[0], shape[1], shape[2], 1)
		f.Add(encode(f, h))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Decode(data)
		if err != nil {
			return
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		h.Scorer()(make([]float32, h.Features))
		again, err := Decode(encode(t, h))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, again, h)
	})
}

// TestInterpreter runs encoded heads in the real interpreter, one row at a time
// and all at once.
func TestInterpreter(t *testing.T) {
	path := os.Getenv("EDGE_PYTHONPATH")
	if path == "" {
		t.Skip("EDGE_PYTHONPATH does not say where ai-edge-litert is installed (make test sets it)")
	}
	for name, shape := range map[string][3]int{"reference": {1280, 128, 10}, "small": {7, 5, 3}, "linear": {12, 0, 4}} {
		t.Run(name, func(t *testing.T) {
			const rows = 5
			h, x, _ := sample(shape[0], shape[1], shape[2], rows)
			dir := t.TempDir()
			model, input := filepath.Join(dir, "head.tflite"), filepath.Join(dir, "features.json")
			if err := os.WriteFile(model, encode(t, h), 0o600); err != nil {
				t.Fatal(err)
			}
			batch := make([][]float32, rows)
			for r := range batch {
				batch[r] = x[r*h.Features:][:h.Features]
			}
			text, err := json.Marshal(batch)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(input, text, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("python3", "testdata/interpret.py", model, input)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+path)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			var got struct {
				Input, Output string
				Single, Batch [][]float32
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got.Input != InputName || got.Output != OutputName {
				t.Errorf("input %q and output %q", got.Input, got.Output)
			}
			score := h.Scorer()
			for r := range rows {
				want := score(batch[r])
				near(t, "score of a row", got.Single[r], want, 1e-5)
				near(t, "score of the batch", got.Batch[r], want, 1e-5)
			}
		})
	}
}
