package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
)

// What the runtime answers is what `edge classify` prints, to the last bit.
func TestRuntimeAgreesWithClassify(t *testing.T) {
	samples, err := filepath.Abs(filepath.Join("..", "..", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "store")
	edge := func(args ...string) []byte {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args = append(args, "--store", dir, "--task", "shelf", "--json")
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
			t.Fatalf("edge %v: exit code %d: %s", args, code, stderr.String())
		}
		return stdout.Bytes()
	}
	edge("adapt", "--dir", samples, "--no-cache")
	var images []string
	for _, class := range []string{"lamp_red", "plug_out", "valve_open"} {
		found, err := filepath.Glob(filepath.Join(samples, class, "*.jpg"))
		if err != nil || len(found) < 4 {
			t.Fatalf("%d images of %s, %v", len(found), class, err)
		}
		images = append(images, found[:4]...)
	}
	var printed []answer
	for line := range bytes.Lines(edge(slices.Concat([]string{"classify", "--top", "1000"}, images)...)) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		printed = append(printed, a)
	}

	store, err := models.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.New(runtime.Options{Store: store, Engine: e, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if err := rt.SetTasks(t.Context(), []runtime.TaskConfig{{Name: "shelf"}}); err != nil {
		t.Fatal(err)
	}
	task, err := rt.Task("shelf")
	if err != nil {
		t.Fatal(err)
	}
	m, err := task.Model()
	if err != nil {
		t.Fatal(err)
	}
	size, classes := m.Preprocessing.Len(), len(m.Labels)
	pixels, scores := make([]float32, len(images)*size), make([]float32, len(images)*classes)
	for i, path := range images {
		data, err := pixel.ReadFile(path, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := pixel.Decode(data, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := task.Classify(context.Background(), img)
		if err != nil {
			t.Fatal(err)
		}
		compareAnswers(t, path, a, printed[i])
		if err := m.Preprocessing.Apply(pixels[i*size:][:size], img); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := task.ClassifyPixels(context.Background(), scores, pixels, len(images)); err != nil {
		t.Fatal(err)
	}
	for i, path := range images {
		for c, label := range m.Labels {
			at := slices.IndexFunc(printed[i].Top, func(r ranked) bool { return r.Label == label })
			if got, want := scores[i*classes+c], printed[i].Top[at].Score; got != want {
				t.Errorf("%s: %s has %v in a batch, want %v", path, label, got, want)
			}
		}
	}
}

// compareAnswers holds an answer against what was printed of the same image.
func compareAnswers(t *testing.T, path string, got runtime.Answer, want answer) {
	t.Helper()
	if got.Label != want.Label || got.Score != want.Score || got.Unknown != want.Unknown || got.Distance != want.Distance || len(got.Top) != len(want.Top) {
		t.Errorf("%s: %s %v, unknown %v; edge classify says %s %v, %v", path, got.Label, got.Score, got.Unknown, want.Label, want.Score, want.Unknown)
		return
	}
	for i, s := range got.Top {
		if s.Label != want.Top[i].Label || s.Score != want.Top[i].Score {
			t.Errorf("%s: place %d: %v, want %v", path, i, s, want.Top[i])
		}
	}
}
