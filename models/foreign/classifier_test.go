package foreign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestReadClassifier(t *testing.T) {
	float, quant := string(model(t, "teachable_float")), string(model(t, "teachable_uint8"))
	labels := part{"labels.txt", "0 Class 1\n1 Class 2\n2 Class 3\n"}
	metadata := part{"metadata.json", `{"labels":["a","b","c"]}`}
	for name, test := range map[string]struct {
		parts  []part
		model  string
		labels []string
	}{
		"float":                     {[]part{{"model_unquant.tflite", float}, labels}, float, []string{"Class 1", "Class 2", "Class 3"}},
		"quantised":                 {[]part{labels, {"model.tflite", quant}}, quant, []string{"Class 1", "Class 2", "Class 3"}},
		"both":                      {[]part{{"model.tflite", quant}, labels, {"model_unquant.tflite", float}}, float, []string{"Class 1", "Class 2", "Class 3"}},
		"Frigate's":                 {[]part{{"model.tflite", quant}, {"labelmap.txt", "no\nnone\nyes\n"}}, quant, []string{"no", "none", "yes"}},
		"labels in metadata.json":   {[]part{{"model.tflite", quant}, metadata}, quant, []string{"a", "b", "c"}},
		"labels.txt before it":      {[]part{metadata, {"model.tflite", quant}, {"labels.txt", "x\ny\nz"}}, quant, []string{"x", "y", "z"}},
		"zipped by a person":        {[]part{{"tm/", ""}, {"tm/model_unquant.tflite", float}, {"tm/Labels.txt", "x\r\ny\r\nz\r\n"}, {"__MACOSX/tm/._labels.txt", "junk"}}, float, []string{"x", "y", "z"}},
		"one of another name":       {[]part{{"flowers.tflite", float}}, float, nil},
		"and one for an Edge TPU":   {[]part{{"model_edgetpu.tflite", "x"}, {"flowers.tflite", float}}, float, nil},
		"names that lead elsewhere": {[]part{{"../../model.tflite", quant}, {"/labels.txt", "x\ny\nz"}}, quant, []string{"x", "y", "z"}},
	} {
		path := written(t, "x.zip", zipped(t, test.parts...))
		kind, err := Detect(path)
		if err != nil || kind != KindClassifier {
			t.Errorf("%s: %v, %v", name, kind, err)
		}
		c, err := ReadClassifier(t.Context(), path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(c.Model) != test.model || !slices.Equal(c.Labels, test.labels) || (c.LabelsName == "") != (test.labels == nil) {
			t.Errorf("%s: %s of %d bytes, labels %q from %q", name, c.ModelName, len(c.Model), c.Labels, c.LabelsName)
		}
	}
	// The same from a folder, and from the model alone.
	dir := t.TempDir()
	for name, content := range map[string]string{"model.tflite": quant, "labelmap.txt": "x\ny\nz"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, labels := range map[string]int{dir: 3, filepath.Join(dir, "model.tflite"): 0} {
		kind, err := Detect(path)
		c, err2 := ReadClassifier(t.Context(), path)
		if err != nil || err2 != nil || kind != KindClassifier || string(c.Model) != quant || len(c.Labels) != labels || c.ModelName != "model.tflite" {
			t.Errorf("%s: %v, %+v, %v, %v", path, kind, c, err, err2)
		}
	}
}

func TestReadClassifierRefuses(t *testing.T) {
	float := string(model(t, "teachable_float"))
	for name, test := range map[string]struct {
		parts []part
		text  string
	}{
		"an Edge TPU's":  {[]part{{"model_edgetpu.tflite", float}, {"labels.txt", "a"}}, "Edge TPU"},
		"TensorFlow.js":  {[]part{{"model.json", "{}"}, {"metadata.json", "{}"}, {"weights.bin", ""}}, "TensorFlow.js"},
		"Keras":          {[]part{{"keras_model.h5", ""}, {"labels.txt", ""}}, "Keras"},
		"a SavedModel":   {[]part{{"model.savedmodel/saved_model.pb", ""}, {"labels.txt", ""}}, "SavedModel"},
		"something else": {[]part{{"notes.txt", "x"}}, "no .tflite"},
		"nothing":        {nil, "no .tflite"},
		"two models":     {[]part{{"a.tflite", float}, {"b.tflite", float}}, "2 models"},
		"a broken model": {[]part{{"model.tflite", float[:2000]}, {"labels.txt", "a\nb\nc"}}, "model.tflite"},
		"broken labels":  {[]part{{"model.tflite", float}, {"labels.txt", "\xff"}}, "labels.txt"},
	} {
		_, err := ReadClassifier(t.Context(), written(t, "x.zip", zipped(t, test.parts...)))
		if err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "broken labels" && hint.Of(err) == "" {
			t.Errorf("%s: no hint in %v", name, err)
		}
	}
	good := zipped(t, part{"model.tflite", float})
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("hello, is this a model?"), "h5": []byte("\x89HDF\r\n\x1a\n"), "a zip cut off": good[:len(good)-30], "a zip's beginning": []byte("PK\x03\x04"),
	} {
		_, err := Detect(written(t, "x", data))
		if err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Detect(t.TempDir() + "/none"); err == nil || hint.Of(err) == "" {
		t.Errorf("what is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadClassifier(ctx, written(t, "x.zip", good)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestReadLabels(t *testing.T) {
	if got, err := ReadLabels(written(t, "l.json", []byte(`["a","b"]`))); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, path := range []string{t.TempDir(), t.TempDir() + "/none", written(t, "l", nil)} {
		if _, err := ReadLabels(path); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}
