package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tiny returns the committed models by name; make.py made them.
func tiny(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.tflite")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d models in testdata, %v", len(paths), err)
	}
	models := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		models[strings.TrimSuffix(filepath.Base(p), ".tflite")] = data
	}
	return models
}

// parsed returns a committed model.
func parsed(t testing.TB, name string) *Model {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// dense returns FULLY_CONNECTED(2 to 3) and SOFTMAX, made by hand.
func dense() *Model {
	return &Model{
		Description: "made by hand",
		Subgraphs: []Subgraph{{
			Name: "main",
			Tensors: []Tensor{
				{Name: "features", Shape: []int32{1, 2}},
				{Name: "weights", Shape: []int32{3, 2}, Data: make([]byte, 24)},
				{Name: "logits", Shape: []int32{1, 3}},
				{Name: "scores", Shape: []int32{1, 3}},
			},
			Inputs: []int{0}, Outputs: []int{3},
			Operators: []Operator{
				{
					Code: OpFullyConnected, Inputs: []int{0, 1, -1}, Outputs: []int{2},
					Options: FullyConnectedOptions{Activation: Relu},
				},
				{Code: OpSoftmax, Inputs: []int{2}, Outputs: []int{3}, Options: SoftmaxOptions{Beta: 1}},
			},
		}},
		Metadata: []Metadata{{Name: minRuntimeVersion, Data: []byte("1.5.0\x00\x00\x00")}},
		Signatures: []Signature{{
			Key:     "serving_default",
			Inputs:  []NamedTensor{{"features", 0}},
			Outputs: []NamedTensor{{"scores", 3}},
		}},
	}
}

// encoded returns the bytes of m.
func encoded(t testing.TB, m *Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
