//go:build tensorflow

package savedmodel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/fixture"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// answer is what testdata/check.py says of a saved model.
type answer struct {
	Inputs, Outputs  map[string][]any
	SameShape        bool `json:"same_shape"`
	Difference, Size float64
	Varies           float64
	Asset            string
	Labels           []string
	Variables        int
}

// check converts models and has TensorFlow, Keras and LiteRT judge the result.
func check(t *testing.T, labels [][]string, models ...*file.Model) []answer {
	t.Helper()
	keras, litert := os.Getenv("EDGE_KERAS_PYTHONPATH"), os.Getenv("EDGE_PYTHONPATH")
	if keras == "" || litert == "" {
		t.Skip("EDGE_KERAS_PYTHONPATH or EDGE_PYTHONPATH is not set: nothing to compare with (make test sets them)")
	}
	dir := t.TempDir()
	args := []string{"testdata/check.py"}
	for i, m := range models {
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(folder+".tflite", data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, f := range converted(t, m, labels[i]) {
			path := filepath.Join(folder, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, folder+".tflite", folder)
	}
	return fixture.Python[answer](t, len(models), []string{keras, litert}, args...)
}

func converted(t *testing.T, m *file.Model, labels []string) []File {
	t.Helper()
	files, err := Convert(m, Options{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func fromFile(t *testing.T, path string) *file.Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const testModels = "../../../tflite/file/testdata/"

// classifier is the embedded base with a head of random weights.
func classifier(t *testing.T, path string, classes int) *file.Model {
	t.Helper()
	m := fromFile(t, path)
	f, err := m.FeatureTensor()
	if err != nil {
		t.Fatal(err)
	}
	h := head.New(f.Count, 16, classes, 1)
	data, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	parts := []*file.Model{m}
	if f.Map {
		parts = append(parts, average(f))
	}
	top, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := file.Merge(append(parts, top)...)
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// average is the model that averages a map over height and width.
func average(f file.Feature) *file.Model {
	return &file.Model{Version: 3, Subgraphs: []file.Subgraph{{
		Tensors: []file.Tensor{
			{Name: "map", Shape: []int32{1, int32(f.Height), int32(f.Width), int32(f.Count)}},
			{Name: "axes", Type: file.Int32, Shape: []int32{2}, Data: []byte{1, 0, 0, 0, 2, 0, 0, 0}},
			{Name: "pooled", Shape: []int32{1, int32(f.Count)}},
		},
		Inputs: []int{0}, Outputs: []int{2},
		Operators: []file.Operator{{Code: file.OpMean, Inputs: []int{0, 1}, Outputs: []int{2}, Options: file.ReducerOptions{}}},
	}}}
}

func TestSavedModelAgreesWithLiteRT(t *testing.T) {
	five := []string{"eins", "zwei und\tmehr", "drei", "„vier“", "5"}
	names := []string{"pooled", "convolution", "hidden", "squeezenet", "pooled_rescaling", "pooled_float16"}
	var list []*file.Model
	var labels [][]string
	for _, name := range names {
		list = append(list, fromFile(t, testModels+name+".tflite"))
		labels = append(labels, five)
	}
	names = append(names, "classifier on the embedded base")
	list, labels = append(list, classifier(t, "../../base/mobilenet_v2_0.35_128.tflite", 5)), append(labels, five)
	for i, a := range check(t, labels, list...) {
		judge(t, names[i], a, five)
	}
}

func TestSavedModelAgreesOnSharedWeights(t *testing.T) {
	five := []string{"a", "b", "c", "d", "e"}
	m := classifier(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"), 5)
	judge(t, "alpha 1.0", check(t, [][]string{five}, m)[0], five)
}

// judge fails unless TensorFlow, Keras and LiteRT give the same, to 1e-5, and
// something at all.
func judge(t *testing.T, name string, a answer, labels []string) {
	t.Helper()
	t.Logf("%s: differs by %.3g where values reach %.3g", name, a.Difference, a.Size)
	if !a.SameShape || a.Difference > 1e-5 || !(a.Varies > 1e-4*a.Size) {
		t.Errorf("%s: differs by %.3g; the same shape: %v; two pictures by %.3g", name, a.Difference, a.SameShape, a.Varies)
	}
	in, out := a.Inputs[InputName], a.Outputs[OutputName]
	if len(a.Inputs) != 1 || len(a.Outputs) != 1 || in == nil || out == nil || in[1] != "float32" {
		t.Fatalf("%s: inputs %v, outputs %v", name, a.Inputs, a.Outputs)
	}
	if shape := out[0].([]any); shape[0] != nil || !reflect.DeepEqual(shape[1], float64(len(labels))) || in[0].([]any)[0] != nil {
		t.Errorf("%s: input %v, output %v", name, in, out)
	}
	if a.Asset != LabelsFile || !slices.Equal(a.Labels, labels) || a.Variables != 0 {
		t.Errorf("%s: asset %s with %q, %d variables", name, a.Asset, a.Labels, a.Variables)
	}
}

func TestSameModelSameBytes(t *testing.T) {
	m := fromFile(t, testModels+"hidden.tflite")
	labels := []string{"a", "b", "c", "d", "e"}
	if first, second := converted(t, m, labels), converted(t, m, labels); !reflect.DeepEqual(first, second) {
		t.Error("two exports of a model differ")
	}
}

func TestRefuses(t *testing.T) {
	five := []string{"a", "b", "c", "d", "e"}
	for _, c := range []struct {
		name, want string
		labels     []string
	}{
		{"pooled_int8", "the model is quantised", five},
		{"flattened", "MAX_POOL_2D: this operator cannot be exported", five},
		{"pooled", "4 labels for 5 scores", five[:4]},
		{"pooled", "more than one line", []string{"a", "b", "c", "d", "e\nf"}},
		{"pooled", "no TFLITE_METADATA", nil},
	} {
		files, err := Convert(fromFile(t, testModels+c.name+".tflite"), Options{Labels: c.labels})
		if err == nil || !strings.Contains(err.Error(), c.want) || files != nil {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if errors.Is(err, network.ErrQuantised) && hint.Of(err) == "" {
			t.Errorf("%s: no hint", c.name)
		}
	}
}
