package network

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/tflite/file"
)

// kerasBase is what keras_layers.py prints of a base.
type kerasBase struct {
	First  map[string]string // by fraction
	Layers []struct {
		Name, Class string
		Shape       []int
		Parameters  int64
	}
}

func kerasBases(t *testing.T) map[string]kerasBase {
	t.Helper()
	data, err := os.ReadFile("testdata/keras_layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var bases map[string]kerasBase
	if err := json.Unmarshal(data, &bases); err != nil {
		t.Fatal(err)
	}
	return bases
}

var kinds = map[string]Kind{
	"InputLayer": KindInput, "ZeroPadding2D": KindPadding, "BatchNormalization": KindNorm, "Conv2D": KindKernel,
	"DepthwiseConv2D": KindKernel, "ReLU": KindActivation, "Add": KindOther,
}

// asKeras compares the counted layers with Keras' own.
func asKeras(t *testing.T, path, base string) *Network {
	t.Helper()
	m, _ := loaded(t, path)
	n := network(t, m)
	want := kerasBases(t)[base]
	if len(want.Layers) == 0 {
		t.Fatalf("no %s in keras_layers.json", base)
	}
	s, err := n.Unfreeze(1, true)
	if err != nil {
		t.Fatal(err)
	}
	rows := n.Plan(s).Layers
	if len(rows) != len(want.Layers) {
		t.Errorf("%d layers counted, Keras has %d", len(rows), len(want.Layers))
	}
	for i := range min(len(rows), len(want.Layers)) {
		got, want := rows[i], want.Layers[i]
		if got.Name != want.Name || got.Kind != kinds[want.Class] || !slices.Equal(got.Shape, want.Shape) {
			t.Fatalf("layer %d is %v, Keras' %v", i, got, want)
		}
		parameters := want.Parameters
		if got.Kind == KindNorm {
			parameters /= 4 // of gamma, beta, mean and variance the bias is left
		}
		if got.Parameters != parameters {
			t.Errorf("%s has %d parameters, Keras' %d", got.Name, got.Parameters, parameters)
		}
		if trains := got.Kind == KindKernel || got.Kind == KindNorm; got.Trains != trains {
			t.Errorf("with everything unfrozen, %s trains: %v", got.Name, got.Trains)
		}
	}
	for fraction, name := range want.First {
		var f float64
		fmt.Sscan(fraction, &f)
		s, err := n.Unfreeze(f, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Counted[len(n.Counted)-s.Counted].Name; got != name {
			t.Errorf("%s of the layers begin with %s, Keras' with %s", fraction, got, name)
		}
	}
	return n
}

func TestEmbeddedBaseAsKeras(t *testing.T) {
	n := asKeras(t, embedded, "mobilenet_v2_0.35_128")
	if len(n.Counted) != 154 {
		t.Errorf("%d counted layers", len(n.Counted))
	}
	// The pooling, scale and offset at its end are layers, but not counted.
	for i, code := range []file.OpCode{file.OpMean, file.OpMul, file.OpAdd} {
		if l := n.Layers[62+i]; l.Code != code || l.Norm {
			t.Errorf("layer %d is %v %q, norm %v", 62+i, l.Code, l.Name, l.Norm)
		}
	}
}

func TestSharedBasesAsKeras(t *testing.T) {
	asKeras(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"), "mobilenet_v2_1.0_128")
	asKeras(t, shareddata.Path(t, "weights/mobilenet_v1_0.25_224_1_default_1.tflite"), "mobilenet_v1_0.25_224")
}

func countedNames(n *Network) string {
	var list []string
	for _, c := range n.Counted {
		list = append(list, c.Name)
	}
	return strings.Join(list, " ")
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		what  string
		build func() *builder
		want  string
	}{
		{"MobileNetV2", tinyV2, "input_layer Conv1 bn_Conv1 Conv1_relu " +
			"expanded_conv_depthwise expanded_conv_depthwise_BN expanded_conv_depthwise_relu expanded_conv_project expanded_conv_project_BN " +
			"block_1_expand block_1_expand_BN block_1_expand_relu block_1_pad block_1_depthwise block_1_depthwise_BN block_1_depthwise_relu " +
			"block_1_project block_1_project_BN " +
			"block_2_expand block_2_expand_BN block_2_expand_relu block_2_depthwise block_2_depthwise_BN block_2_depthwise_relu " +
			"block_2_project block_2_project_BN block_2_add Conv_1 Conv_1_bn out_relu"},
		{"MobileNetV1 with paddings of its own", func() *builder {
			b := newBuilder(1, 9, 9, 3)
			x := b.conv(b.pad(0), 3, 2, 4, file.Relu6)
			x = b.conv(b.depthwise(x, 3, 1, file.Relu6), 1, 1, 4, file.Relu6)
			b.conv(b.depthwise(b.pad(x), 3, 2, file.Relu6), 1, 1, 8, file.Relu6)
			return b
		}, "input_layer conv1_pad conv1 conv1_bn conv1_relu conv_dw_1 conv_dw_1_bn conv_dw_1_relu conv_pw_1 conv_pw_1_bn conv_pw_1_relu " +
			"conv_pad_2 conv_dw_2 conv_dw_2_bn conv_dw_2_relu conv_pw_2 conv_pw_2_bn conv_pw_2_relu"},
		{"no family", every, "input_layer zero_padding2d conv2d conv2d_bn conv2d_relu activation depthwise_conv2d depthwise_conv2d_bn re_lu " +
			"global_average_pooling2d conv2d_1 conv2d_1_relu conv2d_2 add add_relu6 multiply multiply_1 conv2d_3 conv2d_3_bn re_lu_1 " +
			"average_pooling2d dense dense_relu"},
		{"windows of 5 are no MobileNet's", func() *builder {
			b := newBuilder(1, 8, 8, 3)
			x := b.conv(0, 3, 2, 4, file.Relu6)
			b.conv(b.depthwise(x, 5, 1, file.Relu6), 1, 1, 4, file.Relu6)
			return b
		}, "input_layer conv2d conv2d_bn conv2d_relu6 depthwise_conv2d depthwise_conv2d_bn depthwise_conv2d_relu6 conv2d_1 conv2d_1_bn conv2d_1_relu6"},
	} {
		m, _ := c.build().built(t)
		n := network(t, m)
		if got := countedNames(n); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
		unique(t, n)
	}
}

// unique checks that no name is given twice, counted or not.
func unique(t testing.TB, n *Network) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range n.Counted {
		if seen[c.Name] {
			t.Errorf("%s is counted twice", c.Name)
		}
		seen[c.Name] = true
	}
	layers := map[string]bool{}
	for _, l := range n.Layers {
		if layers[l.Name] || l.Name == "" {
			t.Errorf("layer %q is there twice", l.Name)
		}
		layers[l.Name] = true
	}
}
