package base

import (
	"fmt"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// checkInput returns the model's only input, which is one colour picture
// [1,H,W,3] of fixed size.
func checkInput(m *file.Model) (*file.Tensor, error) {
	g := m.Main()
	if len(g.Inputs) != 1 {
		return nil, hint.Wrap(fmt.Errorf("the model has %d inputs, want one picture", len(g.Inputs)),
			"give an image model with a single input")
	}
	in := &g.Tensors[g.Inputs[0]]
	shape, signature := in.Shape, in.ShapeSignature
	if signature == nil {
		signature = shape
	}
	if len(shape) != 4 {
		return nil, hint.Wrap(fmt.Errorf("the input %q has shape %v, want [1 height width 3]", in.Name, shape),
			"give a model that takes pictures")
	}
	switch {
	case shape[3] != 3 && shape[1] == 3:
		return nil, hint.Wrap(fmt.Errorf("the input %q has shape %v: channels come first", in.Name, shape),
			"convert the model with channels last (NHWC)")
	case shape[3] == 1:
		return nil, hint.Wrap(fmt.Errorf("the input %q has shape %v: grey pictures", in.Name, shape),
			"give a model that takes colour pictures")
	case shape[3] != 3:
		return nil, hint.Wrap(fmt.Errorf("the input %q has shape %v, want 3 channels", in.Name, shape),
			"give a model that takes red, green and blue")
	case signature[1] < 1 || signature[2] < 1:
		return nil, hint.Wrap(fmt.Errorf("the input %q has no fixed size: %v", in.Name, signature),
			"`edge base import FILE --input 128` fixes it, or convert it again with a fixed size, such as input_shape=(128, 128, 3)")
	case shape[0] != 1:
		return nil, hint.Wrap(fmt.Errorf("the input %q has shape %v: a batch of %d", in.Name, shape, shape[0]),
			"convert the model again with a batch of 1")
	}
	return in, nil
}
