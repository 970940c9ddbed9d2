package foreign

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// A manifest as Teachable Machine writes it.
var imageManifest = part{"manifest.json", `{"type":"image","version":"2.4.10","appdata":{"publishResults":{},"trainEpochs":50,"trainBatchSize":16,"trainLearningRate":0.001}}`}

// files are the files below dir, with their contents.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		data, err := os.ReadFile(path)
		found[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func unpacked(t *testing.T, data []byte) (*Project, Unpacked, map[string]string) {
	t.Helper()
	path := written(t, "project.tm", data)
	if kind, err := Detect(path); err != nil || kind != KindProject {
		t.Fatalf("%v, %v", kind, err)
	}
	p, err := OpenProject(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	parent := t.TempDir()
	dir := filepath.Join(parent, "photos")
	u, err := p.Unpack(t.Context(), dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 1 {
		t.Errorf("beside the folder: %v", left)
	}
	return p, u, files(t, dir)
}

func TestUnpackProject(t *testing.T) {
	p, u, got := unpacked(t, zipped(t, imageManifest, part{"Class 1-!-0.jpg", "a"}, part{"Class 1-!-1.jpg", "b"}, part{"on/off-!-0.jpg", "c"}))
	want := map[string]string{"Class 1/0.jpg": "a", "Class 1/1.jpg": "b", "on_off/0.jpg": "c"}
	for path, content := range want {
		if got[path] != content {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if len(got) != len(want) || u.Pictures != 3 || len(u.Skipped) > 0 || p.Version != "2.4.10" {
		t.Errorf("%v, %+v, version %q", got, u, p.Version)
	}
	if !slices.Equal(p.Classes, []ProjectClass{{"Class 1", "Class 1", 2}, {"on/off", "on_off", 1}}) {
		t.Errorf("classes %+v", p.Classes)
	}
}

// TestUnpackNames: no name of a class or a picture leads out of its folder, hides
// it, or takes the place of another's.
func TestUnpackNames(t *testing.T) {
	_, u, got := unpacked(t, zipped(t, imageManifest,
		part{"../../evil-!-0.jpg", "1"}, part{"/etc/passwd-!-0.jpg", "2"}, part{"-!-0.jpg", "3"}, part{"a\nb-!-0.jpg", "4"},
		part{"a_b-!-0.jpg", "5"}, part{"x-!-y-!-0.jpg", "6"}, part{"x-!-0.jpg", "7"}, part{"x-!-0.jpg", "8"},
		part{"x-!-../../0.jpg", "9"}, part{"x-!-", "10"}, part{strings.Repeat("ä", 300) + "-!-0.jpg", "11"},
		part{" spaced -!-0.jpg", "12"}, part{"a\\b-!-0.jpg", "13"},
	))
	want := map[string]string{
		"_._.._evil/0.jpg": "1", "class/0.jpg": "3", "a_b/0.jpg": "4", "a_b_2/0.jpg": "5", "x-!-y/0.jpg": "6", "x/0.jpg": "7", "x/0_2.jpg": "8", "x/picture": "9", "x/picture_2": "10",
		"_etc_passwd/0.jpg": "2", strings.Repeat("ä", 100) + "/0.jpg": "11", "spaced/0.jpg": "12", "a_b_3/0.jpg": "13",
	}
	for path, content := range want {
		if got[path] != content {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if len(got) != len(want) || u.Pictures != len(want) {
		t.Errorf("%d files: %q", len(got), got)
	}
}

func TestUnpackForms(t *testing.T) {
	// Without a manifest, and inside of a folder with what macOS adds.
	for name, parts := range map[string][]part{
		"no manifest":        {{"a-!-0.jpg", "1"}},
		"zipped by a person": {{"p/", ""}, {"p/manifest.json", imageManifest.content}, {"p/a-!-0.jpg", "1"}, {"__MACOSX/p/._a-!-0.jpg", "x"}, {"p/.DS_Store", "x"}},
	} {
		if _, _, got := unpacked(t, zipped(t, parts...)); len(got) != 1 || got["a/0.jpg"] != "1" {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Unpacked into a folder by hand.
	dir := t.TempDir()
	for _, p := range []part{imageManifest, {"a-!-0.jpg", "1"}} {
		if err := os.WriteFile(filepath.Join(dir, p.name), []byte(p.content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if kind, err := Detect(dir); err != nil || kind != KindProject {
		t.Fatalf("%v, %v", kind, err)
	}
	p, err := OpenProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	to := t.TempDir() // empty, so it may be filled
	if u, err := p.Unpack(t.Context(), to, Limits{}); err != nil || u.Pictures != 1 || files(t, to)["a/0.jpg"] != "1" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := p.Unpack(t.Context(), to, Limits{}); err == nil || hint.Of(err) == "" {
		t.Errorf("into a folder with something in it: %v", err)
	}
}

func TestOpenProjectRefuses(t *testing.T) {
	for name, parts := range map[string][]part{
		"sounds":      {{"manifest.json", `{"type":"audio","version":"2.4.4"}`}, {"a-!-0.webm", "1"}},
		"poses":       {{"manifest.json", `{"type":"pose"}`}, {"a-!-0.jpg", "1"}},
		"no pictures": {imageManifest, {"notes.txt", "x"}},
	} {
		path := written(t, "p.tm", zipped(t, parts...))
		if kind, err := Detect(path); err != nil || kind != KindProject {
			t.Errorf("%s: %v, %v", name, kind, err)
		}
		if _, err := OpenProject(path); !errors.Is(err, ErrUnknown) || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenProject(written(t, "p.tm", zipped(t, part{"manifest.json", "{"}, part{"a-!-0.jpg", "1"}))); err == nil {
		t.Error("a broken manifest is accepted")
	}
}

// TestUnpackDamage: a damaged picture is skipped by name; nothing is left of a
// project without any other, of one that is too large, or after an interruption.
func TestUnpackDamage(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{"a-!-0.jpg": "good", "a-!-1.jpg": "damaged"} {
		h := &zip.FileHeader{Name: name, Method: zip.Store, UncompressedSize64: uint64(len(content)), CompressedSize64: uint64(len(content)), CRC32: crc32.ChecksumIEEE([]byte("good"))}
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, u, got := unpacked(t, b.Bytes())
	if len(got) != 1 || got["a/0.jpg"] != "good" || u.Pictures != 1 || len(u.Skipped) != 1 || u.Skipped[0].Name != "a-!-1.jpg" || !strings.Contains(u.Skipped[0].Reason, "checksum") {
		t.Errorf("%q, %+v", got, u)
	}

	p, err := OpenProject(written(t, "p.tm", zipped(t, part{"a-!-0.jpg", strings.Repeat("x", 100)}, part{"a-!-1.jpg", strings.Repeat("x", 100)})))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		l    Limits
		want error
	}{
		"a picture":   {t.Context(), Limits{Picture: 99}, ErrTooLarge},
		"all":         {t.Context(), Limits{Total: 150}, ErrTooLarge},
		"interrupted": {cancelled, Limits{}, context.Canceled},
	} {
		dir := t.TempDir()
		if _, err := p.Unpack(test.ctx, filepath.Join(dir, "out"), test.l); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	if u, err := p.Unpack(t.Context(), filepath.Join(t.TempDir(), "new", "out"), Limits{Picture: 100, Total: 200}); err != nil || u.Pictures != 2 {
		t.Errorf("at the limits: %+v, %v", u, err)
	}
}

// FuzzProject: whatever the bytes, nothing is written outside of the folder, and
// what is written is as much as is said.
func FuzzProject(f *testing.F) {
	f.Add(zipped(f, imageManifest, part{"a-!-0.jpg", "1"}, part{"../b-!-1.jpg", "2"}))
	f.Add(zipped(f, part{"x/a-!-0", "1"}, part{"x/manifest.json", "{}"}))
	f.Add(zipped(f, part{"/-!-/", ""}, part{"-!-", "x"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := written(t, "p.tm", data)
		if _, err := Detect(path); err != nil {
			return
		}
		if _, err := ReadClassifier(t.Context(), path); err == nil {
			return
		}
		p, err := OpenProject(path)
		if err != nil {
			return
		}
		defer p.Close()
		parent := t.TempDir()
		u, err := p.Unpack(t.Context(), filepath.Join(parent, "out"), Limits{Picture: 1 << 16, Total: 1 << 20})
		left, _ := os.ReadDir(parent)
		if err != nil && len(left) > 0 || err == nil && (len(left) != 1 || left[0].Name() != "out") {
			t.Fatalf("%v: left %v", err, left)
		}
		if err == nil && len(files(t, parent)) != u.Pictures {
			t.Fatalf("%d files, %+v", len(files(t, parent)), u)
		}
	})
}
