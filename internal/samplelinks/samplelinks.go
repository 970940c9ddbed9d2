// Package samplelinks makes small folders of images for tests out of ./samples.
package samplelinks

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// Make links to the first n samples of each class, in a folder a class in dir.
func Make(t testing.TB, dir string, n int, classes ...string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	samples := filepath.Join(filepath.Dir(here), "..", "..", "samples")
	for _, class := range classes {
		files, err := filepath.Glob(filepath.Join(samples, class, "*.jpg"))
		if err != nil || len(files) < n {
			t.Fatalf("%d samples of %s: %v", len(files), class, err)
		}
		slices.Sort(files)
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range files[:n] {
			if err := os.Symlink(file, filepath.Join(dir, class, filepath.Base(file))); err != nil {
				t.Fatal(err)
			}
		}
	}
}
