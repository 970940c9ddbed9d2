package catalogue

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/update"
)

// bench is a library, a server, and what it was asked for.
type bench struct {
	*testing.T
	puller Puller
	entry  Entry
	model  []byte
	url    string

	mu    sync.Mutex
	asked []string // paths, with the range that was asked for
	serve func(w http.ResponseWriter, r *http.Request)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	model, err := os.ReadFile(filepath.Join("..", "..", "..", "tflite", "file", "testdata", "pooled.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, model: model}
	b.serve = func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.model))
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked = append(b.asked, r.URL.RequestURI()+" "+r.Header.Get("Range"))
		serve := b.serve
		b.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	library, err := base.OpenLibrary(filepath.Join(t.TempDir(), "bases"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.puller = Puller{
		Library: library, Dir: filepath.Join(t.TempDir(), "downloads"),
		Retry: update.Retry{Tries: 1, Pause: time.Millisecond}, Patience: update.Patience{Stall: 20 * time.Second},
	}
	b.entry = Entry{
		Name: "small", File: "small.tflite", URLs: []string{s.URL + "/m/small.tflite?generation=7"}, Bytes: int64(len(model)),
		SHA256: digest.Of(model).Hex(), Licence: "MIT", Input: 16,
	}
	return b
}

// left are the files in the folder of downloads.
func (b *bench) left() []string {
	b.Helper()
	var left []string
	err := filepath.WalkDir(b.puller.Dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			left = append(left, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return left
}

// empty checks that nothing came into the library.
func (b *bench) empty() {
	b.Helper()
	if list, err := b.puller.Library.List(); err != nil || len(list) != 0 {
		b.Errorf("the library holds %+v, %v", list, err)
	}
}

func (b *bench) pull(o Options) base.Entry {
	b.Helper()
	e, err := b.puller.Pull(b.Context(), b.entry, o)
	if err != nil {
		b.Fatalf("%v (%s)", err, hint.Of(err))
	}
	return e
}

func TestPull(t *testing.T) {
	b := newBench(t)
	var last, total int64
	b.puller.Progress = func(done, of int64) { last, total = done, of }
	e := b.pull(Options{})
	if e.Name != "small" || e.Origin.Digest != b.entry.Digest() || e.Origin.File != "small.tflite" || e.Origin.URL != b.entry.URLs[0] || e.Origin.Licence != "MIT" {
		t.Errorf("%+v", e)
	}
	if last != b.entry.Bytes || total != last {
		t.Errorf("progress ends at %d of %d", last, total)
	}
	if left := b.left(); len(left) != 0 {
		t.Errorf("downloads are left: %q", left)
	}
	if _, err := b.puller.Library.Verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
	// The same again costs no download.
	if again := b.pull(Options{}); again.Digest != e.Digest || len(b.asked) != 1 || b.asked[0] != "/m/small.tflite?generation=7 " {
		t.Errorf("%+v, asked %q", again, b.asked)
	}
	// Nor does another one of that name, which is refused.
	other := b.entry
	other.SHA256 = strings.Repeat("0", 64)
	if _, err := b.puller.Pull(t.Context(), other, Options{}); !errors.Is(err, base.ErrTaken) || hint.Of(err) == "" || len(b.asked) != 1 {
		t.Errorf("taken: %v, asked %q", err, b.asked)
	}
	if e := b.pull(Options{Name: "second"}); e.Name != "second" || len(b.asked) != 2 {
		t.Errorf("%+v, asked %q", e, b.asked)
	}
	if e := b.pull(Options{Name: "second", Input: 32, Replace: true}); e.Preprocessing.Width != 32 || len(b.asked) != 3 {
		t.Errorf("%+v, asked %q", e, b.asked)
	}
}

// A base in the library that is damaged is not taken for the one that is wanted.
func TestPullRepairs(t *testing.T) {
	b := newBench(t)
	e := b.pull(Options{})
	if err := errors.Join(os.Chmod(e.Path, 0o600), os.WriteFile(e.Path, []byte("TFL3"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.puller.Pull(t.Context(), b.entry, Options{}); !errors.Is(err, base.ErrDamaged) || !strings.Contains(hint.Of(err), "--force") {
		t.Errorf("damaged: %v, hint %q", err, hint.Of(err))
	}
	b.pull(Options{Replace: true})
	if _, err := b.puller.Library.Verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
}

func TestPullGoesOn(t *testing.T) {
	b := newBench(t)
	whole := b.serve
	b.serve = func(w http.ResponseWriter, _ *http.Request) {
		w.Write(b.model[:3000])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	if _, err := b.puller.Pull(t.Context(), b.entry, Options{}); !errors.Is(err, update.ErrNetwork) || !strings.Contains(hint.Of(err), "goes on") {
		t.Fatalf("cut off: %v, hint %q", err, hint.Of(err))
	}
	b.empty()
	if left := strings.Join(b.left(), " "); !strings.Contains(left, ".part") {
		t.Errorf("of the download is left %q", left)
	}
	b.serve = whole
	b.pull(Options{})
	if want := "/m/small.tflite?generation=7 bytes=3000-"; len(b.asked) != 2 || b.asked[1] != want {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	if left := b.left(); len(left) != 0 {
		t.Errorf("downloads are left: %q", left)
	}
}

func TestPullInterrupted(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.serve = func(w http.ResponseWriter, r *http.Request) {
		w.Write(b.model[:3000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	b.puller.Progress = func(done, _ int64) {
		if done >= 3000 {
			cancel()
		}
	}
	if _, err := b.puller.Pull(ctx, b.entry, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.empty()
	if left := strings.Join(b.left(), " "); !strings.Contains(left, ".part") {
		t.Errorf("of the download is left %q", left)
	}
}

// Nothing is kept of what is not the file, or is no base.
func TestPullRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *bench)
		want   error
		text   string
	}{
		"other bytes": {func(b *bench) { b.model = bytes.Repeat([]byte("x"), len(b.model)) }, update.ErrDamaged, "not the file that is wanted"},
		"one bit":     {func(b *bench) { b.model[len(b.model)/2] ^= 1 }, update.ErrDamaged, "its digest is"},
		"shorter":     {func(b *bench) { b.model = b.model[:len(b.model)-1] }, update.ErrDamaged, "want"},
		"longer":      {func(b *bench) { b.model = append(b.model, 0) }, update.ErrTooLong, "want"},
		"endless": {func(b *bench) {
			b.serve = func(w http.ResponseWriter, _ *http.Request) {
				for {
					if _, err := w.Write(make([]byte, 4096)); err != nil {
						return
					}
				}
			}
		}, update.ErrDamaged, "its digest is"},
		"not there": {func(b *bench) { b.serve = http.NotFound }, update.ErrNotThere, "404"},
		"a redirect to a folder": {func(b *bench) {
			b.serve = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "file:///etc/passwd")
				w.WriteHeader(http.StatusFound)
			}
		}, update.ErrRedirect, ""},
		"no base": {func(b *bench) {
			b.model = []byte("these are notes, of which somebody noted the digest")
			b.entry.SHA256, b.entry.Bytes = digest.Of(b.model).Hex(), int64(len(b.model))
		}, nil, "not a TensorFlow Lite model"},
		"another size":     {func(b *bench) { b.entry.Input = 128 }, nil, "the catalogue says 128"},
		"no address":       {func(b *bench) { b.entry.URLs = nil }, nil, "no address"},
		"no such mirror":   {func(b *bench) { b.puller.Mirror = filepath.Join(b.TempDir(), "none") }, fs.ErrNotExist, "is no folder"},
		"an empty mirror":  {func(b *bench) { b.puller.Mirror = b.TempDir() }, update.ErrNotThere, "small.tflite"},
		"an unsound entry": {func(b *bench) { b.entry.File = "../../small.tflite" }, nil, "without folders"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.change(b)
			_, err := b.puller.Pull(t.Context(), b.entry, Options{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %v and %q", err, c.want, c.text)
			}
			b.empty()
			if left := b.left(); len(left) != 0 && !onlyEmptyParts(b) {
				t.Errorf("it leaves %q", left)
			}
		})
	}
}

// onlyEmptyParts reports whether what is left of downloads holds nothing.
func onlyEmptyParts(b *bench) bool {
	parts, err := filepath.Glob(filepath.Join(b.puller.Dir, "parts", "*.part"))
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range parts {
		if info, err := os.Stat(p); err != nil || info.Size() != 0 {
			return false
		}
	}
	files, err := os.ReadDir(filepath.Join(b.puller.Dir, "files"))
	return err == nil && len(files) == 0
}

func TestPullTakesTheNextAddress(t *testing.T) {
	b := newBench(t)
	whole := b.serve
	b.serve = func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/other":
			w.Write(bytes.Repeat([]byte("y"), len(b.model)))
		default:
			whole(w, r)
		}
	}
	b.entry.URLs = []string{b.url + "/gone", b.url + "/other", b.url + "/good"}
	b.pull(Options{})
	if len(b.asked) != 3 {
		t.Errorf("asked %q", b.asked)
	}
}

func TestPullFromMirrors(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "small.tflite"), b.model, 0o600); err != nil {
		t.Fatal(err)
	}
	b.puller.Mirror = dir
	if e := b.pull(Options{}); e.Origin.Digest != b.entry.Digest() || len(b.asked) != 0 {
		t.Errorf("%+v, asked %q", e, b.asked)
	}
	b.puller.Mirror = b.url + "/mirror/"
	b.pull(Options{Name: "second"})
	if len(b.asked) != 1 || b.asked[0] != "/mirror/small.tflite " {
		t.Errorf("asked %q", b.asked)
	}
	// A link out of a mirror's folder is not followed.
	out := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "small.tflite"), filepath.Join(out, "small.tflite")); err != nil {
		t.Fatal(err)
	}
	b.puller.Mirror = out
	if _, err := b.puller.Pull(t.Context(), b.entry, Options{Name: "third"}); err == nil {
		t.Error("a link leads out of the mirror")
	}
}

// Our own entries become bases, of the size that they say.
func TestPullEmbedded(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Bases {
		t.Run(e.Name, func(t *testing.T) {
			b := newBench(t)
			b.puller.Mirror = filepath.Dir(shareddata.Path(t, "weights/"+e.File))
			b.entry = e
			if got := b.pull(Options{}); got.Preprocessing.Width != e.Input || got.Features < 256 {
				t.Errorf("%+v", got)
			}
		})
	}
}
