package file

import (
	"encoding/binary"
	"fmt"
	"math"
)

// TensorType is the type of a tensor's elements.
type TensorType int8

// The element types of the schema.
const (
	Float32 TensorType = iota
	Float16
	Int32
	UInt8
	Int64
	String
	Bool
	Int16
	Complex64
	Int8
	Float64
	Complex128
	UInt64
	Resource
	Variant
	UInt32
	UInt16
	Int4
	BFloat16
	Int2
	UInt4
	Float8E4M3FN
	Float8E5M2
)

var tensorTypes = [...]struct {
	name string
	bits int // size of one element; 0 if it varies
}{
	{"float32", 32}, {"float16", 16}, {"int32", 32}, {"uint8", 8}, {"int64", 64}, {"string", 0},
	{"bool", 8}, {"int16", 16}, {"complex64", 64}, {"int8", 8}, {"float64", 64}, {"complex128", 128},
	{"uint64", 64}, {"resource", 0}, {"variant", 0}, {"uint32", 32}, {"uint16", 16}, {"int4", 4},
	{"bfloat16", 16}, {"int2", 2}, {"uint4", 4}, {"float8_e4m3fn", 8}, {"float8_e5m2", 8},
}

// String returns the type's name in lower case, such as "float32".
func (t TensorType) String() string {
	if t < 0 || int(t) >= len(tensorTypes) {
		return fmt.Sprintf("type %d", int(t))
	}
	return tensorTypes[t].name
}

// Bits returns the size of one element in bits, or 0 if it varies or is unknown.
func (t TensorType) Bits() int {
	if t < 0 || int(t) >= len(tensorTypes) {
		return 0
	}
	return tensorTypes[t].bits
}

// Tensor is one value of a subgraph: a constant if it has Data, else computed
// or given.
type Tensor struct {
	Name string

	// Shape holds the dimensions, images as [batch, height, width, channels].
	// A dimension that is open until run time is 1 here and -1 in ShapeSignature.
	Shape          []int32
	ShapeSignature []int32 // nil if the same as Shape

	Type         TensorType
	Quantisation *Quantisation // nil if the elements mean themselves

	// Data holds a constant's elements, row-major and little-endian.
	Data []byte

	Variable bool // keeps its value from one run to the next
	HasRank  bool // an empty Shape means a scalar and not an unknown rank

	extra string // what Encode could not write, in words
}

// Quantisation says what the integers of a tensor stand for:
// real = Scale * (integer - ZeroPoint).
type Quantisation struct {
	// Scale and ZeroPoint have one element for the whole tensor, or one for
	// each index of dimension Dimension. A nil ZeroPoint means zeros.
	Scale     []float32 `json:"scale,omitempty"`
	ZeroPoint []int64   `json:"zero_point,omitempty"`
	Dimension int       `json:"dimension"`

	// Min and Max are the range seen when calibrating, for information.
	Min []float32 `json:"min,omitempty"`
	Max []float32 `json:"max,omitempty"`
}

// Elements returns the number of elements, or -1 if a dimension is negative or
// the product does not fit.
func (t *Tensor) Elements() int64 { return elements(t.Shape) }

func elements(shape []int32) int64 {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || (d > 0 && n > math.MaxInt64/int64(d)) {
			return -1
		}
		n *= int64(d)
	}
	return n
}

// dataSize returns the number of bytes a constant of this type and shape has,
// or -1 if that cannot be told.
func (t *Tensor) dataSize() int64 {
	n, bits := t.Elements(), int64(t.Type.Bits())
	if n < 0 || bits == 0 || n > math.MaxInt64/128 {
		return -1
	}
	return (n*bits + 7) / 8
}

// Constant reports whether the file holds the tensor's elements.
func (t *Tensor) Constant() bool { return len(t.Data) > 0 }

// Float32s returns a copy of a float32 constant's elements, row-major; ok is
// false if the tensor is of another type or no constant.
func (t *Tensor) Float32s() (values []float32, ok bool) {
	if t.Type != Float32 || !t.Constant() || len(t.Data)%4 != 0 {
		return nil, false
	}
	values = make([]float32, len(t.Data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return values, true
}
