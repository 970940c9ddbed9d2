package keras

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// reference is what Keras says of a file that it wrote; testdata/reference.py
// makes them.
type reference struct {
	File          string  `json:"file"`
	Height, Width int     // of the picture
	Input         int     `json:"input"` // for Options
	Features      int     `json:"features"`
	Alpha         float64 `json:"alpha"`
	By            string  `json:"by"`  // how layers are told apart
	Why           string  `json:"why"` // the input has its size
	Top           bool    `json:"top"`
}

// TestAgreesWithKeras has Keras write random networks in all its formats, and
// compares the features of a picture to 1e-4 of the largest.
func TestAgreesWithKeras(t *testing.T) {
	packages := os.Getenv("EDGE_KERAS_PYTHONPATH")
	if packages == "" {
		t.Skip("EDGE_KERAS_PYTHONPATH is not set: no Keras to compare with (make test sets it)")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/reference.py", dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages, "TF_CPP_MIN_LOG_LEVEL=3")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var cases []reference
	if err := json.Unmarshal(read(t, filepath.Join(dir, "cases.json")), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("Keras wrote no cases")
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) { c.compare(t, dir) })
	}
	refuses(t, dir)
}

func (c *reference) compare(t *testing.T, dir string) {
	data := read(t, filepath.Join(dir, c.File))
	if !Is(data) {
		t.Error("it is not taken for a file of Keras")
	}
	m, info, err := Convert(data, Options{Input: c.Input})
	if err != nil {
		t.Fatalf("%v\n%s", err, hint.Of(err))
	}
	if info.Alpha != c.Alpha || info.Features != c.Features || info.Height != c.Height || info.Width != c.Width {
		t.Errorf("%+v, want %+v", info, c)
	}
	notes := strings.Join(info.Notes, "\n")
	if !strings.Contains(notes, "told apart by "+c.By) || !strings.Contains(notes, "as "+c.Why) || strings.Contains(notes, "classifier") != c.Top {
		t.Errorf("%+v: %s", c, notes)
	}
	want := floats(read(t, filepath.Join(dir, c.File+".f32")))
	difference, largest := distance(embed(t, m, c.Height, c.Width), want)
	if !(difference <= 1e-4*largest) || largest == 0 {
		t.Errorf("the features differ by %g, the largest is %g", difference, largest)
	}
	t.Logf("alpha %v: %.2g of %.3g", info.Alpha, difference, largest)
}

// refuses looks at what Keras wrote and no base can be made of.
func refuses(t *testing.T, dir string) {
	for _, c := range []struct {
		file, want string
		other      bool
	}{
		{"two.weights.h5", "more than one network", false},
		{"two.h5", "more than one network", false},
		{"v1.weights.h5", `no MobileNetV2 of keras.applications: it calls itself "mobilenet_1.00_96"`, true},
		{"v1.h5", "it looks like MobileNet (version 1)", true},
		{"v3.weights.h5", `it calls itself "MobileNetV3Small"`, true},
		{"v3.h5", "it looks like MobileNetV3", true},
		{"dense.h5", "there are no convolutions in it", true},
	} {
		_, _, err := Convert(read(t, filepath.Join(dir, c.file)), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, errNotMobileNetV2) != c.other || hint.Of(err) == "" {
			t.Errorf("%s: %v, hint %q", c.file, err, hint.Of(err))
		}
	}
	if Is(read(t, filepath.Join(dir, "other.zip"))) {
		t.Error("any archive is taken for a file of Keras")
	}
}

// TestAgreesWithTheSharedModel compares real weights with the .tflite that
// TensorFlow's own converter made of them.
func TestAgreesWithTheSharedModel(t *testing.T) {
	data := read(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_224w_no_top.bnrecal.weights.h5"))
	original := shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	m, info, err := Convert(data, Options{Input: 128})
	if err != nil {
		t.Fatal(err)
	}
	if info.Alpha != 1 || info.Features != 1280 {
		t.Errorf("%+v", info)
	}
	want := embedFile(t, original, 128, 128)
	if difference, largest := distance(embed(t, m, 128, 128), want); !(difference <= 1e-4*largest) || largest == 0 {
		t.Errorf("the features differ by %g, the largest is %g", difference, largest)
	}
}

func TestSharedNarrowWeights(t *testing.T) {
	data := read(t, shareddata.Path(t, "weights/mobilenet_v2_0.35_224_no_top.weights.h5"))
	_, info, err := Convert(data, Options{})
	if err != nil || info.Alpha != 0.35 || info.Height != 224 || info.Width != 224 {
		t.Errorf("%+v, %v", info, err)
	}
}

// embed writes the model as a file and has it give the features of the picture.
func embed(t *testing.T, m *file.Model, height, width int) []float32 {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "base.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return embedFile(t, path, height, width)
}

func embedFile(t *testing.T, path string, height, width int) []float32 {
	t.Helper()
	b, err := tflite.OpenBase(path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.InputHeight() != height || b.InputWidth() != width || b.Warning() != "" {
		t.Fatalf("the base takes %dx%d pixels; %s", b.InputWidth(), b.InputHeight(), b.Warning())
	}
	features := make([]float32, b.Features())
	if err := b.Embed(features, picture(height, width)); err != nil {
		t.Fatal(err)
	}
	return features
}

// picture returns the pixels that testdata/reference.py feeds to Keras.
func picture(height, width int) []float32 {
	p := make([]float32, height*width*3)
	for i := range p {
		p[i] = float32(float64(i*7919%511)/255 - 1)
	}
	return p
}

func floats(data []byte) []float32 {
	list := make([]float32, len(data)/4)
	if _, err := binary.Decode(data, binary.LittleEndian, list); err != nil {
		panic(err)
	}
	return list
}

// distance returns the largest difference between two vectors, and the largest
// value of the second. Vectors of different length are infinitely far apart.
func distance(a, b []float32) (difference, largest float64) {
	if len(a) != len(b) {
		return math.Inf(1), 0
	}
	for i := range a {
		difference = max(difference, math.Abs(float64(a[i])-float64(b[i])))
		largest = max(largest, math.Abs(float64(b[i])))
	}
	return difference, largest
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
