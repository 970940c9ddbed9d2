package file

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

// litert runs models with the Python LiteRT interpreter and returns a line for
// each: digests of its outputs, or of the tensor named behind a colon.
func litert(t *testing.T, models ...string) []string {
	t.Helper()
	packages := os.Getenv("EDGE_PYTHONPATH")
	if packages == "" {
		t.Skip("EDGE_PYTHONPATH is not set: no LiteRT to compare with (make test sets it)")
	}
	cmd := exec.Command("python3", append([]string{"testdata/run.py"}, models...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	if len(lines) != len(models) {
		t.Fatalf("%d lines for %d models\n%s", len(lines), len(models), stderr.Bytes())
	}
	return lines
}

// TestLiteRTAgrees runs each model as it came, written again, and cut: the
// outputs must be the same to the last bit.
func TestLiteRTAgrees(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.tflite")
	if err != nil {
		t.Fatal(err)
	}
	agree(t, paths)
}

func TestLiteRTAgreesOnSharedWeights(t *testing.T) {
	agree(t, []string{
		shareddata.Path(t, "weights/mobilenet_v1_0.25_128_quant.tflite"),
		shareddata.Path(t, "weights/mobilenet_v1_0.25_224_1_default_1.tflite"),
		shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"),
		shareddata.Path(t, "weights/mobilenet_v2_1.0_224_quant.tflite"),
	})
}

func agree(t *testing.T, paths []string) {
	dir := t.TempDir()
	write := func(name string, m *Model) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, encoded(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var args []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.FeatureTensor()
		if err != nil {
			t.Fatal(err)
		}
		cut, err := m.Cut(f.Tensor)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		args = append(args, path, write(name, m), path+":"+f.Name, write("cut_"+name, cut))
	}
	lines := litert(t, args...)
	for i := 0; i < len(args); i += 4 {
		if lines[i] != lines[i+1] {
			t.Errorf("%s: written again it gives\n%s, want\n%s", args[i], lines[i+1], lines[i])
		}
		if lines[i+2] != lines[i+3] {
			t.Errorf("%s: cut it gives\n%s, want\n%s", args[i+2], lines[i+3], lines[i+2])
		}
		if lines[i] == "[]" || lines[i+2] == "[]" {
			t.Errorf("%s: no output", args[i])
		}
	}
}

// TestSharedWeights knows what is in the published classifiers.
func TestSharedWeights(t *testing.T) {
	for _, c := range []struct {
		name   string
		count  int
		reason string
		labels int
	}{
		{"mobilenet_v1_0.25_128_quant", 256, "input of CONV_2D #28, after AVERAGE_POOL_2D", 1001},
		{"mobilenet_v1_0.25_224_1_default_1", 256, "input of CONV_2D #28, after AVERAGE_POOL_2D", 0},
		{"mobilenet_v2_1.0_224_quant", 1280, "input of CONV_2D #63, after AVERAGE_POOL_2D", 1001},
		{"mobilenet_v2_1.0_128in_no_top_float32", 1280, "the output is a map", 0},
	} {
		data, err := os.ReadFile(shareddata.Path(t, "weights/"+c.name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s := m.Summary()
		if s.Feature == nil || s.Feature.Count != c.count || s.Feature.Reason != c.reason || len(s.Labels) != c.labels {
			t.Errorf("%s: %+v, %d labels", c.name, s.Feature, len(s.Labels))
		}
	}
}
