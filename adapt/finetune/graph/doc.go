// Package graph trains the top of a base and the heads over it with TensorFlow.
//
// The graph begins at the tensors of a network.Selection's Frontier, which the
// caller has TensorFlow Lite compute, and is built in Go from the base's own
// layers and weights. Weights stays in terms of the .tflite file: what comes
// back from Graph.Weights goes into file.Patch.
//
// Everything but this comment needs the build tag "tensorflow" and
// TensorFlow's C library, 2.18 or newer.
package graph
