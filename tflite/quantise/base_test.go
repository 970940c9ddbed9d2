package quantise

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// photos returns every k-th picture of a folder of classes, as MobileNets take
// them: [n,128,128,3] from -1 to 1.
func photos(t *testing.T, dir string, k int) []float32 {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	p := pixel.Preprocessing{Width: 128, Height: 128, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: pixel.Bilinear}
	var all []float32
	for i := 0; i < len(paths); i += k {
		data, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		img, err := pixel.Decode(data, pixel.Limits{})
		if err != nil {
			continue // not a picture
		}
		x := make([]float32, p.Len())
		if err := p.Apply(x, img); err != nil {
			t.Fatal(err)
		}
		all = append(all, x...)
	}
	if len(all) < 10*p.Len() {
		t.Fatalf("%s has %d pictures", dir, len(all)/p.Len())
	}
	return all
}

// features returns the output of m one picture at a time.
func features(t *testing.T, m *file.Model, pictures []float32) []float32 {
	t.Helper()
	it := opened(t, m, tflite.Options{Threads: 1})
	size := 1
	for _, d := range it.Outputs()[0].Shape {
		size *= d
	}
	per := items(m)
	all := make([]float32, len(pictures)/per*size)
	for i := range len(pictures) / per {
		if err := it.Run(all[i*size:][:size], pictures[i*per:][:per]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// quantised calibrates m with pictures, a few at a time, and converts it.
func quantised(t *testing.T, m *file.Model, pictures []float32) *file.Model {
	t.Helper()
	c, err := NewCalibration(m)
	if err != nil {
		t.Fatal(err)
	}
	probe := opened(t, c.Probe(), tflite.Options{Threads: 1})
	for batch := range slices.Chunk(pictures, 4*items(m)) {
		if err := c.Add(probe, batch); err != nil {
			t.Fatal(err)
		}
	}
	return converted(t, m, c.Ranges(), Options{})
}

// isClose checks that q gives nearly the features of m, and is nearly a quarter of it.
func isClose(t *testing.T, m, q *file.Model, pictures []float32, least float64) {
	t.Helper()
	out := m.Main().Tensors[m.Main().Outputs[0]].Shape
	d := decibels(features(t, q, pictures), features(t, m, pictures), int(out[len(out)-1]))
	before, after := len(must(m.Encode())), len(must(q.Encode()))
	t.Logf("the error lies %.1f dB below the signal; %d bytes become %d", d, before, after)
	if !(d > least) {
		t.Errorf("the error lies only %.1f dB below the signal, want %v", d, least)
	}
	if float64(after) > 0.42*float64(before) {
		t.Errorf("%d bytes become %d", before, after)
	}
}

func embedded(t *testing.T) *file.Model {
	t.Helper()
	return load(t, filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite"))
}

// The embedded base, calibrated on some of our samples, sees the others almost
// as it did.
func TestEmbeddedBase(t *testing.T) {
	m := embedded(t)
	samples := filepath.Join("..", "..", "samples")
	q := quantised(t, m, photos(t, samples, 9))
	isClose(t, m, q, photos(t, samples, 7), 18)
	if testing.Short() {
		return
	}
	if err := tflite.Trial(t.Context(), save(t, q), tflite.TrialOptions{Launcher: strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER"))}); err != nil {
		t.Error(err)
	}
}

// MobileNetV2 as published. Its depthwise layers make it the hard one: without
// the correction of means, as TensorFlow's own converter does it, 10 dB are left.
func TestPublishedBase(t *testing.T) {
	m := load(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"))
	dir := shareddata.Path(t, "imagenette10")
	q := quantised(t, m, photos(t, filepath.Join(dir, "train"), 20))
	isClose(t, m, q, photos(t, filepath.Join(dir, "test"), 20), 13)
}

// Python's interpreter gives the same numbers to the last bit, for every operator
// and for whole models.
func TestLiteRTAgrees(t *testing.T) {
	folder := os.Getenv("EDGE_PYTHONPATH")
	if folder == "" {
		t.Skip("EDGE_PYTHONPATH names no folder with ai-edge-litert")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("Python runs on amd64, and float borders round differently")
	}
	models := operators()
	models["embedded"] = embedded(t)
	for _, name := range []string{"pooled_float16", "hidden", "flattened_batch", "map"} {
		models[name] = committed(t, name)
	}
	var names, paths []string
	var ours [][]float32
	for name, m := range models {
		inputs := noise(2 * items(m))
		ranges := calibrated(t, m, inputs)
		for _, o := range []Options{{}, {FloatBorder: true}} {
			q := converted(t, m, ranges, o)
			path := save(t, q)
			if err := os.WriteFile(path+".in", floats(inputs...), 0o600); err != nil {
				t.Fatal(err)
			}
			names, paths, ours = append(names, fmt.Sprintf("%s %+v", name, o)), append(paths, path), append(ours, features(t, q, inputs))
		}
	}
	command := exec.CommandContext(t.Context(), "python3", append([]string{"-B", filepath.Join("testdata", "run.py")}, paths...)...)
	command.Env = append(os.Environ(), "PYTHONPATH="+folder+":"+filepath.Join("..", "testdata"))
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("python3 run.py: %v\n%s", err, said)
	}
	for i, path := range paths {
		theirs, err := os.ReadFile(path + ".out")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(theirs, floats(ours[i]...)) {
			t.Errorf("%s: Python gives other numbers", names[i])
		}
	}
}
