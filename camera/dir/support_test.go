package dir_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/dir"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/camera/pixel"
)

// album holds photos that were made, because making them takes the tests' time.
var album struct {
	sync.Mutex
	source camera.Source
	photos [][]byte
}

// photo returns a JPEG that shows a number, from 1.
func photo(t testing.TB, number int) []byte {
	t.Helper()
	album.Lock()
	defer album.Unlock()
	if album.source == nil {
		source, err := pattern.Open(t.Context(), pattern.Options{Pattern: pattern.Colours, Width: 160, Height: 120})
		if err != nil {
			t.Fatal(err)
		}
		album.source = source
	}
	for len(album.photos) < number {
		var f camera.Frame
		if err := album.source.Read(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		img := image.NewRGBA(image.Rect(0, 0, f.Image.Width, f.Image.Height))
		for i := range f.Image.Width * f.Image.Height {
			p := f.Image.Pix[3*i:]
			img.SetRGBA(i%f.Image.Width, i/f.Image.Width, color.RGBA{p[0], p[1], p[2], 255})
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
			t.Fatal(err)
		}
		album.photos = append(album.photos, b.Bytes())
	}
	return album.photos[number-1]
}

// shows returns the number that a picture shows.
func shows(t testing.TB, img *pixel.RGB) int {
	t.Helper()
	n, ok := pattern.Number(img)
	if !ok {
		t.Error("a picture shows no number")
	}
	return int(n)
}

// write puts a file there in one piece, with the folders it lies in.
func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// bring renames a file into place.
func bring(t testing.TB, path string, data []byte) {
	t.Helper()
	temporary := filepath.Join(filepath.Dir(path), ".upload.tmp")
	write(t, temporary, data)
	if err := os.Rename(temporary, path); err != nil {
		t.Fatal(err)
	}
}

// quick are options that wait no longer than tests should.
func quick(path string) dir.Options {
	return dir.Options{Path: path, Settle: 100 * time.Millisecond, Patience: 300 * time.Millisecond, Poll: 200 * time.Millisecond}
}

// watch is an open folder.
type watch struct {
	testing.TB
	camera.Source
	frame camera.Frame
}

func open(t testing.TB, o dir.Options) *watch {
	t.Helper()
	return opened(t, o, dir.Open)
}

func opened(t testing.TB, o dir.Options, fn func(context.Context, dir.Options) (camera.Source, error)) *watch {
	t.Helper()
	source, err := fn(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	return &watch{TB: t, Source: source}
}

const patience = 20 * time.Second

// next returns the name of the next picture, or "skipped: …", which must come.
func (w *watch) next() string {
	w.Helper()
	name, err := w.try(patience)
	if err != nil {
		w.Fatalf("no picture comes: %v", err)
	}
	return name
}

// try waits for so long for a picture.
func (w *watch) try(wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(w.Context(), wait)
	defer cancel()
	err := w.Read(ctx, &w.frame)
	var skipped *camera.Skipped
	switch {
	case errors.As(err, &skipped):
		return "skipped: " + skipped.Name, nil
	case err != nil:
		return "", err
	}
	return w.frame.Name, nil
}

// want checks what comes next, in order.
func (w *watch) want(names ...string) {
	w.Helper()
	for _, name := range names {
		if got := w.next(); got != name {
			w.Errorf("%q comes, want %q", got, name)
		}
	}
}

// nothing checks that nothing comes for a while.
func (w *watch) nothing(wait time.Duration) {
	w.Helper()
	if got, err := w.try(wait); !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("%q comes (%v), want nothing", got, err)
	}
}

// files lists what lies in a folder, hidden files too.
func files(t testing.TB, path string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(path, p)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantFiles(t testing.TB, path string, names ...string) {
	t.Helper()
	slices.Sort(names)
	if got := files(t, path); !slices.Equal(got, names) {
		t.Errorf("in %s lie %q, want %q", path, got, names)
	}
}
