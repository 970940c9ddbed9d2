package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

var (
	baseBytes = bytes.Repeat([]byte("base "), 300)
	headBytes = bytes.Repeat([]byte("head "), 200)
)

func open(t testing.TB) *models.Store {
	t.Helper()
	s, err := models.Open(t.TempDir())
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// generation stores a generation that has files beyond those that all have.
func generation(t testing.TB, s *models.Store) models.Generation {
	t.Helper()
	m := models.Manifest{
		Edge: "test", Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		Base:          models.Base{Name: "test", Digest: digest.Of(baseBytes), Bytes: int64(len(baseBytes))},
		Preprocessing: pixel.Preprocessing{Width: 8, Height: 8, Colour: "rgb", Scale: 1, Resize: "bilinear"},
		Features:      16, Labels: []string{"off", "on"},
		Recipe: []byte(`{"parent_base":"sha256:1"}`), Measures: []byte(`{"accuracy":0.5}`), Reason: "made",
	}
	must(t, s.PutBlob(t.Context(), bytes.NewReader(baseBytes), m.Base.Digest, m.Base.Bytes))
	d, err := s.Begin("lamps")
	must(t, err)
	must(t, d.WriteFile(models.HeadName, headBytes))
	must(t, d.WriteFile("samples.csv", nil))
	must(t, d.WriteFile("report.html", bytes.Repeat([]byte("x"), 512)))
	g, err := d.Commit(t.Context(), m)
	must(t, err)
	return g
}

// packed is the bundle of generation.
func packed(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, Write(t.Context(), &b, generation(t, open(t))))
	return b.Bytes()
}

// TestWriteGivesTheSameBytes also holds the format: another digest would mean
// that bundles of older programs are refused.
func TestWriteGivesTheSameBytes(t *testing.T) {
	data := packed(t)
	if again := packed(t); !bytes.Equal(data, again) {
		t.Error("the same generation of two stores gave two bundles")
	}
	const want = "3b674b78191ccc76bc3e120769665cc0ab48c31377f847d33ebe461c35b780c5"
	if got := digest.Of(data).Hex(); got != want {
		t.Errorf("the bundle has digest %s, want %s", got, want)
	}
	var names []string
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		names = append(names, h.Name)
		if h.Mode != 0o444 || !h.ModTime.Equal(time.Unix(0, 0)) || h.Uid != 0 || h.Uname != "" || h.Typeflag != tar.TypeReg {
			t.Errorf("%+v", h)
		}
	}
	wanted := []string{"manifest.json", "head.tflite", "labels.txt", "report.html", "samples.csv", "blobs/sha256/" + digest.Of(baseBytes).Hex()}
	if !slices.Equal(names, wanted) {
		t.Errorf("entries %v, want %v", names, wanted)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	b, err := Read(t.Context(), bytes.NewReader(packed(t)), dir, Limits{})
	must(t, err)
	for path, want := range map[string][]byte{b.BasePath(): baseBytes, b.Path(models.HeadName): headBytes, b.Path("samples.csv"): nil} {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s holds %d bytes, %v", path, len(got), err)
		}
	}
	if b.Generation != 1 || b.Task != "lamps" || string(b.Recipe) != `{"parent_base":"sha256:1"}` {
		t.Errorf("manifest %+v", b.Manifest)
	}
	must(t, b.Close())
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestImport(t *testing.T) {
	s := open(t)
	data := packed(t)
	for n, task := range []string{"", "", "valves"} {
		b, err := Read(t.Context(), bytes.NewReader(data), t.TempDir(), Limits{})
		must(t, err)
		defer b.Close()
		g, err := b.Import(t.Context(), s, task, "unpacked")
		must(t, err)
		must(t, g.Verify(t.Context()))
		want, number := "lamps", n+1
		if task != "" {
			want, number = task, 1
		}
		if g.Task != want || g.Generation != number || g.Reason != "unpacked" || g.Parent != 0 || !g.Created.Equal(b.Created) {
			t.Errorf("imported as %+v", g.Manifest)
		}
		if !slices.Equal(g.Files, b.Files) || g.Base != b.Base || !slices.Equal(g.Labels, b.Labels) || string(g.Measures) != string(b.Measures) {
			t.Errorf("it has %+v, the bundle %+v", g.Manifest, b.Manifest)
		}
		if _, err := s.Current(want); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("it is in use: %v", err)
		}
	}
}

// TestImportLooksAgain changes a file between reading and importing.
func TestImportLooksAgain(t *testing.T) {
	for _, change := range []func(*Bundle) string{func(b *Bundle) string { return b.Path(models.HeadName) }, (*Bundle).BasePath} {
		s := open(t)
		b, err := Read(t.Context(), bytes.NewReader(packed(t)), t.TempDir(), Limits{})
		must(t, err)
		defer b.Close()
		data, err := os.ReadFile(change(b))
		must(t, err)
		data[7]++
		must(t, os.WriteFile(change(b), data, 0o600))
		if _, err := b.Import(t.Context(), s, "", ""); !errors.Is(err, models.ErrDamaged) {
			t.Errorf("imported: %v", err)
		}
		if g, err := s.Generations("lamps"); len(g) > 0 || err != nil {
			t.Errorf("the store has %v, %v", g, err)
		}
	}
}

func TestWriteRefusesDamage(t *testing.T) {
	for name, change := range map[string]func(g models.Generation) (string, []byte){
		"head":    func(g models.Generation) (string, []byte) { return g.HeadPath(), bytes.ToUpper(headBytes) },
		"shorter": func(g models.Generation) (string, []byte) { return g.HeadPath(), headBytes[1:] },
		"longer": func(g models.Generation) (string, []byte) {
			return g.HeadPath(), append(headBytes[:len(headBytes):len(headBytes)], 0)
		},
		"base": func(g models.Generation) (string, []byte) { return g.BasePath(), bytes.ToUpper(baseBytes) },
	} {
		g := generation(t, open(t))
		path, data := change(g)
		must(t, os.Remove(path))
		must(t, os.WriteFile(path, data, 0o600))
		if err := Write(t.Context(), io.Discard, g); !errors.Is(err, models.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadRefuses changes a bundle in every way that an attacker may think of.
func TestReadRefuses(t *testing.T) {
	good := packed(t)
	last := bytes.LastIndex(good, []byte("blobs/sha256/")) // the base's header
	head := bytes.Index(good, []byte("head.tflite\x00"))
	repacked := func(change func(*tar.Header)) []byte { return repack(t, good, change, nil) }
	before := func(at int, h tar.Header, content string) []byte {
		extra := entry(t, h, content)
		return slices.Concat(good[:at], extra, good[at:])
	}
	edit := func(old, replacement string) []byte { // of one length, somewhere
		if len(old) != len(replacement) || !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%q for %q", replacement, old)
		}
		return bytes.Replace(good, []byte(old), []byte(replacement), 1)
	}
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrNotBundle},
		{"text", []byte(strings.Repeat("no tar at all ", 100)), ErrNotBundle},
		{"zeros", make([]byte, 4096), ErrNotBundle},
		{"no manifest first", good[head:], ErrNotBundle},
		{"head changed", edit("head head", "head haed"), models.ErrDamaged},
		{"base changed", edit("base base", "base bsae"), models.ErrDamaged},
		{"manifest changed", edit(`"edge": "test"`, `"edge": 'test'`), models.ErrDamaged},
		{"labels of another task", edit(`"off","on"`, `"of","onn"`), ErrForm},
		{"newer", edit(`"format": 1`, `"format": 2`), models.ErrNewer},
		{"bytes behind the end", append(slices.Clone(good), 0), ErrForm},
		{"a second bundle behind", append(slices.Clone(good), good...), ErrForm},
		{"padding", func() []byte { d := slices.Clone(good); d[last-1] = 1; return d }(), ErrForm},
		{"trailer", func() []byte { d := slices.Clone(good); d[len(d)-1] = 1; return d }(), ErrForm},
		{"entry twice", slices.Concat(good[:last], good[head:]), ErrForm},
		{"foreign entry", before(last, tar.Header{Name: "extra", Mode: 0o444}, "x"), ErrForm},
		{"foreign entry at the end", before(len(good)-1024, tar.Header{Name: "extra", Mode: 0o444}, "x"), ErrForm},
		{"way out", before(last, tar.Header{Name: "../../etc/passwd", Mode: 0o444}, "x"), ErrForm},
		{"absolute", before(last, tar.Header{Name: "/etc/passwd", Mode: 0o444}, "x"), ErrForm},
		{"link", before(last, tar.Header{Name: "head", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}, ""), ErrForm},
		{"folder", before(last, tar.Header{Name: "blobs/", Typeflag: tar.TypeDir}, ""), ErrForm},
		{"long name", before(last, tar.Header{Name: strings.Repeat("a", 200)}, "x"), ErrForm},
		{"head as a link", repacked(func(h *tar.Header) {
			if h.Name == models.HeadName {
				h.Typeflag, h.Linkname = tar.TypeLink, "/etc/passwd"
			}
		}), ErrForm},
		{"other names", repacked(func(h *tar.Header) { h.Name = strings.Replace(h.Name, "head", "./head", 1) }), ErrForm},
		{"times", repacked(func(h *tar.Header) { h.ModTime = time.Unix(1, 0) }), ErrForm},
		{"modes", repacked(func(h *tar.Header) { h.Mode = 0o4755 }), ErrForm},
		{"owner", repacked(func(h *tar.Header) { h.Uid = 1000 }), ErrForm},
		{"other format", repacked(func(h *tar.Header) { h.Format = tar.FormatGNU }), ErrForm},
		{"order", repack(t, good, func(*tar.Header) {}, func(e [][]byte) { e[1], e[2] = e[2], e[1] }), ErrForm},
	} {
		dir := t.TempDir()
		_, err := Read(t.Context(), bytes.NewReader(c.data), dir, Limits{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if hint.Of(err) == "" {
			t.Errorf("%s: %v tells no next step", c.name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s left %v", c.name, left)
		}
		if _, again := Verify(t.Context(), bytes.NewReader(c.data), Limits{}); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: Verify says %v, Read %v", c.name, again, err)
		}
	}
}

// entry is a tar entry of its own.
func entry(t *testing.T, h tar.Header, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h.Size = int64(len(content))
	must(t, w.WriteHeader(&h))
	_, err := w.Write([]byte(content))
	must(t, err)
	must(t, w.Flush())
	return b.Bytes()
}

// repack writes the entries of a bundle with other headers, in another order.
func repack(t *testing.T, data []byte, change func(*tar.Header), order func([][]byte)) []byte {
	t.Helper()
	var entries [][]byte
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		change(h)
		if h.Typeflag == tar.TypeLink {
			content = nil
		}
		entries = append(entries, entry(t, *h, string(content)))
	}
	if order != nil {
		order(entries)
	}
	return append(slices.Concat(entries...), trailer[:]...)
}

// TestReadCutOff cuts a bundle after each byte.
func TestReadCutOff(t *testing.T) {
	data := packed(t)
	for n := range data {
		_, err := Verify(t.Context(), bytes.NewReader(data[:n]), Limits{})
		if !errors.Is(err, models.ErrDamaged) && !errors.Is(err, ErrNotBundle) {
			t.Fatalf("after %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := Verify(t.Context(), bytes.NewReader(data), Limits{}); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	data := packed(t)
	base, head := int64(len(baseBytes)), int64(len(headBytes))
	total := base + head + 512 + int64(len("off\non\n"))
	for _, c := range []struct {
		l  Limits
		ok bool
	}{
		{Limits{Base: base, File: head, Total: total}, true},
		{Limits{Base: base - 1}, false},
		{Limits{File: head - 1}, false},
		{Limits{Total: total - 1}, false},
	} {
		// What follows the manifest must not even be asked for.
		cut := data
		if !c.ok {
			cut, _, _ = bytes.Cut(data, []byte("head.tflite\x00"))
		}
		_, err := Verify(t.Context(), bytes.NewReader(cut), c.l)
		if c.ok && err != nil || !c.ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%+v: %v", c.l, err)
		}
	}
	huge, err := header(models.ManifestName, maxManifest+1)
	must(t, err)
	if _, err := Verify(t.Context(), bytes.NewReader(huge), Limits{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a huge manifest: %v", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := fmt.Errorf("enough")
	cancel(cause)
	dir := t.TempDir()
	if _, err := Read(ctx, bytes.NewReader(packed(t)), dir, Limits{}); !errors.Is(err, cause) {
		t.Errorf("read: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := Write(ctx, io.Discard, generation(t, open(t))); !errors.Is(err, cause) {
		t.Errorf("write: %v", err)
	}
}

// TestReadFromSlowSource hands out a byte at a time.
func TestReadFromSlowSource(t *testing.T) {
	if _, err := Verify(t.Context(), &dripping{packed(t)}, Limits{}); err != nil {
		t.Error(err)
	}
}

type dripping struct{ data []byte }

func (d *dripping) Read(p []byte) (int, error) {
	if len(d.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1], d.data)
	d.data = d.data[n:]
	return n, nil
}
