package quantise

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// TestMain lets this test program be the child of its own trials.
func TestMain(m *testing.M) {
	tflite.TrialChild()
	os.Exit(m.Run())
}

// committed returns a float model that TensorFlow's converter made; its script is
// make.py beside it.
func committed(t testing.TB, name string) *file.Model {
	t.Helper()
	return load(t, filepath.Join("..", "file", "testdata", name+".tflite"))
}

func load(t testing.TB, path string) *file.Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// save writes m into a folder of the test's own.
func save(t testing.TB, m *file.Model) string {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened is m in an interpreter, which must take it with all its delegates.
func opened(t testing.TB, m *file.Model, o tflite.Options) *tflite.Interpreter {
	t.Helper()
	it, err := tflite.Open(save(t, m), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { it.Close() })
	if w := it.Warning(); w != "" {
		t.Error(w)
	}
	return it
}

// run returns every output of m for inputs of n items.
func run(t testing.TB, m *file.Model, inputs []float32, n int, o tflite.Options) [][]float32 {
	t.Helper()
	it := opened(t, m, o)
	var dst [][]float32
	for _, out := range it.Outputs() {
		size := n
		for _, d := range out.Shape[1:] {
			size *= d
		}
		dst = append(dst, make([]float32, size))
	}
	if err := it.RunAll(dst, inputs); err != nil {
		t.Fatal(err)
	}
	return dst
}

// calibrated returns the ranges of m over inputs.
func calibrated(t testing.TB, m *file.Model, inputs []float32) map[int]Range {
	t.Helper()
	if tensors, err := Tensors(m); err == nil && len(tensors) == 1 {
		r, err := span(inputs) // nothing to watch: the input's range is all that counts
		if err != nil {
			t.Fatal(err)
		}
		return map[int]Range{tensors[0]: r}
	}
	c, err := NewCalibration(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add(opened(t, c.Probe(), tflite.Options{Threads: 1}), inputs); err != nil {
		t.Fatal(err)
	}
	return c.Ranges()
}

func converted(t testing.TB, m *file.Model, ranges map[int]Range, o Options) *file.Model {
	t.Helper()
	q, err := Model(m, ranges, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// noise returns n values in [-1,1).
func noise(n int) []float32 {
	random := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n)
	for i := range x {
		x[i] = random.Float32()*2 - 1
	}
	return x
}

// items returns the values of one item of m's input.
func items(m *file.Model) int {
	in := &m.Main().Tensors[m.Main().Inputs[0]]
	return int(in.Elements()) / int(in.Shape[0])
}

// decibels compares the power of want's variation, each of the features by
// itself, with that of got's error.
func decibels(got, want []float32, features int) float64 {
	n := len(want) / features
	var signal, fault float64
	for f := range features {
		var mean float64
		for i := range n {
			mean += float64(want[i*features+f]) / float64(n)
		}
		for i := range n {
			w, g := float64(want[i*features+f]), float64(got[i*features+f])
			signal += (w - mean) * (w - mean)
			fault += (w - g) * (w - g)
		}
	}
	return 10 * math.Log10(signal/fault)
}

func floats(values ...float32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func ints(values ...int32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	return data
}

// one returns a model of a single operator. Its input is tensor 0, its output
// the last one, and its other inputs lie in between.
func one(code file.OpCode, options file.Options, tensors ...file.Tensor) *file.Model {
	last := len(tensors) - 1
	o := file.Operator{Code: code, Options: options, Outputs: []int{last}}
	for i := range last {
		o.Inputs = append(o.Inputs, i)
	}
	return &file.Model{Subgraphs: []file.Subgraph{{
		Tensors: tensors, Inputs: []int{0}, Outputs: []int{last}, Operators: []file.Operator{o},
	}}}
}

func values(shape ...int32) file.Tensor {
	return file.Tensor{Name: "values", Shape: shape}
}

// weights returns a constant of noise of the given size.
func weights(size float32, shape ...int32) file.Tensor {
	t := file.Tensor{Name: "weights", Shape: shape}
	v := noise(int(t.Elements()))
	for i := range v {
		v[i] *= size
	}
	t.Data = floats(v...)
	return t
}

func integers(list ...int32) file.Tensor {
	return file.Tensor{Name: "integers", Type: file.Int32, Shape: []int32{int32(len(list))}, Data: ints(list...)}
}
