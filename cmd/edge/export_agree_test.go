package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
	"github.com/edge-adapt/edge/tflite/quantise"
)

// TestExportAgrees exports the generations of three tasks, and of two bases more
// where ../shared/data has them, and asks the Python LiteRT interpreter, MediaPipe
// Tasks' ImageClassifier, and a model as Frigate reads it, what pictures show:
// their answers are those of edge.
func TestExportAgrees(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	for _, task := range []struct {
		name    string
		classes []string
		images  int // a class
		base    func(t *testing.T) string
		recipe  string
	}{
		{"lamps", []string{"lamp_green", "lamp_off", "lamp_red", "lamp_yellow"}, 40, nil, "default"}, // calibrated
		{"valves", []string{"valve_closed", "valve_open"}, 20, nil, "seed"},
		{"plugs", []string{"plug_in", "plug_out", "level_low"}, 20, int8Base, "seed"},
		{"map", []string{"lamp_red", "valve_open"}, 12, sharedBase("mobilenet_v2_1.0_128in_no_top_float32"), "seed"},
		{"bytes", []string{"lamp_red", "level_full"}, 12, sharedBase("mobilenet_v2_1.0_224_quant"), "seed"},
	} {
		t.Run(task.name, func(t *testing.T) {
			photos := filepath.Join(t.TempDir(), "photos")
			samplelinks.Make(t, photos, task.images, task.classes...)
			args := []string{"adapt", "--quiet", "--no-cache", "--recipe", task.recipe, "--task", task.name, "--dir", photos}
			if task.base != nil {
				args = append(args, "--base", task.base(t))
			}
			e := exportTest{store: store, task: task.name}
			e.run(t, args...)
			e.open(t, photos)
			t.Run("LiteRT", e.agreesWithLiteRT)
			t.Run("MediaPipe", e.agreesWithMediaPipe)
			t.Run("Frigate", e.agreesAsFrigateReads)
		})
	}
}

// exportTest is a task whose generation is exported.
type exportTest struct {
	store, task string
	classifier  *classifier
	photos      []string
}

func (e *exportTest) run(t *testing.T, args ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), append(args, "--store", e.store, "--task", e.task), nil, &out, os.Stderr); code != 0 {
		t.Fatalf("edge %v ended with %d", args, code)
	}
	return out.Bytes()
}

func (e *exportTest) open(t *testing.T, photos string) {
	a := &app{store: e.store, task: e.task, stdout: io.Discard, stderr: io.Discard, quiet: true}
	var err error
	if e.classifier, err = a.openClassifier(t.Context(), 0, baseFlags{noCache: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.classifier.close)
	files, err := filepath.Glob(filepath.Join(photos, "*", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += len(files)/6 + 1 {
		e.photos = append(e.photos, files[i])
	}
}

// pictures writes photos as PNG files of width x height, so that nobody has to
// resize them, and returns them with what edge says they show.
func (e *exportTest) pictures(t *testing.T, width, height int) (paths []string, want []map[string]float64) {
	t.Helper()
	asBytes := pixel.Preprocessing{Width: width, Height: height, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear}
	pixels := make([]float32, asBytes.Len())
	for i, photo := range e.photos {
		data, err := os.ReadFile(photo)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := pixel.Decode(data, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := asBytes.Apply(pixels, decoded); err != nil {
			t.Fatal(err)
		}
		picture := image.NewNRGBA(image.Rect(0, 0, width, height))
		for p := range width * height {
			rgb := [3]uint8{}
			for c := range rgb {
				rgb[c] = uint8(math.RoundToEven(float64(pixels[3*p+c])))
			}
			picture.SetNRGBA(p%width, p/width, color.NRGBA{rgb[0], rgb[1], rgb[2], 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), strconv.Itoa(i)+".png")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		top, _, err := e.classifier.classify(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		scores := map[string]float64{}
		for _, r := range top {
			scores[r.Label] = float64(r.Score)
		}
		paths, want = append(paths, path), append(want, scores)
	}
	return paths, want
}

// python runs a script of testdata with the packages that the variable names, and
// reads what it prints.
func python(t *testing.T, variable, script string, args []string, answer any) {
	t.Helper()
	packages := os.Getenv(variable)
	if packages == "" {
		t.Skipf("%s names no folder with Python packages; make test sets it", variable)
	}
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{filepath.Join("testdata", script)}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && strings.Contains(stderr.String(), "cannot open shared object file") {
		t.Skipf("MediaPipe's library needs one that this system has not: %s", lastLine(stderr.String()))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndex(s, "\n")+1:]
}

// litertAnswer is what export_litert.py prints.
type litertAnswer struct {
	Input, Output     []any
	Scores, Signature [][]float64
}

func (e *exportTest) agreesWithLiteRT(t *testing.T) {
	p := e.classifier.generation.Preprocessing
	model := filepath.Join(t.TempDir(), "model.tflite")
	e.run(t, "export", "--out", model)
	paths, want := e.pictures(t, p.Width, p.Height)
	var got litertAnswer
	python(t, "EDGE_PYTHONPATH", "export_litert.py", append([]string{model}, paths...), &got)
	if got.Input[0] != "image" || got.Output[0] != "scores" || got.Output[1] != "float32" {
		t.Errorf("input %v, output %v", got.Input, got.Output)
	}
	worst := 0.0
	for i := range want {
		for j, label := range e.classifier.generation.Labels {
			worst = max(worst, math.Abs(got.Scores[i][j]-want[i][label]), math.Abs(got.Signature[i][j]-want[i][label]))
		}
	}
	t.Logf("scores of %d pictures differ by at most %.2g", len(want), worst)
	if !(worst <= tolerance) || len(want) == 0 {
		t.Errorf("scores differ by %g", worst)
	}
}

func (e *exportTest) agreesWithMediaPipe(t *testing.T) {
	p := e.classifier.generation.Preprocessing
	model := filepath.Join(t.TempDir(), "model.tflite")
	e.run(t, "export", "--out", model)
	paths, want := e.pictures(t, p.Width, p.Height)
	var got struct {
		Name      string
		Parser    string `json:"min_parser_version"`
		Colour    int
		Mean, Std []float64
		LabelFile []string `json:"label_file"`
		Stored    []string
		Labels    string
		Answers   []map[string]float64
	}
	python(t, "EDGE_TEST_MEDIAPIPE", "export_mediapipe.py", append([]string{model}, paths...), &got)
	labels := e.classifier.generation.Labels
	file := []string{"labels.txt"}
	if got.Name != "edge "+e.task || got.Parser != "1.0.0" || got.Colour != 1 || !slices.Equal(got.LabelFile, file) ||
		!slices.Equal(got.Stored, file) || got.Labels != strings.Join(labels, "\n")+"\n" || len(got.Mean) != 1 || len(got.Std) != 1 {
		t.Errorf("MediaPipe reads %+v", got)
	}
	worst := 0.0
	for i := range want {
		if len(got.Answers[i]) != len(labels) {
			t.Errorf("%d classes in an answer, want %d", len(got.Answers[i]), len(labels))
		}
		for label, score := range want[i] {
			answer, ok := got.Answers[i][label]
			if !ok {
				t.Errorf("no score for %s", label)
			}
			worst = max(worst, math.Abs(answer-score))
		}
	}
	t.Logf("scores of %d pictures differ by at most %.2g", len(want), worst)
	if !(worst <= tolerance) || len(want) == 0 {
		t.Errorf("scores differ by %g", worst)
	}
}

// agreesAsFrigateReads does to the exported folder what Frigate 0.17 does: labels
// by line, 224x224 bytes in, the bytes that come out divided by their sum.
func (e *exportTest) agreesAsFrigateReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), e.task)
	e.run(t, "export", "--format", "frigate", "--out", dir)
	data, err := os.ReadFile(filepath.Join(dir, "labelmap.txt"))
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	paths, want := e.pictures(t, 224, 224)
	var got litertAnswer
	python(t, "EDGE_PYTHONPATH", "export_litert.py", append([]string{filepath.Join(dir, "model.tflite")}, paths...), &got)
	if got.Input[1] != "uint8" || got.Output[1] != "uint8" || got.Input[2].([]any)[1] != 224.0 || len(labels) != len(want[0]) {
		t.Fatalf("input %v, output %v, labels %q", got.Input, got.Output, labels)
	}
	for i := range want {
		sum, allowed := 0.0, 0.5+256*tolerance
		if e.task == "plugs" { // resampled pixels are rounded for an int8 base
			allowed += 256 * rounded
		}
		for _, s := range got.Scores[i] {
			sum += s
		}
		best, most := "", 0.0
		for j, s := range got.Scores[i] {
			// A byte is the score in 256ths, 255 at most, and half a one is lost in rounding.
			if d := math.Abs(s - min(256*want[i][labels[j]], 255)); d > allowed {
				t.Errorf("%s has %v, want %.2f", labels[j], s, 256*want[i][labels[j]])
			}
			if s/sum > most {
				best, most = labels[j], s/sum
			}
		}
		for label, score := range want[i] {
			if score > want[i][best]+allowed/256 {
				t.Errorf("Frigate would say %s, want %s", best, label)
			}
		}
	}
}

// int8Base is the embedded base, quantised here.
func int8Base(t *testing.T) string {
	source, err := base.Prepare(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(source.Path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	calibration, err := quantise.NewCalibration(m)
	if err != nil {
		t.Fatal(err)
	}
	probe := filepath.Join(t.TempDir(), "probe.tflite")
	writeModel(t, probe, calibration.Probe())
	it, err := tflite.Open(probe, tflite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	photos, err := filepath.Glob(filepath.Join("..", "..", "samples", "*", "*a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, source.Preprocessing.Len())
	for _, photo := range photos[:min(40, len(photos))] {
		data, err := os.ReadFile(photo)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := pixel.Decode(data, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Preprocessing.Apply(pixels, decoded); err != nil {
			t.Fatal(err)
		}
		if err := calibration.Add(it, pixels); err != nil {
			t.Fatal(err)
		}
	}
	q, err := quantise.Model(m, calibration.Ranges(), quantise.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "int8.tflite")
	writeModel(t, path, q)
	return path
}

func writeModel(t *testing.T, path string, m *file.Model) {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sharedBase returns what finds one of the weights in ../shared/data, or skips.
func sharedBase(name string) func(t *testing.T) string {
	return func(t *testing.T) string { return shareddata.Path(t, "weights/"+name+".tflite") }
}
