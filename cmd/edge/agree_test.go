package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/samplelinks"
)

// TestAgreesWithLiteRT adapts a head and classifies a few images, then gives
// the same pixels and the same files to the Python LiteRT interpreter: features
// and scores must be equal to 1e-5.
func TestAgreesWithLiteRT(t *testing.T) {
	python := os.Getenv("EDGE_PYTHONPATH")
	if python == "" {
		t.Skip("EDGE_PYTHONPATH names no folder with LiteRT; make test sets it")
	}
	photos := filepath.Join(t.TempDir(), "photos")
	samplelinks.Make(t, photos, 10, "lamp_green", "lamp_red", "valve_open")
	a := &app{store: filepath.Join(t.TempDir(), "store"), task: "default", stdout: io.Discard, stderr: io.Discard, quiet: true}
	if code := run(t.Context(), []string{"adapt", "--quiet", "--no-cache", "--recipe", "seed", "--store", a.store, "--dir", photos}, nil, io.Discard, os.Stderr); code != 0 {
		t.Fatalf("adapt ended with %d", code)
	}
	c, err := a.openClassifier(t.Context(), 0, baseFlags{noCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()

	type answer struct {
		Pixels   []float32 `json:"pixels"`
		Features []float32 `json:"features"`
		Scores   []float32 `json:"scores"`
	}
	var ours []answer
	images, err := filepath.Glob(filepath.Join(photos, "*", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range images[:6] {
		data, err := pixel.ReadFile(path, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.classify(data); err != nil {
			t.Fatal(err)
		}
		ours = append(ours, answer{slices.Clone(c.pixels), slices.Clone(c.features), slices.Clone(c.scores)})
	}

	input, err := json.Marshal(map[string]any{"base": c.generation.BasePath(), "head": c.generation.HeadPath(), "images": ours})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join("testdata", "litert.py"))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+python)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []answer
	if err := json.Unmarshal(out, &theirs); err != nil || len(theirs) != len(ours) {
		t.Fatalf("%d answers for %d images: %v", len(theirs), len(ours), err)
	}
	worst := 0.0
	for i := range ours {
		worst = max(worst, distance(t, ours[i].Features, theirs[i].Features), distance(t, ours[i].Scores, theirs[i].Scores))
	}
	t.Logf("features and scores differ by at most %.2g", worst)
	if !(worst <= tolerance) {
		t.Errorf("features or scores differ by %g", worst)
	}
}

// distance is the largest difference between two vectors of one length.
func distance(t *testing.T, a, b []float32) float64 {
	t.Helper()
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d and %d numbers", len(a), len(b))
	}
	var worst float64
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}
