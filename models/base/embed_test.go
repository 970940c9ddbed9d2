package base

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// digest.Of is the judge of what stands in the .sha256 files.
func TestEmbeddedDigests(t *testing.T) {
	bytes := 0
	for _, b := range builtIns() {
		if want := fmt.Sprintf("%s  %s.tflite\n", digest.Of(b.data).Hex(), b.name); b.sum != want {
			t.Errorf("%s.sha256 says %q, the file is %q: run make base", b.name, b.sum, want)
		}
		if !IsEmbedded(digest.Of(b.data)) {
			t.Errorf("%s is not known as embedded", b.name)
		}
		bytes += len(b.data)
	}
	if bytes > 2_500_000 {
		t.Errorf("the embedded bases have %d bytes together", bytes)
	}
	if IsEmbedded("") || IsEmbedded("sha256:") || IsEmbedded(digest.Of(nil)) {
		t.Error("what is not embedded is said to be")
	}
}

func TestEmbedded(t *testing.T) {
	names := Embedded()
	if len(names) != 2 || names[0] != Default() || names[1] != Default()+"_int8" {
		t.Fatalf("embedded are %q", names)
	}
	dir := filepath.Join(t.TempDir(), "cache", "bases")
	for ref, name := range map[string]string{"": names[0], "default": names[0], names[0]: names[0], "int8": names[1], names[1]: names[1]} {
		s, err := Prepare(t.Context(), ref, dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name != name || !s.Known || s.Features != 1280 || len(s.Notes) != 0 {
			t.Errorf("%q: %+v", ref, s)
		}
		want := square(128, 1/127.5, -1)
		if name == Default() && s.Preprocessing != want || !near(s.Preprocessing, want) || s.Preprocessing.Validate() != nil {
			t.Errorf("%q: %+v", ref, s.Preprocessing)
		}
		if d, _, err := digest.OfFile(s.Path); err != nil || d != s.Digest {
			t.Errorf("%q: %s has digest %s, %v", ref, s.Path, d, err)
		}
	}
}

// Given as files they are what they are by name, and need no trial either.
func TestEmbeddedAsFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range Embedded() {
		want, err := Prepare(t.Context(), name, dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Prepare(t.Context(), name+".tflite", dir)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Known || s.Digest != want.Digest || s.Preprocessing != want.Preprocessing || s.Features != want.Features {
			t.Errorf("%s: as a file %+v, want %+v", name, s, want)
		}
	}
}

func TestEmbeddedTypes(t *testing.T) {
	for i, b := range builtIns() {
		m, err := file.Parse(b.data)
		if err != nil {
			t.Fatal(err)
		}
		in, err := checkInput(m)
		if want := []file.TensorType{file.Float32, file.Int8}[i]; err != nil || in.Type != want || in.Shape[1] != 128 || in.Shape[2] != 128 {
			t.Errorf("%s: input %+v, %v", b.name, in, err)
		}
		if f, err := m.FeatureTensor(); err != nil || !f.Whole || f.Map {
			t.Errorf("%s: %+v, %v: want a feature extractor", b.name, f, err)
		}
	}
}
