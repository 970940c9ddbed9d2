package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/samplelinks"
)

// TestExportONNXAgrees exports generations of two tasks, and of a third base where
// ../shared/data has it, as ONNX and asks ONNX Runtime what pictures show: its
// answers are those of edge. The labels and the normalisation are the file's own.
func TestExportONNXAgrees(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	for _, task := range []struct {
		name    string
		classes []string
		base    func(t *testing.T) string
		recipe  string
	}{
		{"lamps", []string{"lamp_green", "lamp_off", "lamp_red", "lamp_yellow"}, nil, "default"}, // calibrated
		{"valves", []string{"valve_closed", "valve_open"}, nil, "seed"},
		{"map", []string{"lamp_red", "valve_open"}, sharedBase("mobilenet_v2_1.0_128in_no_top_float32"), "seed"},
	} {
		t.Run(task.name, func(t *testing.T) {
			e := adaptForExport(t, store, task.name, task.recipe, task.base, task.classes...)
			model := filepath.Join(t.TempDir(), "model.onnx")
			e.run(t, "export", "--format", "onnx", "--out", model)
			p := e.classifier.generation.Preprocessing
			paths, want := e.pictures(t, p.Width, p.Height)
			var got struct {
				Labels []string
				Range  string
				Scores [][]float64
			}
			if packages := os.Getenv("EDGE_ONNX_PYTHONPATH"); packages != "" { // Pillow is among the others
				t.Setenv("EDGE_ONNX_PYTHONPATH", packages+string(os.PathListSeparator)+os.Getenv("EDGE_PYTHONPATH"))
			}
			python(t, "EDGE_ONNX_PYTHONPATH", "export_onnx.py", append([]string{model}, paths...), &got)
			if !slices.Equal(got.Labels, e.classifier.generation.Labels) || got.Range != "Normalized_1_1" { //nolint:misspell // the standard spells it so
				t.Errorf("labels %q, range %q", got.Labels, got.Range)
			}
			agreeToTolerance(t, got.Scores, want, got.Labels)
		})
	}
}

// adaptForExport is a task adapted on some samples.
func adaptForExport(t *testing.T, store, name, recipe string, base func(t *testing.T) string, classes ...string) *exportTest {
	t.Helper()
	photos := filepath.Join(t.TempDir(), "photos")
	images := 20
	if recipe == "default" {
		images = 40 // enough to calibrate
	}
	samplelinks.Make(t, photos, images, classes...)
	args := []string{"adapt", "--quiet", "--no-cache", "--recipe", recipe, "--task", name, "--dir", photos}
	if base != nil {
		args = append(args, "--base", base(t))
	}
	e := &exportTest{store: store, task: name}
	e.run(t, args...)
	e.open(t, photos)
	return e
}

// agreeToTolerance fails unless rows of scores, in the order of labels, are what edge says.
func agreeToTolerance(t *testing.T, got [][]float64, want []map[string]float64, labels []string) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d rows of scores for %d pictures", len(got), len(want))
	}
	worst, best := 0.0, 1.0
	for i := range want {
		for j, label := range labels {
			worst = max(worst, math.Abs(got[i][j]-want[i][label]))
			best = min(best, want[i][label])
		}
	}
	t.Logf("scores of %d pictures differ by at most %.2g", len(want), worst)
	if !(worst <= tolerance) || best > 0.3 {
		t.Errorf("scores differ by %g; the lowest of all is %g", worst, best)
	}
}

func TestExportONNXRefuses(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	adaptForExport(t, store, "bytes", "seed", int8Base, "lamp_red", "valve_open")
	dir := t.TempDir()
	out := filepath.Join(dir, "model.onnx")
	var stderr strings.Builder
	code := run(t.Context(), []string{"export", "--format", "onnx", "--out", out, "--store", store, "--task", "bytes"}, nil, &stderr, &stderr)
	if code != exitInput || !strings.Contains(stderr.String(), "is quantised") || !strings.Contains(stderr.String(), "--format tflite") {
		t.Errorf("ended with %d: %s", code, stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	adaptForExport(t, store, "floats", "seed", nil, "lamp_red", "valve_open")
	if err := os.WriteFile(out, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"export", "--format", "onnx", "--out", out, "--store", store, "--task", "floats"}
	stderr.Reset()
	if code := run(t.Context(), args, nil, &stderr, &stderr); code == 0 || !strings.Contains(stderr.String(), "--force") {
		t.Errorf("ended with %d: %s", code, stderr.String())
	}
	if data, err := os.ReadFile(out); err != nil || string(data) != "mine" {
		t.Errorf("the file that was there is %q, %v", data, err)
	}
	if code := run(t.Context(), append(args, "--force"), nil, &stderr, &stderr); code != 0 {
		t.Errorf("with --force it ended with %d: %s", code, stderr.String())
	}
	if data, err := os.ReadFile(out); err != nil || len(data) < 1000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
