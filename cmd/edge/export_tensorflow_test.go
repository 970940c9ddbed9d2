//go:build tensorflow

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSavedModelAgrees exports a generation as SavedModel and asks Python's
// TensorFlow what pictures show: its answers are those of edge.
func TestSavedModelAgrees(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	e := adaptForExport(t, store, "lamps", "default", nil, "lamp_green", "lamp_off", "lamp_red", "lamp_yellow")
	dir := filepath.Join(t.TempDir(), "models", "lamps", "1")
	e.run(t, "export", "--format", "savedmodel", "--out", dir+"/")
	p := e.classifier.generation.Preprocessing
	paths, want := e.pictures(t, p.Width, p.Height)
	var got struct {
		Labels []string
		Scores [][]float64
	}
	if packages := os.Getenv("EDGE_KERAS_PYTHONPATH"); packages != "" { // Pillow is among the others
		t.Setenv("EDGE_KERAS_PYTHONPATH", packages+string(os.PathListSeparator)+os.Getenv("EDGE_PYTHONPATH"))
	}
	python(t, "EDGE_KERAS_PYTHONPATH", "export_savedmodel.py", append([]string{dir}, paths...), &got)
	if !slices.Equal(got.Labels, e.classifier.generation.Labels) {
		t.Errorf("labels %q", got.Labels)
	}
	agreeToTolerance(t, got.Scores, want, got.Labels)
}

// TestSavedModelReplaces says what --out may be: nothing, an empty folder, and
// with --force another saved model, but no folder of anything else.
func TestSavedModelReplaces(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	adaptForExport(t, store, "floats", "seed", nil, "lamp_red", "valve_open")
	export := func(out string, flags ...string) (int, string) {
		var stderr strings.Builder
		args := append([]string{"export", "--format", "savedmodel", "--out", out, "--store", store, "--task", "floats"}, flags...)
		return run(t.Context(), args, nil, &stderr, &stderr), stderr.String()
	}
	parent := t.TempDir()
	out := filepath.Join(parent, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if code, said := export(out); code != 0 {
		t.Errorf("into an empty folder: %d, %s", code, said)
	}
	if code, said := export(out); code == 0 || !strings.Contains(said, "--force") {
		t.Errorf("over a saved model: %d, %s", code, said)
	}
	old := filepath.Join(out, "variables")
	if err := os.Mkdir(old, 0o700); err != nil {
		t.Fatal(err)
	}
	if code, said := export(out, "--force"); code != 0 {
		t.Errorf("over a saved model with --force: %d, %s", code, said)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("a part of the old saved model is left")
	}
	mine := filepath.Join(parent, "mine", "diary.txt")
	if err := os.MkdirAll(filepath.Dir(mine), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := export(filepath.Dir(mine), "--force"); code == 0 || !strings.Contains(said, "is no saved model") {
		t.Errorf("over a folder of other things: %d, %s", code, said)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSavedModelRefusesQuantised(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	adaptForExport(t, store, "bytes", "seed", int8Base, "lamp_red", "valve_open")
	dir := t.TempDir()
	var stderr strings.Builder
	args := []string{"export", "--format", "savedmodel", "--out", filepath.Join(dir, "out"), "--store", store, "--task", "bytes"}
	if code := run(t.Context(), args, nil, &stderr, &stderr); code != exitInput || !strings.Contains(stderr.String(), "is quantised") {
		t.Errorf("ended with %d: %s", code, stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
