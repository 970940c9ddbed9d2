package tflite

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets this test program be the child of its own trials.
func TestMain(m *testing.M) {
	TrialChild()
	os.Exit(m.Run())
}

// launcher is the command that has to stand before this program to start it: an
// emulator, when the tests run under one.
func launcher() []string { return strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER")) }

func testModel(name string) string { return filepath.Join("testdata", name+".tflite") }

func mustOpen(t testing.TB, name string, o Options) *Interpreter {
	t.Helper()
	it, err := Open(testModel(name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { it.Close() })
	return it
}

// outputs returns room for every output of a batch.
func outputs(it *Interpreter, batch int) [][]float32 {
	dst := make([][]float32, len(it.outs))
	for i, out := range it.outs {
		dst[i] = make([]float32, batch*out.per)
	}
	return dst
}

// golden is what the Python interpreter computed; see testdata/make_golden.py.
type golden struct {
	PerItem  int         `json:"per_item"`
	Output   [][]float32 // [items][values]
	Features [][]float32 // of maps: the mean over their places
}

func loadGolden(t testing.TB) map[string]golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g map[string]golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// ramp returns the inputs that golden.json was made from.
func ramp(name string, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((i*37+11)%256)/127.5 - 1
		if name == "bytes" {
			x[i] = (x[i] + 1) * 100
		}
	}
	return x
}

func flatten(rows [][]float32) []float32 {
	var all []float32
	for _, row := range rows {
		all = append(all, row...)
	}
	return all
}

// farthest returns the largest difference and where it is.
func farthest(t testing.TB, got, want []float32) (difference float64, at int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= difference) { // also a NaN
			difference, at = d, i
		}
	}
	return difference, at
}
