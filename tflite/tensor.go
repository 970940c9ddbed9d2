package tflite

import (
	"fmt"
	"strings"

	"github.com/edge-adapt/edge/tflite/internal/capi"
)

// Tensor describes an input or output of a model.
type Tensor struct {
	Name string
	// Shape has the sizes at opening, batch first: [1 128 128 3]. A dimension
	// that the model leaves open is 1 here.
	Shape []int
	// Signature is Shape with -1 for every dimension that the model leaves open.
	Signature []int
	Type      TensorType
	// Quantisation is nil for tensors that hold plain numbers.
	Quantisation *Quantisation
}

// Quantisation maps the stored integers to numbers: (stored - ZeroPoint) * Scale.
type Quantisation struct {
	Scale     float32 // above 0
	ZeroPoint int     // within the range of the type
}

// String returns the description in one line, such as
// "image float32 [1 128 128 3]".
func (t Tensor) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %v", t.Name, t.Type, t.Signature)
	if q := t.Quantisation; q != nil {
		fmt.Fprintf(&b, " scale %g zero point %d", q.Scale, q.ZeroPoint)
	}
	return b.String()
}

// TensorType is an element type, numbered as in the C library.
type TensorType int

// The types that Run converts. Others can be described but not run.
const (
	Float32 TensorType = 1
	UInt8   TensorType = 3
	Int8    TensorType = 9
	Float16 TensorType = 10
)

var typeNames = [...]string{
	"none", "float32", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8",
	"float16", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4",
	"bfloat16",
}

// String returns the name as Python's tools write it, such as "float32".
func (t TensorType) String() string {
	if t >= 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", int(t))
}

// size returns the bytes of one element, 0 for a type that Run does not convert.
func (t TensorType) size() int {
	switch t {
	case Float32:
		return 4
	case Float16:
		return 2
	case Int8, UInt8:
		return 1
	}
	return 0
}

func describe(c capi.Tensor) (Tensor, error) {
	if !c.Valid() {
		return Tensor{}, fmt.Errorf("the model lists a tensor that it does not have")
	}
	t := Tensor{Name: c.Name(), Type: TensorType(c.Type())}
	rank := c.Rank()
	if rank < 0 || rank > 16 {
		return Tensor{}, fmt.Errorf("tensor %q has %d dimensions", t.Name, rank)
	}
	for i := range rank {
		t.Shape = append(t.Shape, c.Dim(i))
		t.Signature = append(t.Signature, c.Signature(i))
	}
	if scale, zero := c.Quantisation(); scale != 0 && (t.Type == Int8 || t.Type == UInt8) {
		t.Quantisation = &Quantisation{scale, zero}
	}
	return t, nil
}

// elements returns the product of dims, 0 when one of them is not positive or
// the product leaves the 31 bits that the library counts in.
func elements(dims []int) int {
	n := 1
	for _, d := range dims {
		if d <= 0 || d > (1<<31-1)/n {
			return 0
		}
		n *= d
	}
	return n
}
