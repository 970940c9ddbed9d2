package network

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// litert returns the outputs that the Python LiteRT interpreter gives of each
// model for one picture.
func litert(t *testing.T, picture []float32, models ...[]byte) [][][]float32 {
	t.Helper()
	packages := os.Getenv("EDGE_PYTHONPATH")
	if packages == "" {
		t.Skip("EDGE_PYTHONPATH is not set: no LiteRT to compare with (make test sets it)")
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	raw, err := binary.Append(nil, binary.LittleEndian, picture)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"testdata/run.py", write("picture", raw)}
	for i, data := range models {
		args = append(args, write(fmt.Sprint(i), data))
	}
	cmd := exec.Command("python3", args...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	results := make([][][]float32, len(models))
	for i, data := range models {
		for k := range parsed(t, data).Main().Outputs {
			raw, err := os.ReadFile(fmt.Sprintf("%s.%d", args[2+i], k))
			if err != nil {
				t.Fatal(err)
			}
			values := make([]float32, len(raw)/4)
			if _, err := binary.Decode(raw, binary.LittleEndian, values); err != nil {
				t.Fatal(err)
			}
			results[i] = append(results[i], values)
		}
	}
	return results
}

func picture(n *Network) []float32 {
	random := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, product(n.Shape(n.Input)))
	for i := range x {
		x[i] = random.Float32()*2 - 1
	}
	return x
}

// TestLayersComputeTheModel runs each model with LiteRT as a whole, and as the
// prefix of a selection followed by the layers of the top in plain Go.
func TestLayersComputeTheModel(t *testing.T) {
	for name, c := range map[string]struct {
		model func() *file.Model
		cuts  []float64
	}{
		"tiny MobileNetV2": {func() *file.Model { m, _ := tinyV2().built(t); return m }, []float64{0, 0.3, 0.45, 1}},
		"every operator":   {func() *file.Model { m, _ := every().built(t); return m }, []float64{0.3, 0.6, 1}},
		"float16 weights":  {func() *file.Model { m, _ := loaded(t, "../../../tflite/testdata/float16_weights.tflite"); return m }, []float64{0.5, 1}},
		"embedded base":    {func() *file.Model { m, _ := loaded(t, embedded); return m }, []float64{0.1, 1}},
	} {
		t.Run(name, func(t *testing.T) { compute(t, c.model(), c.cuts) })
	}
}

func TestLayersComputeSharedModels(t *testing.T) {
	for _, name := range []string{"mobilenet_v2_1.0_128in_no_top_float32", "mobilenet_v1_0.25_224_1_default_1"} {
		m, _ := loaded(t, shareddata.Path(t, "weights/"+name+".tflite"))
		t.Run(name, func(t *testing.T) { compute(t, m, []float64{0.1, 0.5}) })
	}
}

func compute(t *testing.T, m *file.Model, cuts []float64) {
	n := network(t, m)
	base, err := m.Cut(n.Feature.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	models := [][]byte{encoded(t, base)}
	var selections []Selection
	for _, fraction := range cuts {
		for _, norms := range []bool{false, true} {
			s, err := n.Unfreeze(fraction, norms)
			if err != nil {
				t.Fatal(err)
			}
			prefix, err := n.Prefix(s)
			if err != nil || (prefix == nil) != slices.Equal(s.Frontier, []int{n.Input}) {
				t.Fatalf("fraction %v: prefix %v, %v", fraction, prefix, err)
			}
			if prefix != nil {
				models = append(models, encoded(t, prefix))
				selections = append(selections, s)
			}
		}
	}
	x := picture(n)
	results := litert(t, x, models...)
	want := results[0][0]
	near(t, "everything", forward(t, n, 0, map[int][]float32{n.Input: x}), want)
	for i, s := range selections {
		values := map[int][]float32{}
		for k, v := range results[1+i] {
			values[s.Frontier[k]] = v
		}
		near(t, fmt.Sprintf("from layer %d", s.First), forward(t, n, s.First, values), want)
	}
}

// TestPatchedModel gives a model other weights, which LiteRT must then use.
func TestPatchedModel(t *testing.T) {
	for name, path := range map[string]string{
		"float32": "../../../tflite/testdata/float32.tflite", "float16": "../../../tflite/testdata/float16_weights.tflite",
	} {
		m, data := loaded(t, path)
		n := network(t, m)
		weights := map[int][]float32{}
		for _, l := range n.Layers[1:4] {
			for _, w := range []*Weight{l.Kernel, l.Bias} {
				values := make([]float32, len(w.Values))
				for i, v := range w.Values {
					values[i] = 0.5*v + 0.25
				}
				weights[w.Tensor] = values
			}
		}
		patched, err := file.Patch(data, weights)
		if err != nil {
			t.Fatal(err)
		}
		x := picture(n)
		results := litert(t, x, data, patched)
		before, after := results[0][0], results[1][0]
		want := forward(t, network(t, parsed(t, patched)), 0, map[int][]float32{n.Input: x})
		near(t, name, after, want)
		if before[0] == after[0] {
			t.Errorf("%s: the patch changed nothing", name)
		}
	}
}
