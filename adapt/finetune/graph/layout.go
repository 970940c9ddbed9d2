//go:build tensorflow

package graph

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/tflite/file"
)

// kernelOf returns a layer's kernel and its shape as TensorFlow has them:
// [h, w, in, out], [h, w, in, multiplier], [inputs, units]. in is the shape of
// the layer's input for one picture.
//
// A file's kernels have one row an output, TensorFlow's one column; those of
// DEPTHWISE_CONV_2D, [1, h, w, in*multiplier], lie in memory as they should.
func kernelOf(l *network.Layer, in []int) (values []float32, shape []int, err error) {
	s := l.Kernel.Shape
	switch channels := in[len(in)-1]; l.Code {
	case file.OpConv2D:
		if s[3] != channels {
			return nil, nil, fmt.Errorf("a convolution in %d groups cannot be trained", channels/max(1, s[3]))
		}
		return transpose(l.Kernel.Values, s[0], s[1]*s[2]*s[3]), []int{s[1], s[2], s[3], s[0]}, nil
	case file.OpDepthwiseConv2D:
		return l.Kernel.Values, []int{s[1], s[2], channels, s[3] / channels}, nil
	case file.OpFullyConnected:
		return transpose(l.Kernel.Values, s[0], s[1]), []int{s[1], s[0]}, nil
	}
	return nil, nil, fmt.Errorf("operator %v has no kernel", l.Code)
}

// kernelBack undoes kernelOf: it returns values as the file has them.
func kernelBack(l *network.Layer, values []float32) []float32 {
	outputs := l.Kernel.Shape[0]
	if l.Code == file.OpDepthwiseConv2D {
		return values
	}
	return transpose(values, len(values)/outputs, outputs)
}

// transpose returns the transpose of a matrix of rows by columns, row-major.
func transpose(values []float32, rows, columns int) []float32 {
	t := make([]float32, len(values))
	for r := range rows {
		for c := range columns {
			t[c*rows+r] = values[r*columns+c]
		}
	}
	return t
}
