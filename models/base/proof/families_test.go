package proof_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/proof"
	"github.com/edge-adapt/edge/tflite"
)

// family is what testdata/make_families.py says of a classifier.
type family struct {
	Features []float32 // what Keras gives at 128 pixels
	Twin     string    // of a quantised one: its float version
}

// TestFamilies imports classifiers for 96 pixels at 128, and compares their
// features with those of Keras' own network for 128 pixels with the same weights.
// `make test-families` has TensorFlow make those of more families.
func TestFamilies(t *testing.T) {
	for _, dir := range []string{filepath.Join("testdata", "families"), os.Getenv("EDGE_TEST_FAMILIES")} {
		if dir == "" {
			continue
		}
		paths, err := filepath.Glob(filepath.Join(dir, "*.tflite"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no models in %s, %v", dir, err)
		}
		for _, path := range paths {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".tflite"), func(t *testing.T) { compareFamily(t, path) })
		}
	}
}

func compareFamily(t *testing.T, path string) {
	about := func(path string) (f family) {
		data, err := os.ReadFile(strings.TrimSuffix(path, ".tflite") + ".json")
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := about(path)
	picture, err := os.ReadFile(filepath.Join(filepath.Dir(path), "picture.bin"))
	if err != nil {
		t.Fatal(err)
	}
	e := imported(t, path, base.ImportOptions{File: path, Input: 128})
	got := embed(t, e, picture)
	want, cosine, relative := f.Features, 1-1e-8, 1e-4
	if f.Twin != "" {
		want, cosine, relative = about(filepath.Join(filepath.Dir(path), f.Twin+".tflite")).Features, 0.9, 1
	}
	if len(got) != len(want) {
		t.Fatalf("%d features, want %d", len(got), len(want))
	}
	c, d := cosineOf(got, want), distance(got, want)
	t.Logf("cosine %.9f, largest difference %.2g of the largest feature", c, d)
	if !(c >= cosine) || !(d <= relative) {
		t.Errorf("cosine %v, want %v; difference %v, want %v", c, cosine, d, relative)
	}
}

// imported takes a model file into a library of its own.
func imported(t *testing.T, path string, o base.ImportOptions) base.Entry {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := base.NewDraft(data, o)
	if err != nil {
		t.Fatal(err)
	}
	library, err := base.OpenLibrary(t.TempDir(), proof.Prover(options()))
	if err != nil {
		t.Fatal(err)
	}
	e, err := library.Add(t.Context(), draft)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// embed returns the features of a picture of the base's size, bytes [H,W,3].
func embed(t *testing.T, e base.Entry, picture []byte) []float32 {
	t.Helper()
	b, err := tflite.OpenBase(e.Path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if len(picture) != e.Preprocessing.Len() {
		t.Fatalf("%d bytes, the base wants %d", len(picture), e.Preprocessing.Len())
	}
	pixels := make([]float32, len(picture))
	for i, v := range picture {
		pixels[i] = float32(v)*e.Preprocessing.Scale + e.Preprocessing.Offset
	}
	features := make([]float32, e.Features)
	if err := b.Embed(features, pixels); err != nil {
		t.Fatal(err)
	}
	return features
}

func cosineOf(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

// distance is the largest difference, by the largest value of b.
func distance(a, b []float32) float64 {
	var d, most float64
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
		most = max(most, math.Abs(float64(b[i])))
	}
	return d / most
}
