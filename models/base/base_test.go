package base

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// tinyModel returns the path of a committed model of tflite/file.
func tinyModel(name string) string {
	return filepath.Join("..", "..", "tflite", "file", "testdata", name+".tflite")
}

// near compares two preprocessings to half a step of a byte: a quantised
// input's range was measured on samples.
func near(a, b pixel.Preprocessing) bool {
	low := math.Abs(float64(a.Offset - b.Offset))
	high := math.Abs(float64(255*a.Scale + a.Offset - 255*b.Scale - b.Offset))
	return a.Width == b.Width && a.Height == b.Height && a.Colour == b.Colour && a.Resize == b.Resize &&
		max(low, high) < 0.6*float64(b.Scale)
}

func square(side int, scale, offset float32) pixel.Preprocessing {
	return pixel.Preprocessing{Width: side, Height: side, Colour: "rgb", Resize: "bilinear", Scale: scale, Offset: offset}
}

func TestPrepare(t *testing.T) {
	for _, c := range []struct {
		model    string
		features int
		cut      bool
		pixels   pixel.Preprocessing
		notes    []string
	}{
		{"pooled", 12, true, square(16, 1/127.5, -1), []string{
			"a whole classifier, cut at \"functional_1/global_average_pooling2d_1/Mean\", 12 values: the input of FULLY_CONNECTED #5, after MEAN",
			"scaled to -1 to 1: the file says nothing about it",
		}},
		{"pooled_rescaling", 12, true, square(16, 1, 0), []string{"scaled to 0 to 255: the model begins with MUL and the constant 0.00784"}},
		{"pooled_int8", 12, true, square(16, 2./255, -1), []string{"quantised to int8"}},
		{"pooled_uint8", 12, true, square(16, 2./255, -1), []string{"quantised to uint8"}},
		{"pooled_float16", 136, true, square(16, 1/127.5, -1), nil},
		{"squeezenet", 12, true, square(16, 1/127.5, -1), []string{"a map of 8x8x12 that is averaged"}},
		{"map", 12, false, square(16, 1/127.5, -1), []string{"The features are"}},
		{"vector", 12, false, square(16, 1/127.5, -1), []string{"The features are"}},
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		s, err := Prepare(t.Context(), tinyModel(c.model), dir)
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		if s.Name != c.model || s.Features != c.features || s.Known {
			t.Errorf("%s: %+v", c.model, s)
		}
		if !near(s.Preprocessing, c.pixels) {
			t.Errorf("%s: %+v, want %+v", c.model, s.Preprocessing, c.pixels)
		}
		for _, want := range c.notes {
			if !strings.Contains(strings.Join(s.Notes, "\n"), want) {
				t.Errorf("%s: no %q in %q", c.model, want, s.Notes)
			}
		}
		checkSource(t, s, dir, c.cut)
	}
}

// checkSource opens what Prepare made as tflite.OpenBase will.
func checkSource(t *testing.T, s Source, dir string, cut bool) {
	t.Helper()
	data, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	if digest.Of(data) != s.Digest {
		t.Errorf("%s has another digest than %s", s.Path, s.Digest)
	}
	if want := filepath.Join(dir, s.Digest.Hex()+".tflite"); cut && s.Path != want {
		t.Errorf("cut to %s, want %s", s.Path, want)
	}
	if _, err := os.Stat(dir); !cut && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an extractor leaves something in %s: %v", dir, err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := m.FeatureTensor(); err != nil || !f.Whole || f.Count != s.Features {
		t.Errorf("%s: %+v, %v", s.Path, f, err)
	}
	// The cut file given by itself is fed as the whole one was.
	again, err := Prepare(t.Context(), s.Path, dir)
	if err != nil || again.Path != s.Path || again.Digest != s.Digest || again.Preprocessing != s.Preprocessing {
		t.Errorf("prepared again: %+v, %v", again, err)
	}
}

func TestPrepareSharedWeights(t *testing.T) {
	for _, c := range []struct {
		name     string
		features int
		cut      bool
		pixels   pixel.Preprocessing
	}{
		// Their metadata says 127.5, which is within a step of the bytes themselves.
		{"mobilenet_v1_0.25_128_quant", 256, true, square(128, 1./128, -1)},
		{"mobilenet_v2_1.0_224_quant", 1280, true, square(224, 1./128, -1)},
		{"mobilenet_v1_0.25_224_1_default_1", 256, true, square(224, 1/127.5, -1)},
		{"mobilenet_v2_1.0_128in_no_top_float32", 1280, false, square(128, 1/127.5, -1)},
	} {
		path := shareddata.Path(t, "weights/"+c.name+".tflite")
		dir := filepath.Join(t.TempDir(), "cache")
		s, err := Prepare(t.Context(), path, dir)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if s.Features != c.features || !near(s.Preprocessing, c.pixels) {
			t.Errorf("%s: %+v", c.name, s)
		}
		checkSource(t, s, dir, c.cut)
	}
}

func TestPrepareRepairs(t *testing.T) {
	dir := t.TempDir()
	s, err := Prepare(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.Stat(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), "", dir); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(s.Path); err != nil || !os.SameFile(whole, again) {
		t.Errorf("a file that is right was written again: %v", err)
	}
	if err := os.WriteFile(s.Path, []byte("TFL3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), "", dir); err != nil {
		t.Fatal(err)
	}
	if d, _, err := digest.OfFile(s.Path); err != nil || d != s.Digest {
		t.Errorf("a damaged file was left: %s, %v", d, err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.tflite")
	if err := os.WriteFile(notes, []byte("these are notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ref, want, hint string }{
		{filepath.Join(dir, "nowhere.tflite"), "no such file", `"default"`},
		{dir, "is not a file", "path of a .tflite"},
		{notes, "not a TensorFlow Lite model", "TFLiteConverter"},
	} {
		_, err := Prepare(t.Context(), c.ref, filepath.Join(dir, "cache"))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%s: %v, hint %q", c.ref, err, hint.Of(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Prepare(ctx, "", dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
