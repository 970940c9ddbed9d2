package adapt

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

// jpegMark starts a file that counts as an image in these tests.
const jpegMark = "\xff\xd8\xff"

// tree writes files, path to content, into a new folder. A path that ends in a
// slash is a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		full := filepath.Join(dir, path)
		if strings.HasSuffix(path, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// listed lists a folder that must list.
func listed(t *testing.T, dir string) *Dataset {
	t.Helper()
	d, err := List(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// unreadable is the content of files that read refuses.
const unreadable = "unreadable"

// read stands in for whoever reads the images.
func read(t *testing.T, d *Dataset) {
	t.Helper()
	for i, s := range d.Samples {
		data, err := os.ReadFile(filepath.Join(d.Dir, s.Path))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) == unreadable {
			d.Reject(i, os.ErrInvalid)
			continue
		}
		d.Read(i, digest.Of(data))
	}
}

// paths names the samples of a split.
func paths(d *Dataset, split Split) []string {
	var list []string
	for _, s := range d.Samples {
		if s.Split == split {
			list = append(list, s.Path)
		}
	}
	return list
}

// reasons maps the paths that were skipped to why.
func reasons(d *Dataset) map[string]string {
	m := map[string]string{}
	for _, s := range d.Skipped {
		m[s.Path] = s.Reason
	}
	return m
}

// all returns the paths of all samples.
func all(d *Dataset) []string {
	var list []string
	for _, s := range d.Samples {
		list = append(list, s.Path)
	}
	return list
}

func wantStrings(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
