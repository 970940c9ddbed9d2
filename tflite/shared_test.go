package tflite

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

// python returns what the Python LiteRT interpreter makes of src.
func python(t *testing.T, path string, src []float32) []float32 {
	t.Helper()
	folder := os.Getenv("EDGE_PYTHONPATH")
	if folder == "" {
		t.Skip("EDGE_PYTHONPATH names no folder with ai-edge-litert")
	}
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	var in, out, said bytes.Buffer
	if err := binary.Write(&in, binary.LittleEndian, src); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), interpreter, "-B", "testdata/litert.py", path)
	command.Env = append(os.Environ(), "PYTHONPATH="+folder)
	command.Stdin, command.Stdout, command.Stderr = &in, &out, &said
	if err := command.Run(); err != nil {
		t.Fatalf("python3 testdata/litert.py: %v\n%s", err, said.String())
	}
	values := make([]float32, out.Len()/4)
	if err := binary.Read(&out, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	return values
}

// noise returns n values in [-1,1).
func noise(n int) []float32 {
	random := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, n)
	for i := range x {
		x[i] = random.Float32()*2 - 1
	}
	return x
}

func TestMobileNetFeaturesEqualPython(t *testing.T) {
	path := shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	const n, features, cells = 3, 1280, 16
	src := noise(n * 128 * 128 * 3)
	maps := python(t, path, src)
	want := make([]float32, n*features)
	average(want, maps, cells, features)

	for _, o := range []Options{{Threads: 1}, {Threads: 2}} {
		b, err := OpenBase(path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.Features() != features || b.InputHeight() != 128 || b.InputWidth() != 128 || b.Warning() != "" {
			t.Errorf("%d features from %dx%d, warning %q", b.Features(), b.InputHeight(), b.InputWidth(), b.Warning())
		}
		got := make([]float32, n*features)
		if err := b.Embed(got, src); err != nil {
			t.Fatal(err)
		}
		d, at := farthest(t, got, want)
		t.Logf("threads %d, batch %d: largest difference %g", o.Threads, n, d)
		if d > 1e-5 {
			t.Errorf("threads %d: feature %d differs by %g", o.Threads, at, d)
		}
		for i := range n { // one by one gives what the batch gives
			one := make([]float32, features)
			if err := b.Embed(one, src[i*128*128*3:][:128*128*3]); err != nil {
				t.Fatal(err)
			}
			if d, _ := farthest(t, one, got[i*features:][:features]); d > 1e-5 {
				t.Errorf("item %d alone differs by %g", i, d)
			}
		}
	}
}

func TestClassifiersEqualPython(t *testing.T) {
	for _, test := range []struct {
		file      string
		size      int
		kind      TensorType
		tolerance float64
	}{
		{"weights/mobilenet_v2_1.0_224_quant.tflite", 224, UInt8, 0},
		{"weights/mobilenet_v1_0.25_128_quant.tflite", 128, UInt8, 0},
		{"weights/mobilenet_v1_0.25_224_1_default_1.tflite", 224, Float32, 1e-5},
	} {
		t.Run(test.file, func(t *testing.T) {
			path := shareddata.Path(t, test.file)
			it, err := Open(path, Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			if it.Inputs()[0].Type != test.kind || it.Warning() != "" {
				t.Errorf("takes %v, warning %q", it.Inputs()[0], it.Warning())
			}
			// A constant picture more, so that the answer is not only about noise.
			const n = 3
			src := noise(n * test.size * test.size * 3)
			for i := range test.size * test.size * 3 {
				src[i] = 0.25
			}
			got := make([]float32, n*it.outs[0].per)
			if err := it.Run(got, src); err != nil {
				t.Fatal(err)
			}
			d, at := farthest(t, got, python(t, path, src))
			t.Logf("%v; largest difference %g, fixed batch %v", it.Outputs()[0], d, it.fixed)
			if runtime.GOARCH != "amd64" { // Python runs on it, and kernels round differently
				test.tolerance += 0.01
			}
			if d > test.tolerance {
				t.Errorf("score %d differs by %g", at, d)
			}
			if err := Trial(t.Context(), path, TrialOptions{Launcher: launcher()}); err != nil {
				t.Error(err)
			}
		})
	}
}
