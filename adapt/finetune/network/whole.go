package network

import (
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// ReadWhole reads all layers of a model with one output, the classifier's head
// among them, for an export into another format. Feature is the model's output.
//
// Besides the operators of Read it knows those that a classifier ends with,
// SOFTMAX and LOGISTIC. m may come from anywhere, as for Read, and quantised
// models give ErrQuantised here too.
func ReadWhole(m *file.Model) (*Network, error) {
	outputs := m.Main().Outputs
	if len(outputs) != 1 {
		return nil, fmt.Errorf("read the layers of the model: it has %d outputs, want 1", len(outputs))
	}
	t := &m.Main().Tensors[outputs[0]]
	f := file.Feature{Tensor: outputs[0], Name: t.Name, Height: 1, Width: 1, Whole: true, Reason: "the model's output"}
	if rank := len(t.Shape); rank > 0 {
		f.Count = int(t.Shape[rank-1])
	}
	n, err := readTo(m, f, exporting())
	if err != nil {
		return nil, fmt.Errorf("read the layers of the model: %w", err)
	}
	if len(n.Layers) == 0 {
		return nil, errors.New("read the layers of the model: it has none")
	}
	return n, nil
}

func exporting() purpose {
	known := maps.Clone(readers)
	known[file.OpLogistic] = (*reader).same
	known[file.OpSoftmax] = (*reader).softmax
	return purpose{known, "exported", "export the operators of MobileNet and EfficientNet-Lite: "}
}

// softmax reads SOFTMAX, which works along the last dimension.
func (r *reader) softmax(o *file.Operator, l *Layer) ([]int, error) {
	v, ok := o.Options.(file.SoftmaxOptions)
	if !ok {
		return nil, errOptions
	}
	if b := v.Beta; !(b > 0 && b <= math.MaxFloat32) {
		return nil, hint.Wrap(errors.New("its beta is no positive number"), "convert the model again: classifiers have a beta of 1")
	}
	in, err := r.picture(o, 0, l, 0)
	if err == nil && len(in) < 2 {
		return nil, fmt.Errorf("its input has shape %v: it would mix pictures", in)
	}
	return in, err
}
