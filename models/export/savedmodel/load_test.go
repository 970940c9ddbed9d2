//go:build tensorflow

package savedmodel

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	files := converted(t, fromFile(t, testModels+"pooled.tflite"), []string{"a", "b", "c", "d", "e"})
	if err := os.WriteFile(filepath.Join(dir, ModelFile), files[0].Data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var first []float32
	for shade := range 2 {
		picture, scores := make([]float32, 16*16*3), make([]float32, 5)
		for i := range picture {
			picture[i] = float32(shade)
		}
		if err := m.Run(scores, picture); err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, s := range scores {
			sum += float64(s)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("scores %v", scores)
		}
		if first == nil {
			first = scores
		} else if first[0] == scores[0] {
			t.Error("two pictures give the same scores")
		}
	}
	if err := m.Run(make([]float32, 5), make([]float32, 7)); err == nil {
		t.Error("a picture of 7 values ran")
	}
	if err := m.Run(make([]float32, 4), make([]float32, 16*16*3)); err == nil {
		t.Error("five scores fit into four")
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil {
		t.Error("an empty folder was loaded")
	}
	for _, data := range []string{"", "no protocol buffer"} {
		if err := os.WriteFile(filepath.Join(dir, ModelFile), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "load the saved model") {
			t.Errorf("%q: %v", data, err)
		}
	}
}
