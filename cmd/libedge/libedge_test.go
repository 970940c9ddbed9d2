package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/runtime"
)

// TestFromCAndPython builds the library, uses all of it from a program in C, and
// asks for the same answer from C, from Python and from Go.
func TestFromCAndPython(t *testing.T) {
	dir := t.TempDir()
	photos, store := filepath.Join(dir, "photos"), filepath.Join(dir, "store")
	samplelinks.Make(t, photos, 10, "lamp_green", "lamp_red", "valve_open")
	images, err := filepath.Glob("../../samples/lamp_red/*.jpg")
	if err != nil || len(images) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	library := filepath.Join(dir, "libedge.so")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "go", "build", "-buildmode=c-shared", "-ldflags", "-s -w -extldflags '-Wl,-soname,libedge.so,--version-script="+filepath.Join(here, "exports.map")+"'", "-o", library, ".")
	program := filepath.Join(dir, "use")
	run(t, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I.", "testdata/use.c", "-o", program, library, "-pthread", "-Wl,-rpath,"+dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache")) // not before: Go's own cache is there

	fromC := parseAnswer(t, run(t, program, store, photos, images[0]))
	fromPython := parseAnswer(t, run(t, "python3", "testdata/use.py", library, store, images[0]))
	classifier, err := open(openOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(images[0])
	if err != nil {
		t.Fatal(err)
	}
	fromGo, err := classifier.classify(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := classifier.close(); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]runtime.Answer{"C": fromC, "Python": fromPython} {
		if got.Label != "lamp_red" || got.Label != fromGo.Label || got.Score != fromGo.Score || got.Generation != 1 {
			t.Errorf("%s answers %s %v of generation %d, Go %s %v", name, got.Label, got.Score, got.Generation, fromGo.Label, fromGo.Score)
		}
	}
}

// run runs a command and returns its standard output.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &testWriter{t}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return out
}

type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

func parseAnswer(t *testing.T, data []byte) (a runtime.Answer) {
	t.Helper()
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return a
}
