// Package network reads a base's .tflite file as the layers that fine-tuning
// speaks of: which run in which order, which weights they have, what Keras
// would count, and where a fraction of them begins.
//
// Nothing here runs a model or needs TensorFlow.
package network

import "github.com/edge-adapt/edge/tflite/file"

// Network is a base as a list of layers.
//
// It aliases the model it was read from, which must not change. It may be read
// concurrently.
type Network struct {
	Model *file.Model

	// Layers are the computing layers in the order in which they run, up to the
	// one that makes Feature. Every layer's Inputs are the network's Input or
	// outputs of earlier layers.
	Layers []Layer

	Input   int          // tensor of the pictures, [n, height, width, channels]
	Feature file.Feature // what the heads see, before averaging if it is a map

	// Counted are the layers as Keras counts them: of a convolution its
	// padding, kernel, batch norm and activation each count. What pools the
	// features after the last kernel, and what follows, counts as nothing: Keras
	// leaves it out with include_top=False.
	Counted []Counted
}

// Layer is one operator of the model that computes something from pictures.
//
// What Read returns has been checked: ranks, the shapes of kernels and biases,
// the options, and that the output's shape in the file is the one they give.
type Layer struct {
	Name     string // as Keras names the kernel or the operation: "block_14_expand"
	Operator int    // index into the main subgraph's operators

	// Code and Options are the operator's, but a SQUEEZE is given as the
	// RESHAPE it is. What shape a RESHAPE makes is Network.Shape of its Output.
	Code    file.OpCode
	Options file.Options

	Activation file.Activation // fused into the operator: none, Relu or Relu6
	Inputs     []int           // tensors that depend on the picture; one, or two for ADD and MUL
	Output     int             // tensor

	Kernel *Weight // nil for layers without one
	Bias   *Weight // nil likewise; for ADD and MUL with a constant, see Constant

	// Norm says that Keras has a batch norm behind the kernel, which is folded
	// into the kernel and the bias here. It is what the structure suggests: the
	// file does not tell.
	Norm bool

	// Constant is the fixed second operand: the factor of a MUL, the term of an
	// ADD, the paddings of a PAD, the axes of a MEAN. Nil if there is none.
	Constant *Weight
}

// Weight is a constant of the model.
type Weight struct {
	Tensor int       // index into the main subgraph's tensors: what file.Patch takes
	Shape  []int     // as in the file: [out, h, w, in], [1, h, w, in*multiplier], [units, inputs]
	Values []float32 // row-major, float16 constants widened; all finite; the caller must not change them
	Ints   []int32   // instead of Values, for int32 constants
}

// Shape returns the shape of a tensor of the network without the batch. It
// panics if there is no such tensor.
func (n *Network) Shape(tensor int) []int {
	shape := dims(&n.Model.Main().Tensors[tensor])
	if len(shape) == 0 {
		return shape
	}
	return shape[1:]
}

func dims(t *file.Tensor) []int {
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = int(d)
	}
	return shape
}
