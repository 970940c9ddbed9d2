package network

import (
	"errors"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// A whole classifier is read to its scores, with the layers that Read gives
// before them.
func TestReadWhole(t *testing.T) {
	for name, layers := range map[string]int{"pooled": 7, "pooled_batch": 7, "convolution": 8, "hidden": 16, "squeezenet": 7, "map": 4, "vector": 5} {
		m, _ := loaded(t, "../../../tflite/file/testdata/"+name+".tflite")
		n, err := ReadWhole(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		base := network(t, m)
		if len(n.Layers) != layers || n.Feature.Tensor != m.Main().Outputs[0] || !n.Feature.Whole {
			t.Errorf("%s: %d layers, want %d; %+v", name, len(n.Layers), layers, n.Feature)
		}
		for i, l := range base.Layers {
			if n.Layers[i].Operator != l.Operator || n.Layers[i].Code != l.Code {
				t.Errorf("%s: layer %d is %v, and %v of the base", name, i, n.Layers[i].Code, l.Code)
			}
		}
		if name == "pooled" && (n.Layers[layers-1].Code != file.OpSoftmax || n.Feature.Count != 5) {
			t.Errorf("%s ends in %v, %+v", name, n.Layers[layers-1].Code, n.Feature)
		}
		unique(t, n)
	}
}

func TestReadWholeRefuses(t *testing.T) {
	m, _ := loaded(t, "../../../tflite/file/testdata/pooled_int8.tflite")
	if _, err := ReadWhole(m); !errors.Is(err, ErrQuantised) {
		t.Errorf("int8: %v", err)
	}
	m, _ = loaded(t, "../../../tflite/file/testdata/flattened.tflite")
	_, err := ReadWhole(m)
	if h := hint.Of(err); err == nil || !strings.Contains(err.Error(), "MAX_POOL_2D: this operator cannot be exported") || !strings.Contains(h, "SOFTMAX") {
		t.Errorf("%v, hint %q", err, h)
	}
	if _, err := ReadWhole(newBuilder(1, 4, 4, 3).model(0)); err == nil || !strings.Contains(err.Error(), "it has none") {
		t.Errorf("no layers: %v", err)
	}
	b := newBuilder(3, 1, 1, 1)
	x := b.operator(file.OpReshape, file.ReshapeOptions{}, []int32{3}, 0)
	x = b.operator(file.OpSoftmax, file.SoftmaxOptions{Beta: 1}, []int32{3}, x)
	if _, err := ReadWhole(b.model(x)); err == nil || !strings.Contains(err.Error(), "it would mix pictures") {
		t.Errorf("softmax over the batch: %v", err)
	}
}
