// Package file reads, checks, describes, cuts and writes TensorFlow Lite model
// files (.tflite) without running anything and without native code.
//
// A .tflite file is a flatbuffer of version 3 of TensorFlow Lite's schema, with
// the identifier TFL3. The package knows the part of that schema that image
// classifiers use; schema.go holds its slot numbers. What it does not know it
// keeps as an [UnknownOptions], which [Model.Encode] refuses by name instead of
// dropping silently.
//
// Parse expects hostile bytes: every offset, length and index is checked before
// it is followed, and memory stays within a small multiple of the input.
package file

// Model is the content of one .tflite file.
//
// A parsed model aliases the bytes it was parsed from (tensor, custom and
// metadata data): keep them unchanged while the model is in use. A Model may be
// read concurrently.
type Model struct {
	Version     uint32 // schema version; 3 is the only one
	Description string
	Subgraphs   []Subgraph // the first is the main one
	Metadata    []Metadata
	Signatures  []Signature

	raw []byte // the parsed file, for the files zipped behind the flatbuffer
}

// Subgraph is one computation: tensors, and the operators between them in the
// order in which they run.
type Subgraph struct {
	Name      string
	Tensors   []Tensor
	Inputs    []int // indexes of Tensors
	Outputs   []int // indexes of Tensors
	Operators []Operator
}

// Operator computes its outputs from its inputs.
type Operator struct {
	Code    OpCode
	Version int // version of the operator's definition; zero means 1

	// Inputs and Outputs are indexes of the subgraph's tensors. An input that
	// is left out (a missing bias) is -1.
	Inputs, Outputs []int

	Options Options // nil if the file has none

	extra string // what Encode could not write, in words
}

// Metadata is a named block of bytes, such as [MetadataName].
type Metadata struct {
	Name string
	Data []byte
}

// Signature names the inputs and outputs of a subgraph for callers.
type Signature struct {
	Key      string        `json:"key"`
	Subgraph int           `json:"subgraph"`
	Inputs   []NamedTensor `json:"inputs"`
	Outputs  []NamedTensor `json:"outputs"`
}

// NamedTensor is one argument of a signature.
type NamedTensor struct {
	Name   string `json:"name"`
	Tensor int    `json:"tensor"` // index of the subgraph's tensors
}

// Main returns the first subgraph, the one an interpreter runs. Parse and
// Encode guarantee that there is one.
func (m *Model) Main() *Subgraph { return &m.Subgraphs[0] }
