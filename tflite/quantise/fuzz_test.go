package quantise

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// FuzzModel looks for files that make the conversion panic, or whose int8 model
// cannot be written and read again.
func FuzzModel(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("..", "file", "testdata", "*.tflite"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no models to start from: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, float32(-1), float32(6), true)
	}
	for _, m := range operators() {
		f.Add(must(m.Encode()), float32(-3), float32(3), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, low, high float32, border bool) {
		m, err := file.Parse(data)
		if err != nil {
			return
		}
		tensors, err := Tensors(m)
		if err != nil {
			return
		}
		ranges := map[int]Range{}
		for _, i := range tensors {
			ranges[i] = Range{Min: low, Max: high}
		}
		if c, err := NewCalibration(m); err == nil && len(c.inner) != len(c.Probe().Main().Outputs) {
			t.Fatalf("%d tensors, but %d outputs", len(c.inner), len(c.Probe().Main().Outputs))
		}
		q, err := Model(m, ranges, Options{FloatBorder: border})
		if err != nil {
			return
		}
		if _, err := m.Encode(); err != nil {
			return // with parts that no copy can have
		}
		again, err := q.Encode()
		if err != nil {
			t.Fatalf("what was converted cannot be written: %v", err)
		}
		if _, err := file.Parse(again); err != nil {
			t.Fatalf("what was converted cannot be read: %v", err)
		}
	})
}
