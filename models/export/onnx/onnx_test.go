package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/fixture"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// answer is what testdata/check.py says of a model.
type answer struct {
	Input, Output   []any
	SameShape       bool `json:"same_shape"`
	Difference      float64
	DifferenceAlone float64 `json:"difference_alone"`
	Size, Varies    float64
	Operators, Open []string
	Properties      map[string]string
	Producer, Name  string
	Description     string
}

// check converts each .tflite file and has onnx, onnxruntime and LiteRT judge
// the result.
func check(t *testing.T, o Options, models ...[]byte) []answer {
	t.Helper()
	packages := os.Getenv("EDGE_ONNX_PYTHONPATH")
	if packages == "" {
		t.Skip("EDGE_ONNX_PYTHONPATH is not set: no onnxruntime to compare with (make test sets it)")
	}
	dir := t.TempDir()
	args := []string{"testdata/check.py"}
	for i, data := range models {
		for name, data := range map[string][]byte{"tflite": data, "onnx": converted(t, data, o)} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".", name)), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, filepath.Join(dir, fmt.Sprint(i, ".tflite")), filepath.Join(dir, fmt.Sprint(i, ".onnx")))
	}
	return fixture.Python[answer](t, len(models), []string{packages, os.Getenv("EDGE_PYTHONPATH")}, args...)
}

// equal fails unless ONNX and LiteRT give the same, and something at all: scores
// to 1e-5, features of a base, which add up hundreds of products in another
// order, to a part in 30,000 of the largest.
func equal(t *testing.T, name string, a answer) {
	t.Helper()
	limit := 1e-5
	if a.Size > 1 {
		limit = a.Size / 30000
	}
	if !a.SameShape || a.Difference > limit || a.DifferenceAlone > limit {
		t.Errorf("%s: differs by %.3g, alone by %.3g, where values reach %.3g; same shape: %v", name, a.Difference, a.DifferenceAlone, a.Size, a.SameShape)
	}
	t.Logf("%s: differs by %.3g where values reach %.3g", name, a.Difference, a.Size)
	if !(a.Varies > 1e-4*a.Size) {
		t.Errorf("%s: two pictures give the same: nothing is compared", name)
	}
	if a.Input[0] != InputName || a.Output[0] != OutputName || a.Input[1] != "tensor(float)" || a.Output[1] != "tensor(float)" {
		t.Errorf("%s: input %v, output %v", name, a.Input, a.Output)
	}
	if a.Input[2].([]any)[0] != "N" || a.Output[2].([]any)[0] != "N" || len(a.Open) > 0 {
		t.Errorf("%s: input %v, output %v, no shape of %v", name, a.Input, a.Output, a.Open)
	}
}

const embedded = "../../base/mobilenet_v2_0.35_128.tflite"

// TestAgreesWithLiteRT compares what both make of classifiers and bases.
func TestAgreesWithLiteRT(t *testing.T) {
	names := []string{embedded}
	for _, name := range []string{
		"pooled", "pooled_batch", "pooled_float16", "pooled_rescaling", "convolution", "hidden", "squeezenet", "map", "vector",
	} {
		names = append(names, "../../../tflite/file/testdata/"+name+".tflite")
	}
	var models [][]byte
	for _, name := range names {
		models = append(models, read(t, name))
	}
	names = append(names, "every operator", "classifier on the embedded base")
	models = append(models, encoded(t, every()), encoded(t, withHead(t, read(t, embedded), 7)))
	seen := map[string]bool{}
	for i, a := range check(t, Options{}, models...) {
		equal(t, names[i], a)
		for _, o := range a.Operators {
			seen[o] = true
		}
	}
	for _, o := range []string{
		"Add", "AveragePool", "Clip", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "HardSigmoid", "MatMul", "Mul",
		"Pad", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Softmax", "Transpose",
	} {
		if !seen[o] {
			t.Errorf("no model has %s: it was compared with nothing", o)
		}
	}
}

func TestAgreesOnSharedWeights(t *testing.T) {
	var models [][]byte
	names := []string{"mobilenet_v2_1.0_128in_no_top_float32", "mobilenet_v1_0.25_224_1_default_1"}
	for _, name := range names {
		models = append(models, read(t, shareddata.Path(t, "weights/"+name+".tflite")))
	}
	for i, a := range check(t, Options{}, models...) {
		equal(t, names[i], a)
	}
}

// TestBaseStaysTurned says what makes the export fast: the picture is turned
// around once, and nothing is turned back.
func TestBaseStaysTurned(t *testing.T) {
	m := decoded(t, converted(t, encoded(t, withHead(t, read(t, embedded), 7)), Options{}))
	var turns int
	for _, n := range m.Graph.Node {
		if n.GetOpType() == "Transpose" {
			turns++
		}
	}
	if turns != 1 {
		t.Errorf("%d transpositions, want 1", turns)
	}
}

func TestProperties(t *testing.T) {
	m := withHead(t, read(t, embedded), 3)
	a := check(t, Options{Name: "lamp", Description: "Lamps.", Labels: []string{"off", "rot „an“", "0"}}, encoded(t, m))[0]
	if a.Name != "lamp" || a.Description != "Lamps." || a.Producer != "edge" {
		t.Errorf("graph %q, %q, by %q", a.Name, a.Description, a.Producer)
	}
	var labels []string
	if err := json.Unmarshal([]byte(a.Properties[PropertyLabels]), &labels); err != nil || !slices.Equal(labels, []string{"off", "rot „an“", "0"}) {
		t.Errorf("labels %q, %v", a.Properties[PropertyLabels], err)
	}
	if a.Properties["Image.BitmapPixelFormat"] != "Rgb8" {
		t.Errorf("properties %v", a.Properties)
	}
}

// TestPropertiesOfTheFile takes labels and normalisation out of metadata.
func TestPropertiesOfTheFile(t *testing.T) {
	data := read(t, shareddata.Path(t, "weights/mobilenet_v1_0.25_224_1_default_1.tflite"))
	properties := map[string]string{}
	for _, p := range decoded(t, converted(t, data, Options{})).MetadataProps {
		properties[p.GetKey()] = p.GetValue()
	}
	m := parsed(t, data)
	norm, ok := m.Normalisation()
	if _, has := properties[PropertyMean]; has != ok {
		t.Errorf("the file states a normalisation: %v, the export: %v", ok, has)
	}
	if ok && norm.Mean[0] == 127.5 && properties["Image.NominalPixelRange"] != "Normalized_1_1" { //nolint:misspell // the standard spells it so
		t.Errorf("properties %v for %+v", properties, norm)
	}
	labels, err := m.Labels()
	if _, has := properties[PropertyLabels]; has != (err == nil) {
		t.Errorf("%d labels (%v), properties %v", len(labels), err, properties)
	}
}

func TestSameModelSameBytes(t *testing.T) {
	data := encoded(t, every())
	if first := converted(t, data, Options{}); !bytes.Equal(first, converted(t, data, Options{})) {
		t.Error("two exports of a model differ")
	}
}

// TestSharedConstantIsWrittenOnce keeps a small file from becoming a large one.
func TestSharedConstantIsWrittenOnce(t *testing.T) {
	m := every()
	before := len(decoded(t, converted(t, encoded(t, m), Options{})).Graph.Initializer)
	c := &chain{*m.Main()}
	shared := c.tensor(file.Tensor{Name: "shared", Shape: []int32{7}, Data: noise(9, 0.4)[:28]}) // like none that is there
	for range 5 {
		c.then(file.OpAdd, file.AddOptions{}, []int32{1, 7}, shared)
	}
	after := len(decoded(t, converted(t, encoded(t, c.model()), Options{})).Graph.Initializer)
	if after != before+1 {
		t.Errorf("five additions of one constant make %d initialisers of %d", after, before)
	}
}

// A normalisation has been divided by and rounded before it is stated.
func TestAlike(t *testing.T) {
	if scale := float32(1. / 127.5); !alike([]float32{1 / scale, 127.5}, 127.5) {
		t.Errorf("%v is not 127.5", 1/scale)
	}
	for _, values := range [][]float32{nil, {127.4}, {127.5, 128}, {float32(math.NaN())}} {
		if alike(values, 127.5) {
			t.Errorf("%v is 127.5", values)
		}
	}
}
