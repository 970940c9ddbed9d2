package keras

import (
	"archive/zip"
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/internal/fixture"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base/keras/hdf5"
	"github.com/edge-adapt/edge/tflite/file"
)

// made returns the file that testdata/fixture.py has made with Keras.
func made(t testing.TB) []byte {
	t.Helper()
	return fixture.Gunzip(t, "testdata/network.weights.h5.gz")
}

func converted(t *testing.T, data []byte, o Options) (*file.Model, Info) {
	t.Helper()
	m, info, err := Convert(data, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, hint.Of(err))
	}
	return m, info
}

func TestFixtureAgreesWithKeras(t *testing.T) {
	m, info := converted(t, made(t), Options{})
	if info.Alpha != 0.35 || info.Height != 64 || info.Width != 64 || info.Features != 1280 {
		t.Errorf("%+v", info)
	}
	want := floats(read(t, "testdata/network.f32"))
	if difference, largest := distance(embed(t, m, 64, 64), want); !(difference <= 1e-4*largest) || largest == 0 {
		t.Errorf("the features differ by %g, the largest is %g", difference, largest)
	}
}

// TestModel looks at the model as the rest of the program does.
func TestModel(t *testing.T) {
	data := made(t)
	m, _ := converted(t, data, Options{Input: 128})
	first, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := converted(t, data, Options{Input: 128})
	if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
		t.Errorf("converted again it gives other bytes, %v", err)
	}
	if m, err = file.Parse(first); err != nil {
		t.Fatal(err)
	}
	f, err := m.FeatureTensor()
	if err != nil || !f.Whole || f.Map || f.Count != 1280 || f.Name != "features" {
		t.Errorf("%+v, %v", f, err)
	}
	n, ok := m.Normalisation()
	if !ok || !slices.Equal(n.Mean, []float32{127.5}) || !slices.Equal(n.Std, []float32{127.5}) {
		t.Errorf("%+v, %v", n, ok)
	}
	in := m.Main().Tensors[m.Main().Inputs[0]]
	if !slices.Equal(in.Shape, []int32{1, 128, 128, 3}) || !slices.Equal(in.ShapeSignature, []int32{-1, 128, 128, 3}) {
		t.Errorf("%v %v", in.Shape, in.ShapeSignature)
	}
	s := m.Summary()
	// keras.applications has 382,048 in kernels and 28,160 in batch norm, of which
	// a quarter is left as biases.
	if s.Parameters != 389088 {
		t.Errorf("%d parameters", s.Parameters)
	}
	checkFineTune(t, m)
}

// checkFineTune has fine-tuning find the layers by the names that Keras gives.
func checkFineTune(t *testing.T, m *file.Model) {
	t.Helper()
	net, err := network.Read(m)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range net.Counted {
		names = append(names, c.Name)
	}
	for _, u := range plan() {
		if !slices.Contains(names, u.conv) || !slices.Contains(names, u.norm) {
			t.Errorf("fine-tuning does not know %q and %q", u.conv, u.norm)
		}
	}
}

func TestInput(t *testing.T) {
	data := made(t)
	for _, side := range []int{-1, 1, MinInput - 1, MaxInput + 1} {
		if _, _, err := Convert(data, Options{Input: side}); err == nil || hint.Of(err) == "" {
			t.Errorf("%d pixels: %v", side, err)
		}
	}
	for _, side := range []int{MinInput, 33, MaxInput} {
		if _, info, err := Convert(data, Options{Input: side}); err != nil || info.Height != side || info.Width != side {
			t.Errorf("%d pixels: %+v, %v", side, info, err)
		}
	}
}

func TestIs(t *testing.T) {
	weights := made(t)
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"weights", weights, true},
		{"an archive", archive(t, map[string][]byte{archiveWeights: weights}), true},
		{"another archive", archive(t, map[string][]byte{"weights.h5": weights}), false},
		{"nothing", nil, false},
		{"a .tflite file", read(t, "../../../tflite/file/testdata/pooled.tflite"), false},
	} {
		if got := Is(c.data); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func archive(t *testing.T, parts map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	weights := made(t)
	whole := archive(t, map[string][]byte{
		archiveWeights: weights,
		archiveConfig: []byte(`{"class_name": "Functional", "config": {"layers": [
			{"class_name": "InputLayer", "config": {"batch_shape": [null, 80, 112, 3]}},
			{"class_name": "BatchNormalization", "config": {"name": "bn_Conv1", "epsilon": 0.25}}]}}`),
	})
	m, info := converted(t, whole, Options{})
	if info.Height != 80 || info.Width != 112 || !strings.Contains(info.Notes[0], "a Keras model") {
		t.Errorf("%+v", info)
	}
	plain, _ := converted(t, weights, Options{})
	if bytes.Equal(m.Main().Tensors[2].Data, plain.Main().Tensors[2].Data) {
		t.Error("the epsilon in the configuration changes nothing")
	}
	if len(m.Main().Tensors) != len(plain.Main().Tensors) || !bytes.Equal(m.Main().Tensors[6].Data, plain.Main().Tensors[6].Data) {
		t.Error("the epsilon of one layer changes others")
	}
	for _, c := range []struct {
		want  string
		parts map[string][]byte
	}{
		{"configuration", map[string][]byte{archiveWeights: weights, archiveConfig: []byte("{")}},
		{"not an HDF5 file", map[string][]byte{archiveWeights: []byte("weights")}},
		{"more than", map[string][]byte{archiveWeights: weights, archiveConfig: make([]byte, 80<<20)}},
		{"input of 8x8", map[string][]byte{archiveWeights: weights,
			archiveConfig: []byte(`[{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 8, 8, 3]}},
				{"class_name": "BatchNormalization", "config": {"name": "bn_Conv1"}}]`)}},
	} {
		if _, _, err := Convert(archive(t, c.parts), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q: %v", c.want, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		text          string
		height, width int
	}{
		{`{}`, 0, 0},
		{`[null, 1, "x", {"class_name": 3, "config": []}]`, 0, 0},
		// The model around it takes larger pictures.
		{`{"config": {"layers": [
			{"class_name": "InputLayer", "config": {"batch_shape": [null, 256, 256, 3]}},
			{"class_name": "Functional", "config": {"layers": [
				{"class_name": "InputLayer", "config": {"batch_shape": [null, 96, 128, 3]}},
				{"class_name": "BatchNormalization", "config": {"name": "bn_Conv1", "epsilon": 0.5}}]}}]}}`, 96, 128},
		// Open, grey, or beyond what a base may have.
		{`[{"class_name": "InputLayer", "config": {"batch_shape": [null, null, null, 3]}}, {"class_name": "BatchNormalization", "config": {"name": "bn_Conv1"}}]`, 0, 0},
		{`[{"class_name": "InputLayer", "config": {"batch_shape": [null, 96, 96, 1]}}, {"class_name": "BatchNormalization", "config": {"name": "bn_Conv1"}}]`, 0, 0},
		{`[{"class_name": "InputLayer", "config": {"batch_shape": [null, 1e9, 1e9, 3]}}, {"class_name": "BatchNormalization", "config": {"name": "bn_Conv1"}}]`, 0, 0},
	} {
		got, err := parseConfig([]byte(c.text))
		if err != nil || got.height != c.height || got.width != c.width {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
}

// TestRefusesLayers takes a network that is right and spoils one thing.
func TestRefusesLayers(t *testing.T) {
	data := made(t)
	for _, c := range []struct {
		want  string
		spoil func(map[string]*layer)
	}{
		{`layer "block_3_expand": it has no kernel`, func(l map[string]*layer) { delete(l["block_3_expand"].weights, kernel) }},
		{`batch norm "Conv_1_bn": it has no moving_variance`, func(l map[string]*layer) { delete(l["Conv_1_bn"].weights, movingSpread) }},
		{`its kernel has the shape [1 1 8 48], want [3 3 48]`, func(l map[string]*layer) {
			l["block_1_depthwise"].weights[kernel] = l["block_1_expand"].weights[kernel]
		}},
		{`its kernel has the shape [1 1 48 8]`, func(l map[string]*layer) {
			l["block_1_expand"].weights[kernel] = l["block_1_project"].weights[kernel]
		}},
		{`its gamma has the shape [16], want [1280]`, func(l map[string]*layer) {
			l["Conv_1_bn"].weights[gamma] = l["bn_Conv1"].weights[gamma]
		}},
		{`its kernel has the shape [16]`, func(l map[string]*layer) { l["Conv1"].weights[kernel] = l["bn_Conv1"].weights[gamma] }},
		{`layer "block_2_project" makes 16 channels and "block_1_project" 8`, func(l map[string]*layer) {
			l["block_2_project"].weights[kernel] = l["block_3_project"].weights[kernel]
			l["block_2_project_BN"].weights = l["block_3_project_BN"].weights
		}},
	} {
		src, err := open(data)
		if err != nil {
			t.Fatal(err)
		}
		found, pairs, err := recognise(src.sets())
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(found.named)
		if _, err = readNetwork(pairs, src.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestRecogniseRefuses(t *testing.T) {
	if _, _, err := Convert([]byte("nothing"), Options{}); !errors.Is(err, hdf5.ErrNotHDF5) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	src, err := open(made(t))
	if err != nil {
		t.Fatal(err)
	}
	sets := src.sets()
	if len(sets) != 1 {
		t.Fatalf("%d sets", len(sets))
	}
	if _, _, err := recognise(append(sets, sets[0])); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("%v", err)
	}
	s := sets[0]
	delete(s.named, "block_5_add")
	delete(s.named, "block_5_expand_BN")
	if _, _, err := recognise(sets); err != nil || s.by != "order" {
		t.Errorf("without a name: by %q, %v", s.by, err)
	}
	s.norms = s.norms[1:]
	if _, _, err := recognise(sets); !errors.Is(err, errNotMobileNetV2) || !strings.Contains(err.Error(), `"block_5_expand_BN" is missing`) {
		t.Errorf("%v", err)
	}
	clear(s.named)
	if _, _, err := recognise(sets); err == nil || !strings.Contains(err.Error(), "52 convolutions and 51 batch norms, where 52") {
		t.Errorf("%v", err)
	}
}

// TestFold compares a folded convolution with a convolution and batch norm after
// it, on one position.
func TestFold(t *testing.T) {
	kernel := []float32{1, 2, 3, 4, 5, 6, -7, 8} // 1x1, of 4 channels 2
	scale, shift := []float64{0.5, -3}, []float64{10, 20}
	f := folded{unit: unit{kind: expand}, in: 4, out: 2}
	if err := f.fold(kernel, []float32{1, 1}, scale, shift); err != nil {
		t.Fatal(err)
	}
	for o := range 2 {
		x := []float64{1, -1, 2, 0.5}
		got, want := float64(f.bias[o]), 1.0
		for i := range x {
			got += x[i] * float64(f.weights[o*4+i])
			want += x[i] * float64(kernel[i*2+o])
		}
		if want = want*scale[o] + shift[o]; math.Abs(got-want) > 1e-5 {
			t.Errorf("channel %d: %v, want %v", o, got, want)
		}
	}
	f = folded{unit: unit{kind: depthwise}, in: 2, out: 2}
	if err := f.fold(kernel, nil, scale, shift); err != nil || !slices.Equal(f.weights, []float32{0.5, -6, 1.5, -12, 2.5, -18, -3.5, -24}) {
		t.Errorf("%v, %v", f.weights, err)
	}
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(-1)), 3e38} {
		kernel[3] = bad
		if err := f.fold(kernel, nil, scale, shift); err == nil {
			t.Errorf("a weight of %v is taken", bad)
		}
	}
}

func TestNormalise(t *testing.T) {
	parts := statistics{gamma: []float32{2, 1}, beta: []float32{1, 0}, mean: []float32{3, -1}, variance: []float32{3.99, 0}}
	scale, shift, err := parts.normalise(0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range []float64{5, 5} {
		got := scale[i]*x + shift[i]
		want := float64(parts.gamma[i])*(x-float64(parts.mean[i]))/math.Sqrt(float64(parts.variance[i])+0.01) + float64(parts.beta[i])
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("channel %d: %v, want %v", i, got, want)
		}
	}
	parts.gamma, parts.beta = nil, nil
	if scale, shift, err = parts.normalise(0.01); err != nil || math.Abs(scale[0]-0.5) > 1e-6 || math.Abs(shift[0]+1.5) > 1e-6 {
		t.Errorf("%v %v %v", scale, shift, err)
	}
	for _, bad := range []float32{-1, float32(math.NaN())} {
		parts.variance[1] = bad
		if _, _, err := parts.normalise(0.01); err == nil || !strings.Contains(err.Error(), "channel 1") {
			t.Errorf("a variance of %v: %v", bad, err)
		}
	}
}

// TestScaled compares with widths that keras.applications gives.
func TestScaled(t *testing.T) {
	for _, c := range []struct {
		width int
		alpha float64
		want  int
	}{
		{32, 0.35, 16}, {16, 0.35, 8}, {24, 0.35, 8}, {32, 1.4, 48}, {1280, 1.4, 1792}, {320, 0.35, 112}, {96, 0.5, 48}, {16, 0.01, 8},
	} {
		if got := scaled(c.width, c.alpha); got != c.want {
			t.Errorf("%d at %v: %d, want %d", c.width, c.alpha, got, c.want)
		}
	}
}

func TestPlan(t *testing.T) {
	if len(plan()) != 52 || len(known()) != 104 {
		t.Fatalf("%d units, %d names", len(plan()), len(known()))
	}
	count := map[kind]int{}
	strides, adds := 0, 0
	for _, u := range plan() {
		count[u.kind]++
		if u.stride == 2 {
			strides++
		}
		if u.add != "" {
			adds++
		}
	}
	// 5 strides make a 32nd; 10 blocks have their input added at width 1, and 3
	// more could at other widths.
	if count[depthwise] != 17 || count[expand] != 16 || count[project] != 17 || strides != 5 || adds != 13 {
		t.Errorf("%v, %d strides, %d sums", count, strides, adds)
	}
}

// TestDamaged changes bytes of a whole network: an error or a base, no panic.
func TestDamaged(t *testing.T) {
	data := made(t)
	for i := range 100 {
		bad := bytes.Clone(data)
		at := i * 7919 % len(bad)
		if i%2 == 0 {
			at = i * 131 // where the structure is densest
		}
		bad[at] ^= byte(1 + i%255)
		if i%10 == 0 {
			bad = bad[:at]
		}
		m, _, err := Convert(bad, Options{})
		if err == nil {
			if _, err := m.Encode(); err != nil {
				t.Errorf("byte %d: a base that cannot be written: %v", at, err)
			}
		}
	}
}

// FuzzConvert changes the front of a whole network, where its structure begins.
func FuzzConvert(f *testing.F) {
	data := made(f)
	f.Add(0, []byte{0x89})
	f.Add(24, []byte{0xff, 0xff, 0xff})
	f.Add(0x88, []byte("HEAP"))
	f.Add(len(data)/2, make([]byte, 64))
	f.Fuzz(func(_ *testing.T, at int, change []byte) {
		bad := bytes.Clone(data)
		if at >= 0 && at < len(bad) {
			copy(bad[at:], change)
		}
		_, _, _ = Convert(bad, Options{})
	})
}
