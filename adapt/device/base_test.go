package device_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/base"
)

func TestOpenBase(t *testing.T) {
	b := openEmbedded(t)
	e := b.Extractor()
	if e.Cache != nil || e.Features != b.Features() || e.Preprocessing != b.Source.Preprocessing {
		t.Errorf("%+v", e)
	}
	features := make([]float32, e.Features)
	if err := e.Base.Embed(features, make([]float32, e.Preprocessing.Len())); err != nil {
		t.Error(err)
	}
	if err := errors.Join(b.Close(), b.CloseCache()); err != nil {
		t.Error(err)
	}
	if err := b.Embed(features, make([]float32, e.Preprocessing.Len())); err == nil {
		t.Error("a closed base gives features")
	}
}

// TestCacheOutlivesBase finds the features of one base in the next, and not in
// one that looks at pictures differently.
func TestCacheOutlivesBase(t *testing.T) {
	cache := device.Cache{File: filepath.Join(t.TempDir(), "new", "features.db"), Limit: 1 << 20}
	source, e := embedded(t), newEngine(t)
	open := func(s base.Source) *device.Base {
		b, err := device.OpenBase(t.Context(), e, s, cache, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	picture := digest.Of([]byte("a picture"))
	features, got := make([]float32, source.Features), make([]float32, source.Features)
	for i := range features {
		features[i] = float32(i) / 8
	}
	b := open(source)
	view := b.Extractor().Cache
	if err := view.Put(picture, features); err != nil {
		t.Fatal(err)
	}
	if err := b.CloseCache(); err != nil {
		t.Fatal(err)
	}
	if b.Extractor().Cache != nil {
		t.Error("a cache after CloseCache")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b = open(source)
	if ok, err := b.Extractor().Cache.Get(picture, got); !ok || err != nil || got[9] != features[9] {
		t.Errorf("%t, %v: %v", ok, err, got[:10])
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	source.Preprocessing.Resize = pixel.BilinearAliased
	b = open(source)
	defer b.Close()
	if ok, err := b.Extractor().Cache.Get(picture, got); ok || err != nil {
		t.Errorf("another preprocessing has the same features: %v", err)
	}
}

// TestNoCache opens a base whose cache cannot be.
func TestNoCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "features.db")
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	var warnings []error
	for _, warn := range []func(error){nil, func(err error) { warnings = append(warnings, err) }} {
		b, err := device.OpenBase(t.Context(), newEngine(t), embedded(t), device.Cache{File: file}, warn)
		if err != nil {
			t.Fatal(err)
		}
		if b.Extractor().Cache != nil {
			t.Error("a cache in a folder")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(warnings) != 1 {
		t.Errorf("%v", warnings)
	}
}

// TestBadBases opens what is no base, or not the one that was prepared.
func TestBadBases(t *testing.T) {
	good := embedded(t)
	data, err := os.ReadFile(good.Path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(data []byte) base.Source {
		s := good
		s.Name, s.Path, s.Digest = "broken", filepath.Join(t.TempDir(), "broken.tflite"), digest.Of(data)
		if err := os.WriteFile(s.Path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return s
	}
	model := func(name string) base.Source {
		data, err := os.ReadFile(filepath.Join("..", "..", "tflite", "testdata", name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		return file(data)
	}
	differing := func(change func(*base.Source)) base.Source {
		s := good
		s.Name = "broken"
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		source base.Source
		want   string
	}{
		"truncated":      {file(data[:len(data)/2]), "broken.tflite"},
		"empty":          {file(nil), "broken.tflite"},
		"text":           {file([]byte("a base, really")), "broken.tflite"},
		"two inputs":     {model("two_inputs"), "2 inputs"},
		"five axes":      {model("rank5"), "shape"},
		"no fixed size":  {model("open_size"), "not fixed"},
		"not of images":  {model("vector"), "shape"},
		"another base":   {model("map"), "8x8"},
		"gone":           {differing(func(s *base.Source) { s.Path, s.Digest = filepath.Join(t.TempDir(), "gone.tflite"), digest.Of(nil) }), "gone.tflite"},
		"other features": {differing(func(s *base.Source) { s.Features++ }), "1280 features"},
		"other size":     {differing(func(s *base.Source) { s.Preprocessing.Width = 96 }), "96x128"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := device.OpenBase(t.Context(), newEngine(t), c.source, device.Cache{File: filepath.Join(t.TempDir(), "never.db")}, nil)
			if b != nil || !errors.As(err, &device.InputError{}) {
				t.Fatalf("base %v, error %v", b, err)
			}
			if text := err.Error(); !strings.HasPrefix(text, "base broken: ") || !strings.Contains(text, c.want) {
				t.Errorf("%v: want %q", err, c.want)
			}
			nextStep(t, err)
			if mapped(t, c.source.Path) {
				t.Error("the file is still open")
			}
		})
	}
}

// TestUnknownNames prepares what is not there: the errors become InputErrors.
func TestUnknownNames(t *testing.T) {
	folder := t.TempDir()
	for _, ref := range []string{"mobilenet_v9", filepath.Join(folder, "no.tflite"), folder} {
		_, err := base.Prepare(t.Context(), ref, t.TempDir())
		if err = device.InputOr(err); !errors.As(err, &device.InputError{}) || !strings.Contains(err.Error(), ref) {
			t.Errorf("%s: %v", ref, err)
		}
		nextStep(t, err)
	}
}

// TestOpenBaseCalledOff leaves no interpreter behind that nobody can close.
func TestOpenBaseCalledOff(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	source := embedded(t)
	b, err := device.OpenBase(ctx, newEngine(t), source, device.Cache{File: filepath.Join(t.TempDir(), "never.db")}, nil)
	if b != nil || !errors.Is(err, enough) || errors.As(err, &device.InputError{}) {
		t.Errorf("base %v, error %v", b, err)
	}
	if mapped(t, source.Path) {
		t.Error("the base is still open")
	}
	// The check must be able to see an open base.
	b, err = device.OpenBase(t.Context(), newEngine(t), source, device.Cache{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if !mapped(t, source.Path) {
		t.Error("an open base is not seen")
	}
}

// mapped reports whether this process has mapped the file into its memory.
func mapped(t *testing.T, path string) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), path)
}
