package export

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// bases are tflite's test models that are bases of one picture; make_models.py made them.
var bases = []string{"float32", "float16_weights", "int8", "uint8", "open_batch", "map", "map_int8"}

// forTest is a classifier with a random head on a test model, and that base running.
func forTest(t testing.TB, name string) (*Classifier, *tflite.Base) {
	t.Helper()
	path := filepath.Join("..", "..", "tflite", "testdata", name+".tflite")
	source, err := base.Prepare(t.Context(), path, t.TempDir())
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
	running, err := tflite.OpenBase(source.Path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Close() })
	return &Classifier{
		Task: "lamps", Generation: 3, BaseName: name, Base: m, Preprocessing: source.Preprocessing,
		Head: head.New(source.Features, 5, 3, 1), Labels: []string{"off", "on", "öl"},
	}, running
}

// written opens the bytes of a model.
func written(t testing.TB, data []byte) *tflite.Interpreter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	it, err := tflite.Open(path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { it.Close() })
	return it
}

// noise is a picture of random bytes.
func noise(width, height int, seed uint64) *pixel.RGB {
	random := rand.New(rand.NewPCG(seed, 1))
	p := &pixel.RGB{Width: width, Height: height, Pix: make([]byte, 3*width*height)}
	for i := range p.Pix {
		p.Pix[i] = byte(random.Uint32())
	}
	return p
}

// want is what edge computes: preprocessing, base, head.
func want(t testing.TB, c *Classifier, running *tflite.Base, picture *pixel.RGB) []float32 {
	t.Helper()
	pixels, features := make([]float32, c.Preprocessing.Len()), make([]float32, c.Head.Features)
	if err := c.Preprocessing.Apply(pixels, picture); err != nil {
		t.Fatal(err)
	}
	if err := running.Embed(features, pixels); err != nil {
		t.Fatal(err)
	}
	return c.Head.Scorer()(features)
}

// got feeds a picture of the exported model's size, in the range that it states.
func got(t testing.TB, c *Classifier, it *tflite.Interpreter, picture *pixel.RGB) []float32 {
	t.Helper()
	in := it.Inputs()[0]
	feed := c.Preprocessing
	feed.Height, feed.Width = in.Shape[1], in.Shape[2]
	if q := in.Quantisation; q != nil {
		feed.Scale, feed.Offset = q.Scale, -q.Scale*float32(q.ZeroPoint)
	}
	pixels, scores := make([]float32, feed.Len()), make([]float32, len(c.Labels))
	if err := feed.Apply(pixels, picture); err != nil {
		t.Fatal(err)
	}
	if err := it.Run(scores, pixels); err != nil {
		t.Fatal(err)
	}
	return scores
}

func near(t testing.TB, what string, got, want []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// TestExports compares the exports of every kind of base with what edge computes.
func TestExports(t *testing.T) {
	for _, name := range bases {
		t.Run(name, func(t *testing.T) {
			c, running := forTest(t, name)
			data, err := c.TFLite()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := c.TFLite(); err != nil || !slices.Equal(again, data) {
				t.Errorf("the same classifier gave other bytes: %v", err)
			}
			p := c.Preprocessing
			it := written(t, data)
			if in := it.Inputs()[0]; in.Type != tflite.Float32 && in.Type != tflite.UInt8 || in.Name != ImageName {
				t.Errorf("input %v", in)
			}
			if out := it.Outputs()[0]; out.Type != tflite.Float32 || out.Name != ScoresName {
				t.Errorf("output %v", out)
			}
			frigate, err := c.Frigate()
			if err != nil {
				t.Fatal(err)
			}
			bytesIn := written(t, frigate)
			if in, out := bytesIn.Inputs()[0], bytesIn.Outputs()[0]; in.Type != tflite.UInt8 || out.Type != tflite.UInt8 || in.Shape[1] != FrigateSide || in.Shape[2] != FrigateSide {
				t.Errorf("Frigate: input %v, output %v", in, out)
			}
			for seed := range uint64(3) {
				small := noise(p.Width, p.Height, seed)
				near(t, "tflite", got(t, c, it, small), want(t, c, running, small), 1e-5)
				large := noise(FrigateSide, FrigateSide, seed)
				tolerance := 0.5/256 + 1e-5
				if c.Base.Main().Tensors[c.Base.Main().Inputs[0]].Type != file.Float32 {
					tolerance += 0.01 // resampled pixels half-way between two steps
				}
				near(t, "Frigate", got(t, c, bytesIn, large), want(t, c, running, large), tolerance)
			}
			reimported(t, c, data)
		})
	}
}

// reimported takes an export for a base, as edge does: it is cut at the same
// features, fed the same pixels, and has the labels.
func reimported(t *testing.T, c *Classifier, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exported.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := base.Prepare(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, q := source.Preprocessing, c.Preprocessing
	white, whiteBefore := 255*p.Scale+p.Offset, 255*q.Scale+q.Offset
	if source.Features != c.Head.Features || p.Width != q.Width || math.Abs(float64(white-whiteBefore)) > 1e-5 || math.Abs(float64(p.Offset-q.Offset)) > 1e-5 {
		t.Errorf("as a base it has %d features and %+v, want %d and %+v", source.Features, p, c.Head.Features, q)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if labels, err := m.Labels(); err != nil || strings.Join(labels, " ") != strings.Join(c.Labels, " ") {
		t.Errorf("labels %q, %v", labels, err)
	}
}

// TestScaledBytes feeds quantised bases that do not take the bytes as they are.
func TestScaledBytes(t *testing.T) {
	for _, name := range []string{"int8", "uint8"} {
		c, running := forTest(t, name)
		c.Preprocessing.Scale *= 0.5 // half the range
		data, err := c.TFLite()
		if err != nil {
			t.Fatal(err)
		}
		it := written(t, data)
		for seed := range uint64(3) {
			picture := noise(c.Preprocessing.Width, c.Preprocessing.Height, seed)
			// Half of an odd byte lies between two steps.
			near(t, name, got(t, c, it, picture), want(t, c, running, picture), 0.01)
		}
	}
}

func TestRefuses(t *testing.T) {
	for text, spoil := range map[string]func(c *Classifier){
		"the head takes 7":     func(c *Classifier) { c.Head = head.New(7, 0, 3, 1) },
		"and 2 outputs":        func(c *Classifier) { c.Base.Main().Outputs = append(c.Base.Main().Outputs, 0) },
		"takes pictures of":    func(c *Classifier) { c.Preprocessing.Width++ },
		"takes int32":          func(c *Classifier) { c.Base.Main().Tensors[c.Base.Main().Inputs[0]].Type = file.Int32 },
		"has 2 subgraphs":      func(c *Classifier) { c.Base.Subgraphs = append(c.Base.Subgraphs, c.Base.Subgraphs[0]) },
		"not one scale":        func(c *Classifier) { quantised(c, nil) },
		"head's class weights": func(c *Classifier) { c.Head.W2[0] = float32(math.NaN()) },
	} {
		c, _ := forTest(t, "map")
		spoil(c)
		for _, export := range []func() ([]byte, error){c.TFLite, c.Frigate} {
			if _, err := export(); err == nil || !strings.Contains(err.Error(), text) || !strings.HasPrefix(err.Error(), "export") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	c, _ := forTest(t, "map")
	c.Labels = make([]string, maxFrigateClasses+1)
	if _, err := c.Frigate(); err == nil || !strings.Contains(err.Error(), "257 classes") {
		t.Errorf("too many classes for bytes: %v", err)
	}
}

func quantised(c *Classifier, q *file.Quantisation) {
	in := &c.Base.Main().Tensors[c.Base.Main().Inputs[0]]
	in.Type, in.Quantisation = file.UInt8, q
}

// TestResampling compares the matrices with the preprocessing itself.
func TestResampling(t *testing.T) {
	for _, rule := range []pixel.Resize{pixel.Bilinear, pixel.BilinearAliased} {
		for _, c := range [][2]int{{224, 128}, {224, 96}, {224, 224}, {224, 300}, {5, 3}, {1, 4}} {
			from, to := c[0], c[1]
			weights, err := resampling(rule, from, to)
			if err != nil {
				t.Fatal(err)
			}
			row := noise(from, 1, 7)
			p := pixel.Preprocessing{Width: to, Height: 1, Colour: "rgb", Scale: 1.0 / 255, Resize: rule}
			want := make([]float32, p.Len())
			if err := p.Apply(want, row); err != nil {
				t.Fatal(err)
			}
			for j := range to {
				var sum, whole float64
				for i := range from {
					sum += float64(weights[j*from+i]) * float64(row.Pix[3*i]) / 255
					whole += float64(weights[j*from+i])
				}
				if math.Abs(sum-float64(want[3*j])) > 1e-6 || math.Abs(whole-1) > 1e-6 {
					t.Fatalf("%s %d to %d: pixel %d is %v, want %v; weights sum to %v", rule, from, to, j, sum, want[3*j], whole)
				}
			}
		}
	}
}
