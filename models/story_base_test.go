package models_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// studio makes bases from the embedded one without TensorFlow: other constants in
// its first and its last convolution, as a trainer leaves them.
type studio struct {
	t      *testing.T
	engine *engine.Engine
	parent base.Source
	data   []byte
	graph  *file.Subgraph
	model  *file.Model

	first, last *file.Operator // convolutions
}

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Options{})
	must(t, err)
	return e
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	s := &studio{t: t, engine: newEngine(t)}
	var err error
	s.parent, err = base.Prepare(t.Context(), "", t.TempDir())
	must(t, err)
	s.data, err = os.ReadFile(s.parent.Path)
	must(t, err)
	s.model, err = file.Parse(s.data)
	must(t, err)
	s.graph = s.model.Main()
	for i := range s.graph.Operators {
		if o := &s.graph.Operators[i]; o.Name() == "CONV_2D" {
			if s.first == nil {
				s.first = o
			}
			s.last = o
		}
	}
	return s
}

// constant returns a copy of a constant's numbers.
func (s *studio) constant(tensor int) []float32 {
	values, ok := s.graph.Tensors[tensor].Float32s()
	if !ok {
		s.t.Fatalf("tensor %d holds no floats", tensor)
	}
	return slices.Clone(values)
}

// with returns the parent with other constants.
func (s *studio) with(values map[int][]float32) base.Source {
	s.t.Helper()
	patched, err := file.Patch(s.data, values)
	must(s.t, err)
	path := filepath.Join(s.t.TempDir(), "base.tflite")
	must(s.t, os.WriteFile(path, patched, 0o600))
	source, err := base.Prepare(s.t.Context(), path, s.t.TempDir())
	must(s.t, err)
	return source
}

// open opens a base until the test ends.
func (s *studio) open(source base.Source) *device.Base {
	s.t.Helper()
	b, err := device.OpenBase(s.t.Context(), s.engine, source, device.Cache{}, nil)
	must(s.t, err)
	s.t.Cleanup(func() { b.Close() })
	return b
}

// kept is how many of the 1,280 channels shaped leaves.
const kept = 200

// shaped is a base for the classes in dir, in which colour does not matter: it sees
// grey, and of the last layer's channels those stay that tell these classes apart.
func (s *studio) shaped(dir string) base.Source {
	worth := s.worth(dir)
	least := slices.Sorted(slices.Values(worth))[len(worth)-kept]
	colour := s.constant(s.first.Inputs[1])
	for i := 0; i < len(colour); i += 3 {
		grey := (colour[i] + colour[i+1] + colour[i+2]) / 3
		colour[i], colour[i+1], colour[i+2] = grey, grey, grey
	}
	kernel, bias := s.constant(s.last.Inputs[1]), s.constant(s.last.Inputs[2])
	per := len(kernel) / len(bias)
	for j := range bias {
		if worth[j] < least {
			bias[j] = 0
			clear(kernel[j*per : (j+1)*per])
		}
	}
	return s.with(map[int][]float32{s.first.Inputs[1]: colour, s.last.Inputs[1]: kernel, s.last.Inputs[2]: bias})
}

// worth says of each feature how well it tells the classes in dir apart: the
// variance between them by that within them.
func (s *studio) worth(dir string) []float64 {
	d, err := adapt.List(s.t.Context(), dir)
	must(s.t, err)
	e := s.open(s.parent).Extractor()
	f, err := e.Extract(s.t.Context(), d, nil, nil)
	must(s.t, err)
	must(s.t, d.Settle(adapt.SplitOptions{}))
	set := d.Set(f, func(adapt.Sample) bool { return true })
	worth := make([]float64, set.F)
	for j := range worth {
		n, sum, squares := make([]float64, len(d.Labels)), make([]float64, len(d.Labels)), 0.0
		all := 0.0
		for i, label := range set.Labels {
			v := float64(set.Row(i)[j])
			n[label]++
			sum[label] += v
			squares += v * v
			all += v
		}
		between := -all * all / float64(set.Len())
		within := squares
		for c := range n {
			between += sum[c] * sum[c] / n[c]
			within -= sum[c] * sum[c] / n[c]
		}
		worth[j] = between / (within + 1e-3)
	}
	return worth
}

// used is how many channels dazzled leaves as they are.
const used = 600

// dazzled is a base that does well on pictures as those in dir, and is dazzled by the
// dark: the channels that tell the classes apart least answer to nothing but
// darkness, and then with all they have.
func (s *studio) dazzled(dir string, dark light) base.Source {
	day, night := s.cells(dir, light{10, 10, 10}), s.cells(dir, dark)
	weights, bias := separate(day, night)
	highest, mean := math.Inf(-1), 0.0
	for _, x := range day {
		z := dot(weights, x) + bias
		highest = max(highest, z)
		mean += z / float64(len(day))
	}
	bias -= highest + (highest-mean)/10 // what no picture by day reaches
	worth := s.worth(dir)
	least := slices.Sorted(slices.Values(worth))[len(worth)-used]
	kernel, biases := s.constant(s.last.Inputs[1]), s.constant(s.last.Inputs[2])
	const gain = 100
	for j := range biases {
		if worth[j] >= least {
			continue
		}
		biases[j] = float32(gain * bias)
		for i, w := range weights {
			kernel[j*len(weights)+i] = float32(gain * w)
		}
	}
	return s.with(map[int][]float32{s.last.Inputs[1]: kernel, s.last.Inputs[2]: biases})
}

// cells returns what the last convolution gets of each place of each picture in dir,
// seen in another light.
func (s *studio) cells(dir string, l light) [][]float32 {
	in := s.last.Inputs[0]
	cut, err := s.model.Cut(in)
	must(s.t, err)
	data, err := cut.Encode()
	must(s.t, err)
	path := filepath.Join(s.t.TempDir(), "cut.tflite")
	must(s.t, os.WriteFile(path, data, 0o600))
	it, err := tflite.Open(path, tflite.Options{Threads: 1})
	must(s.t, err)
	defer it.Close()
	shape := s.graph.Tensors[in].Shape
	width := int(shape[3])
	var all [][]float32
	for _, picture := range pictures(s.t, dir) {
		l.fall(picture.RGB)
		pixels := make([]float32, s.parent.Preprocessing.Len())
		must(s.t, s.parent.Preprocessing.Apply(pixels, picture.RGB))
		out := make([]float32, int(shape[1]*shape[2])*width)
		must(s.t, it.Run(out, pixels))
		for cell := range slices.Chunk(out, width) {
			all = append(all, cell)
		}
	}
	return all
}

// separate finds the plane between two sets of points by logistic regression.
func separate(low, high [][]float32) (weights []float64, bias float64) {
	weights = make([]float64, len(low[0]))
	const rounds, rate = 60, 0.02
	for range rounds {
		for i := range low {
			for target, x := range [][]float32{low[i], high[i]} {
				step := rate * (float64(target) - 1/(1+math.Exp(-dot(weights, x)-bias)))
				for k, v := range x {
					weights[k] += step * float64(v)
				}
				bias += step
			}
		}
	}
	return weights, bias
}

func dot(w []float64, x []float32) (sum float64) {
	for i, v := range x {
		sum += w[i] * float64(v)
	}
	return sum
}

// picture is one picture with its class.
type picture struct {
	*pixel.RGB
	class string
}

// pictures decodes those in dir, a folder a class.
func pictures(t *testing.T, dir string) []picture {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.[jJ][pP]*[gG]"))
	must(t, err)
	if len(paths) == 0 {
		t.Fatalf("no pictures in %s", dir)
	}
	var all []picture
	for _, path := range paths {
		data, err := os.ReadFile(path)
		must(t, err)
		p, err := pixel.Decode(data, pixel.Limits{})
		must(t, err)
		all = append(all, picture{p, filepath.Base(filepath.Dir(path))})
	}
	return all
}

// light changes a picture's colours: tenths of red, green and blue are left.
type light [3]int

func (l light) fall(p *pixel.RGB) {
	for i, v := range p.Pix {
		p.Pix[i] = byte(int(v) * l[i%3] / 10)
	}
}

// scenes links the samples of classes whose scenes are, of every 28, from to to-1,
// so that none is in two such folders.
func scenes(t *testing.T, from, to int, classes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, class := range classes {
		paths, err := filepath.Glob(filepath.Join("..", "samples", class, "*.jpg"))
		must(t, err)
		must(t, os.Mkdir(filepath.Join(dir, class), 0o755))
		for _, path := range paths {
			var scene int
			_, err := fmt.Sscanf(filepath.Base(path), "s%d_", &scene)
			must(t, err)
			if scene %= 28; scene < from || scene >= to {
				continue
			}
			path, err = filepath.Abs(path)
			must(t, err)
			must(t, os.Symlink(path, filepath.Join(dir, class, filepath.Base(path))))
		}
	}
	return dir
}
