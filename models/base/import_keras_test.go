package base

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fixture"
	"github.com/edge-adapt/edge/internal/hint"
)

// kerasWeights returns a small file that Keras has made, see keras/testdata.
func kerasWeights(t *testing.T) []byte {
	t.Helper()
	return fixture.Gunzip(t, "keras/testdata/network.weights.h5.gz")
}

func TestNewDraftOfKeras(t *testing.T) {
	data := kerasWeights(t)
	for _, c := range []struct {
		input, side int
		name        string
	}{{0, 64, "narrow"}, {96, 96, "narrow_96"}} {
		d, err := NewDraft(data, ImportOptions{File: "folder/narrow.weights.h5", Input: c.input})
		if err != nil {
			t.Fatal(err)
		}
		e, err := d.entry()
		if err != nil || e.Features != 1280 || e.FeatureTensor != "features" {
			t.Errorf("%+v, %v", e, err)
		}
		if d.Name != c.name || d.Preprocessing != square(c.side, 1/127.5, -1) {
			t.Errorf("%s: %+v", d.Name, d.Preprocessing)
		}
		if d.Origin.File != "narrow.weights.h5" || d.Origin.Digest != digest.Of(data) {
			t.Errorf("%+v", d.Origin)
		}
		if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "MobileNetV2 of width 0.35") || !strings.Contains(notes, "as the model's metadata says: -1 to 1") {
			t.Errorf("%q", d.Notes)
		}
	}
	if _, err := NewDraft(data[:len(data)/2], ImportOptions{File: "half.h5"}); err == nil || hint.Of(err) == "" {
		t.Errorf("half a file: %v, hint %q", err, hint.Of(err))
	}
}

func TestPrepareKeras(t *testing.T) {
	path := filepath.Join(t.TempDir(), "narrow.weights.h5")
	if err := os.WriteFile(path, kerasWeights(t), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cache")
	s, err := Prepare(t.Context(), path, dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Features != 1280 || s.Known || filepath.Dir(s.Path) != dir || s.Preprocessing != square(64, 1/127.5, -1) {
		t.Errorf("%+v", s)
	}
	checkSource(t, s, dir, true)
}
