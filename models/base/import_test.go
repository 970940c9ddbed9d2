package base

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

func TestNewDraft(t *testing.T) {
	for _, c := range []struct {
		model    string
		options  ImportOptions
		name     string
		features int
		side     int
		notes    []string
	}{
		{"pooled", ImportOptions{}, "pooled", 12, 16, []string{"whole classifier", "--normalise 0,1"}},
		{"pooled", ImportOptions{Input: 16}, "pooled", 12, 16, nil},
		{"pooled", ImportOptions{Input: 48}, "pooled_48", 12, 48, []string{"changed to 48x48", "no multiple of 32"}},
		{"pooled_int8", ImportOptions{Input: 64, Name: "mine"}, "mine", 12, 64, []string{"changed to 64x64"}},
		{"map", ImportOptions{Input: 32}, "map_32", 12, 32, []string{"a map of 16x16"}},
		{"hidden", ImportOptions{Input: 32}, "hidden_32", 12, 32, nil},
		{"squeezenet", ImportOptions{Input: 32}, "squeezenet_32", 12, 32, nil},
		{"flattened", ImportOptions{Input: 32}, "flattened_32", 12, 32, []string{"a map of"}}, // cut before what is flattened
		{"pooled", ImportOptions{Normalise: &Range{0, 1}}, "pooled", 12, 16, []string{"scaled to 0 to 1, as was asked for"}},
	} {
		data, err := os.ReadFile(tinyModel(c.model))
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(data)
		c.options.File = "folder/" + c.model + ".tflite"
		d, err := NewDraft(data, c.options)
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		p := d.Preprocessing
		if d.Name != c.name || p.Width != c.side || p.Height != c.side || d.Origin.File != c.model+".tflite" || d.Origin.Bytes != int64(len(data)) {
			t.Errorf("%s %+v: %+v", c.model, c.options, d)
		}
		for _, want := range c.notes {
			if !strings.Contains(strings.Join(d.Notes, "\n"), want) {
				t.Errorf("%s %+v: no %q in %q", c.model, c.options, want, d.Notes)
			}
		}
		if e, err := d.entry(); err != nil || e.Features != c.features {
			t.Errorf("%s %+v: %d features, %v", c.model, c.options, e.Features, err)
		}
		if !slices.Equal(data, before) {
			t.Errorf("%s: the bytes were changed", c.model)
		}
	}
}

func TestNewDraftOfSharedWeights(t *testing.T) {
	for _, c := range []struct {
		file     string
		input    int
		features int
		labels   int
	}{
		{"mobilenet_v1_0.25_128_quant", 0, 256, 1001},
		{"mobilenet_v1_0.25_128_quant", 160, 256, 1001},
		{"mobilenet_v1_0.25_224_1_default_1", 96, 256, 0},
		{"mobilenet_v2_1.0_224_quant", 128, 1280, 1001},
		{"mobilenet_v2_1.0_128in_no_top_float32", 192, 1280, 0},
	} {
		data, err := os.ReadFile(shareddata.Path(t, "weights/"+c.file+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewDraft(data, ImportOptions{File: c.file + ".tflite", Input: c.input})
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		e, err := d.entry()
		if err != nil || e.Features != c.features || len(e.Labels) != c.labels || c.input > 0 && e.Preprocessing.Width != c.input {
			t.Errorf("%s at %d: %+v, %d labels, %v", c.file, c.input, e, len(e.Labels), err)
		}
		if c.labels > 0 && e.Labels[1] != "tench, Tinca tinca" {
			t.Errorf("%s: %q", c.file, e.Labels[:3])
		}
	}
}

func TestNewDraftRefuses(t *testing.T) {
	whole, err := os.ReadFile(tinyModel("pooled"))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(change func(*file.Model)) []byte {
		data, err := pooling(change).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		data       []byte
		options    ImportOptions
		want, hint string
	}{
		{whole, ImportOptions{Name: "Mine"}, "cannot name a base", "a-z"},
		{whole, ImportOptions{Input: -1}, "-1 pixels", ""},
		{whole, ImportOptions{Input: 5000}, "want 1 to 4096", ""},
		{whole, ImportOptions{Features: "#0"}, "not computed from the picture", "inspect"},
		{whole, ImportOptions{Features: "nothing"}, "no tensor", "inspect"},
		{whole, ImportOptions{Normalise: &Range{1, 1}}, "scale", ""},
		{whole[:200], ImportOptions{}, "parse model", "TFLiteConverter"},
		{nil, ImportOptions{}, "not a TensorFlow Lite model", "TFLiteConverter"},
		{encode(func(m *file.Model) { m.Main().Outputs = []int{2, 2} }), ImportOptions{}, "2 outputs", "--features"},
		{encode(func(m *file.Model) { m.Main().Tensors[0].ShapeSignature = []int32{-1, -1, -1, 3} }), ImportOptions{}, "no fixed size", "--input"},
		{encode(func(m *file.Model) { m.Main().Tensors[0].Type = file.Int64 }), ImportOptions{Normalise: &Range{0, 1}}, "int64", "float32"},
	} {
		c.options.File = "model.tflite"
		_, err := NewDraft(c.data, c.options)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%+v: %v, hint %q; want %q, %q", c.options, err, hint.Of(err), c.want, c.hint)
		}
	}
}

// A model of several outputs, and one whose size is open, become bases if they
// are told how.
func TestNewDraftAsTold(t *testing.T) {
	several, err := pooling(func(m *file.Model) {
		g := m.Main()
		g.Tensors = append(g.Tensors, file.Tensor{Name: "second", Shape: []int32{1, 32, 24, 3}})
		g.Operators = append(g.Operators, file.Operator{Code: file.OpRelu, Inputs: []int{0}, Outputs: []int{3}})
		g.Outputs = []int{2, 3}
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDraft(several, ImportOptions{File: "a.tflite", Features: "features"})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := d.entry(); err != nil || e.Features != 3 || e.FeatureTensor != "features" {
		t.Errorf("%+v, %v", e, err)
	}
	open, err := pooling(func(m *file.Model) { m.Main().Tensors[0].ShapeSignature = []int32{-1, -1, -1, 3} }).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d, err = NewDraft(open, ImportOptions{File: "a.tflite", Input: 64}); err != nil {
		t.Fatal(err)
	}
	if e, err := d.entry(); err != nil || e.Preprocessing.Width != 64 || d.Name != "a_64" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Labels that cannot be read are left out and said so.
func TestNewDraftWithBadLabels(t *testing.T) {
	m := pooling(nil)
	m.Metadata = []file.Metadata{file.Info{Outputs: []file.TensorInfo{{LabelFiles: []string{"labels.txt"}}}}.Metadata()}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDraft(data, ImportOptions{File: "a.tflite"})
	if err != nil || len(d.Labels) > 0 || !strings.Contains(strings.Join(d.Notes, " "), "classes are left out") {
		t.Errorf("%+v, %v", d, err)
	}
	data, err = file.Attach(data, file.Attachment{Name: "labels.txt", Data: []byte("rose\nweed\n")})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = NewDraft(data, ImportOptions{File: "a.tflite"}); err != nil || !slices.Equal(d.Labels, []string{"rose", "weed"}) {
		t.Errorf("%+v, %v", d, err)
	}
	if !slices.Equal(d.Model, data) {
		t.Error("an extractor was changed")
	}
}

// FuzzNewDraft looks for model files that make an import panic.
func FuzzNewDraft(f *testing.F) {
	paths, err := filepath.Glob(tinyModel("*"))
	if err != nil || len(paths) == 0 {
		f.Fatal(err)
	}
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint16(i*16), "#20")
		f.Add(data, uint16(0), "")
	}
	f.Fuzz(func(_ *testing.T, data []byte, input uint16, features string) {
		d, err := NewDraft(data, ImportOptions{File: "x.tflite", Input: int(input), Features: features})
		if err != nil {
			return
		}
		_, _ = d.entry()
	})
}
