package export

import (
	"fmt"

	"github.com/edge-adapt/edge/tflite/file"
)

// ScoresName is the name of the output: [1, classes], the probabilities.
const ScoresName = "scores"

// Model returns base, pooling and head as one model, whose input is the base's:
// a preprocessed picture [1,H,W,3] as float32, or quantised as the base has it.
// The output is [1, classes], float32, each row with the sum 1. It shares
// constants with the base, and has neither metadata nor signatures.
func (c *Classifier) Model() (*file.Model, error) {
	if _, err := c.input(); err != nil {
		return nil, err
	}
	g := c.Base.Main()
	pool, err := pooling(&g.Tensors[g.Outputs[0]], c.Head.Features)
	if err != nil {
		return nil, err
	}
	data, err := c.Head.Encode()
	if err != nil {
		return nil, err
	}
	head, err := file.Parse(data)
	if err != nil {
		return nil, err
	}
	m, err := file.Merge(c.Base, pool, head)
	if err != nil {
		return nil, err
	}
	m.Description = c.description()
	return m, nil
}

// pooling returns the model that turns the base's output into float32 features
// [1, F]: dequantised, then averaged over a map's height and width.
func pooling(out *file.Tensor, features int) (*file.Model, error) {
	shape := out.Shape
	rank := len(shape)
	if rank != 2 && rank != 4 || shape[0] != 1 || int(shape[rank-1]) != features {
		return nil, fmt.Errorf("the base gives features of shape %v, and the head takes %d", shape, features)
	}
	s := newSteps("pool", like(out, "base/features"))
	switch out.Type {
	case file.Float32:
	case file.UInt8, file.Int8, file.Float16:
		s.then(file.OpDequantize, dequantizeVersion(out.Type), nil, floats("features/real", shape))
	default:
		return nil, fmt.Errorf("the base gives features of type %v: want float32, float16, uint8 or int8", out.Type)
	}
	if rank == 4 {
		s.then(file.OpMean, 1, file.ReducerOptions{}, floats("features/pooled", []int32{1, shape[3]}),
			ints("features/axes", 1, 2))
	}
	return s.model(), nil
}

// dequantizeVersion is the first version of DEQUANTIZE that reads the type.
func dequantizeVersion(t file.TensorType) int {
	switch t {
	case file.Int8:
		return 2
	case file.Float16:
		return 3
	}
	return 1
}
