package update

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestDownload(t *testing.T) {
	mirror, content := t.TempDir(), bytes.Repeat([]byte("a file "), 30_000)
	must(t, os.WriteFile(filepath.Join(mirror, "a.bin"), content, 0o600))
	d := Download{
		Dir: filepath.Join(t.TempDir(), "downloads"), Name: "a.bin", Digest: digest.Of(content), Bytes: int64(len(content)),
		From: []Source{FileIn(t.TempDir()), FileIn(mirror)}, // the first has it not
	}
	var last int64
	path, err := d.Fetch(t.Context(), func(done, _ int64) { last = done })
	must(t, err)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) || last != d.Bytes {
		t.Errorf("%d bytes, %v; progress ends at %d", len(got), err, last)
	}
	// What is whole needs no place any more.
	d.From = []Source{FileIn(t.TempDir())}
	if again, err := d.Fetch(t.Context(), nil); err != nil || again != path {
		t.Errorf("%q, %v", again, err)
	}
	must(t, d.Remove())
	must(t, d.Remove())
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := d.Fetch(t.Context(), nil); !errors.Is(err, ErrNotThere) || hint.Of(err) == "" {
		t.Errorf("nowhere: %v", err)
	}
}

func TestDownloadRefuses(t *testing.T) {
	sound := Download{Dir: t.TempDir(), Name: "a.bin", Digest: digest.Of([]byte("a")), Bytes: 1, From: []Source{FileIn(t.TempDir())}}
	for name, change := range map[string]func(*Download){
		"no folder":  func(d *Download) { d.Dir = "" },
		"no place":   func(d *Download) { d.From = nil },
		"no length":  func(d *Download) { d.Bytes = 0 },
		"no digest":  func(d *Download) { d.Digest = "sha256:../../x" },
		"a path":     func(d *Download) { d.Name = "../a.bin" },
		"a folder":   func(d *Download) { d.Name = "." },
		"no name":    func(d *Download) { d.Name = "" },
		"a root":     func(d *Download) { d.Name = "/a.bin" },
		"in folders": func(d *Download) { d.Name = "b/a.bin" },
	} {
		d := sound
		change(&d)
		if _, err := d.Fetch(t.Context(), nil); err == nil || errors.Is(err, ErrNotThere) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, address := range []string{"", "a.bin", "file:///a.bin", "ftp://x/a.bin", "https://", "https://user:secret@x/a.bin", "https://x/a.bin#b", "https://x/%zz"} {
		if s, err := FileAt(HTTPConfig{URL: address}); err == nil || s != nil || bytes.Contains([]byte(err.Error()), []byte("secret")) {
			t.Errorf("%q: %v, %v", address, s, err)
		}
	}
}
