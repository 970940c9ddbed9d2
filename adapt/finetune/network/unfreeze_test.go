package network

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// trains lists the layers whose kernel, norm or both train, in order.
func trains(n *Network, s Selection) string {
	var words []string
	for i, l := range n.Layers {
		switch {
		case s.Kernels[i] && s.Norms[i]:
			words = append(words, l.Name+":both")
		case s.Kernels[i]:
			words = append(words, l.Name+":kernel")
		case s.Norms[i]:
			words = append(words, l.Name+":norm")
		}
	}
	return strings.Join(words, " ")
}

// The reference's fractions of MobileNetV2: int(154 * fraction) layers.
func TestUnfreezeMobileNetV2(t *testing.T) {
	m, _ := loaded(t, embedded)
	n := network(t, m)
	at := func(name string) int {
		return slices.IndexFunc(n.Layers, func(l Layer) bool { return l.Name == name })
	}
	for _, c := range []struct {
		fraction float64
		norms    bool
		counted  int
		first    string // layer
		frontier string // layers that make it
	}{
		{0.1, false, 15, "block_15_project", "block_14_add block_15_depthwise"},
		{0.1, true, 15, "block_15_project", "block_14_add block_15_depthwise"},
		{0.2, false, 30, "block_14_expand", "block_13_project"},
		{0.2, true, 30, "block_13_project", "block_13_depthwise"},
		{0.5, false, 77, "block_8_project", "block_7_add block_8_depthwise"},
		{0.5, true, 77, "block_8_project", "block_7_add block_8_depthwise"},
	} {
		s, err := n.Unfreeze(c.fraction, c.norms)
		if err != nil {
			t.Fatal(err)
		}
		var frontier []string
		for _, tensor := range s.Frontier {
			i := slices.IndexFunc(n.Layers, func(l Layer) bool { return l.Output == tensor })
			frontier = append(frontier, n.Layers[i].Name)
		}
		if got := strings.Join(frontier, " "); s.Counted != c.counted || s.First != at(c.first) || got != c.frontier || s.Fraction != c.fraction {
			t.Errorf("%v, norms %v: %d layers from %d on, frontier %s", c.fraction, c.norms, s.Counted, s.First, got)
		}
	}
	s, _ := n.Unfreeze(0.2, true)
	if i := at("block_13_project"); s.Kernels[i] || !s.Norms[i] || s.Kernels[i-1] || s.Norms[i-1] {
		t.Error("of block_13_project the norm alone should train")
	}
	s, _ = n.Unfreeze(0.2, false)
	if got, want := trains(n, s), "block_14_expand:both block_14_depthwise:both block_14_project:both "+
		"block_15_expand:both block_15_depthwise:both block_15_project:both "+
		"block_16_expand:both block_16_depthwise:both block_16_project:both Conv_1:both"; got != want {
		t.Errorf("20 %% trains %s", got)
	}
}

func TestUnfreezeEnds(t *testing.T) {
	m, _ := loaded(t, embedded)
	n := network(t, m)
	for _, fraction := range []float64{0, 0.001, 0.01} { // 0.01 is out_relu alone
		s, err := n.Unfreeze(fraction, true)
		if err != nil {
			t.Fatal(err)
		}
		if s.First != len(n.Layers) || !slices.Equal(s.Frontier, []int{n.Feature.Tensor}) || trains(n, s) != "" {
			t.Errorf("%v: from layer %d, frontier %v, trains %q", fraction, s.First, s.Frontier, trains(n, s))
		}
	}
	s, err := n.Unfreeze(1, false)
	if err != nil {
		t.Fatal(err)
	}
	if s.First != 0 || !slices.Equal(s.Frontier, []int{n.Input}) || s.Counted != 154 {
		t.Errorf("everything: from layer %d, frontier %v", s.First, s.Frontier)
	}
	if prefix, err := n.Prefix(s); prefix != nil || err != nil {
		t.Errorf("a prefix before everything: %v, %v", prefix, err)
	}
	for _, fraction := range []float64{-0.1, 1.01, 20, math.NaN(), math.Inf(1)} {
		if _, err := n.Unfreeze(fraction, false); err == nil || hint.Of(err) == "" {
			t.Errorf("a fraction of %v: %v", fraction, err)
		}
	}
}

func TestUnfreezeFrom(t *testing.T) {
	m, _ := tinyV2().built(t)
	n := network(t, m)
	for _, c := range []struct {
		name  string
		norms bool
		want  string
	}{
		{"out_relu", true, ""},
		{"Conv_1_bn", false, ""},
		{"Conv_1_bn", true, "Conv_1:norm"},
		{"Conv_1", false, "Conv_1:both"},
		{"block_2_add", false, "Conv_1:both"},
		{"block_2_project_BN", false, "Conv_1:both"},
		{"block_2_project_BN", true, "block_2_project:norm Conv_1:both"},
		{"block_2_project", true, "block_2_project:both Conv_1:both"},
	} {
		s, err := n.UnfreezeFrom(c.name, c.norms)
		if err != nil {
			t.Fatal(err)
		}
		if got := trains(n, s); got != c.want {
			t.Errorf("%s, norms %v: %s", c.name, c.norms, got)
		}
		if got := n.Counted[len(n.Counted)-s.Counted].Name; got != c.name {
			t.Errorf("%s: begins with %s", c.name, got)
		}
	}
	if s, err := n.UnfreezeFrom("input_layer", false); err != nil || s.Counted != len(n.Counted) {
		t.Errorf("from the input: %v, %v", s, err)
	}
	_, err := n.UnfreezeFrom("block2_expand", false)
	if want := "nearest are block_2_expand, block_1_expand, "; err == nil || !strings.HasPrefix(hint.Of(err), want) {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}

// A bias that is no norm's trains with its kernel; a dense layer has no norm.
func TestUnfreezeWithoutNorms(t *testing.T) {
	m, _ := every().built(t)
	n := network(t, m)
	for _, norms := range []bool{false, true} {
		s, err := n.UnfreezeFrom("conv2d_2", norms)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := trains(n, s), "conv2d_2:kernel conv2d_3:both dense:kernel"; got != want {
			t.Errorf("norms %v: %s, want %s", norms, got, want)
		}
		if got := len(s.trained(&n.Layers[s.First], s.First)); got != 2 {
			t.Errorf("%d weights of conv2d_2 train", got)
		}
	}
}

// A picture that is read again later never crosses beside other tensors.
func TestPictureReadTwice(t *testing.T) {
	b := newBuilder(1, 4, 4, 3)
	x := b.conv(0, 3, 1, 3, file.Relu)
	x = b.conv(x, 3, 1, 3, file.Relu)
	x = b.operator(file.OpAdd, nil, b.shape(x), x, 0)
	b.conv(x, 1, 1, 5, file.Relu)
	m, _ := b.built(t)
	n := network(t, m)
	for name, first := range map[string]int{"conv2d_2": 3, "add": 3, "conv2d_1": 0, "conv2d": 0} {
		s, err := n.UnfreezeFrom(name, false)
		if err != nil {
			t.Fatal(err)
		}
		if s.First != first || len(s.Frontier) != 1 {
			t.Errorf("from %s: layer %d, frontier %v", name, s.First, s.Frontier)
		}
		if _, err := n.Prefix(s); err != nil {
			t.Errorf("from %s: %v", name, err)
		}
	}
}

// Weights that a file stores once for two layers cannot be trained apart.
func TestSharedWeights(t *testing.T) {
	for what, share := range map[string]func(*builder){
		"one tensor":         func(b *builder) { b.Operators[9].Inputs[2] = b.Operators[6].Inputs[2] },
		"one buffer for two": func(b *builder) { b.Tensors[b.Operators[9].Inputs[2]].Data = b.Tensors[b.Operators[6].Inputs[2]].Data },
		"one buffer for two, of which no layer reads one": func(b *builder) {
			bias := b.Tensors[b.Operators[9].Inputs[2]]
			b.add(file.Tensor{Name: "elsewhere", Shape: bias.Shape, Data: bias.Data})
		},
	} {
		b := tinyV2() // operator 6 is block_2_expand, 9 the addition
		b.Operators = slices.Delete(b.Operators, 9, 10)
		b.Operators[9].Inputs[0] = b.Operators[8].Outputs[0]
		channels := b.shape(b.Operators[6].Inputs[2])[0]
		kernel := b.weight(6, channels, 1, 1, 6)
		b.Operators[9].Inputs[1], b.Operators[9].Inputs[2] = kernel, b.weight(8, channels)
		b.Tensors[b.Operators[9].Outputs[0]].Shape[3] = channels
		b.Tensors[b.Operators[10].Outputs[0]].Shape[1] = channels
		share(b)
		n := network(t, parsed(t, encoded(t, b.model(b.Operators[10].Outputs[0]))))
		if _, err := n.UnfreezeFrom("block_2_depthwise", false); err == nil {
			t.Errorf("%s: Conv_1 trains a bias that is stored once for two", what)
		} else if !strings.Contains(err.Error(), "layer Conv_1 shares weights of shape [8]") || hint.Of(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := n.Unfreeze(0, false); err != nil {
			t.Errorf("%s: the head alone: %v", what, err)
		}
	}
}

func TestPrefixKeepsOrder(t *testing.T) {
	m, _ := tinyV2().built(t)
	n := network(t, m)
	s, err := n.UnfreezeFrom("block_2_project", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Frontier) != 2 {
		t.Fatalf("frontier %v", s.Frontier)
	}
	prefix, err := n.Prefix(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, out := range prefix.Main().Outputs {
		if got, want := prefix.Main().Tensors[out].Shape, n.Shape(s.Frontier[i]); int(got[3]) != want[2] {
			t.Errorf("output %d has shape %v, want %v", i, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"conv1", "Conv1", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
