package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/badfiles"
)

// TestBadFiles adapts on a folder of everything that goes wrong with image
// files: a head comes out of the good ones, and each bad one has its reason.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	want, good := badfiles.Make(t, dir)
	if len(want) < 30 {
		t.Errorf("only %d kinds of bad files", len(want))
	}
	store := filepath.Join(t.TempDir(), "store")
	var stdout bytes.Buffer
	if code := run(t.Context(), []string{"adapt", "--json", "--quiet", "--no-cache", "--store", store, "--dir", dir}, nil, &stdout, os.Stderr); code != 0 {
		t.Fatalf("adapt ended with %d: %s", code, stdout.Bytes())
	}
	var result struct {
		Labels     []string
		Images     struct{ Train, Val, Test int }
		Skipped    []struct{ Path, Reason string }
		Duplicates []struct{ Path, Of string }
		Conflicts  []struct{ Paths []string }
		Val        struct{ Accuracy float64 }
		Report     string
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if used := result.Images.Train + result.Images.Val + result.Images.Test; used != good {
		t.Errorf("%d images were used, want %d", used, good)
	}
	got := map[string]string{}
	for _, s := range result.Skipped {
		got[s.Path] = s.Reason
	}
	for _, d := range result.Duplicates {
		got[d.Path] = badfiles.Duplicate
	}
	for _, c := range result.Conflicts {
		for _, path := range c.Paths {
			got[path] = badfiles.Conflict
		}
	}
	for path, reason := range want {
		if jsonPath := toJSON(path); !strings.Contains(got[jsonPath], reason) || got[jsonPath] == "" {
			t.Errorf("%q: reason %q, want %q in it", path, got[jsonPath], reason)
		}
		delete(got, toJSON(path))
	}
	for path, reason := range got {
		t.Errorf("%q was not used (%s) and should have been", path, reason)
	}
	if page, err := os.ReadFile(result.Report); err != nil || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("no whole report: %v", err)
	}
	if code := run(t.Context(), []string{"classify", "--store", store, filepath.Join(dir, badfiles.Labels[0], "img_a.jpg")}, nil, io.Discard, os.Stderr); code != 0 {
		t.Errorf("classify ended with %d", code)
	}
}

// toJSON is what becomes of a path that is not UTF-8 on its way through JSON.
func toJSON(path string) string { return strings.ToValidUTF8(path, "\ufffd") }
