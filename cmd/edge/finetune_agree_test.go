//go:build tensorflow

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
)

// TestFinetuneAgreesWithLiteRT fine-tunes a little and measures the files that
// were written in the Python LiteRT interpreter, fed with the same pixels: the
// confusion matrix and the accuracy are those of `edge eval` exactly, and the
// scores to 1e-5.
//
// EDGE_AGREE_OUT, the --out of a run with the store in it (as a sweep's runs
// are), and EDGE_AGREE_DIR, images, name a run to compare instead.
func TestFinetuneAgreesWithLiteRT(t *testing.T) {
	python := os.Getenv("EDGE_PYTHONPATH")
	if python == "" {
		t.Skip("EDGE_PYTHONPATH names no folder with LiteRT; make test sets it")
	}
	out, photos := os.Getenv("EDGE_AGREE_OUT"), os.Getenv("EDGE_AGREE_DIR")
	if out == "" {
		photos, out = fewPhotos(t, "lamp_green", "lamp_red", "valve_open"), filepath.Join(t.TempDir(), "out")
		finetuneOnce(t, filepath.Join(out, "store"), "--dir", photos, "--out", out, "--epochs", "2,2")
	}
	store := filepath.Join(out, "store")
	var stdout bytes.Buffer
	if code := run(t.Context(), []string{"eval", "--json", "--quiet", "--no-cache", "--store", store, "--dir", photos}, nil, &stdout, os.Stderr); code != 0 {
		t.Fatalf("eval ended with %d: %s", code, stdout.Bytes())
	}
	var ours evaluation
	if err := json.Unmarshal(stdout.Bytes(), &ours); err != nil {
		t.Fatal(err)
	}
	pixels := filepath.Join(t.TempDir(), "pixels")
	scores := scored(t, store, photos, ours.Split, pixels)

	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join("testdata", "litert_eval.py"),
		filepath.Join(out, tunedName), filepath.Join(out, "default", models.HeadName), pixels, strconv.Itoa(len(ours.Labels)))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+python)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct {
		Accuracy, Loss float64
		Confusion      [][]int
		Scores         [][]float32
	}
	if err := json.Unmarshal(answer, &theirs); err != nil {
		t.Fatal(err)
	}
	if len(scores) != ours.Measures.Images || len(theirs.Scores) != len(scores) {
		t.Fatalf("eval measured %d images, this test %d, LiteRT %d", ours.Measures.Images, len(scores), len(theirs.Scores))
	}
	if ours.Measures.Accuracy != theirs.Accuracy || !reflect.DeepEqual(ours.Measures.Confusion, theirs.Confusion) {
		t.Errorf("edge eval has accuracy %v and confusion %v, LiteRT %v and %v", ours.Measures.Accuracy, ours.Measures.Confusion, theirs.Accuracy, theirs.Confusion)
	}
	worst := 0.0
	for i := range scores {
		worst = max(worst, distance(t, scores[i], theirs.Scores[i]))
	}
	t.Logf("%d images: accuracy %.4f of both, loss %.6f and %.6f, scores differ by at most %.2g", len(scores), theirs.Accuracy, ours.Measures.Loss, theirs.Loss, worst)
	if !(worst <= tolerance) || !(math.Abs(ours.Measures.Loss-theirs.Loss) <= 1e-4) {
		t.Errorf("scores differ by %g, losses are %v and %v", worst, ours.Measures.Loss, theirs.Loss)
	}
}

// scored classifies the images that `edge eval` measures, writes what the base
// is fed for each, behind its label, into a file, and returns the scores.
func scored(t *testing.T, store, dir, split, pixels string) (scores [][]float32) {
	t.Helper()
	a := &app{store: store, task: "default", stdout: io.Discard, stderr: io.Discard, quiet: true}
	c, err := a.openClassifier(t.Context(), 0, baseFlags{noCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	d, err := adapt.List(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Relabel(c.generation.Labels); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(pixels)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, s := range d.Samples {
		if split != "all" && string(s.Split) != split {
			continue
		}
		data, err := pixel.ReadFile(filepath.Join(d.Dir, s.Path), pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.classify(data); err != nil {
			t.Fatal(err)
		}
		for _, v := range []any{int32(s.Label), c.pixels} {
			if err := binary.Write(w, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		scores = append(scores, slices.Clone(c.scores))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return scores
}
