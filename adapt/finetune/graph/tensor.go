//go:build tensorflow

package graph

import (
	"encoding/binary"
	"fmt"
	"io"

	tf "github.com/wamuir/graft/tensorflow"
)

// tensorOf returns a float32 tensor of values, copied once, straight into
// TensorFlow's memory.
func tensorOf(values []float32, shape ...int) (*tf.Tensor, error) {
	return tf.ReadTensor(tf.Float, dims(shape), &floatReader{values})
}

// valuesOf returns a copy of a float32 tensor's elements, row-major.
func valuesOf(t *tf.Tensor) ([]float32, error) {
	if t.DataType() != tf.Float {
		return nil, fmt.Errorf("a tensor of type %v where float32 is expected", t.DataType())
	}
	w := floatWriter{make([]float32, 0, elements(t.Shape()))}
	_, err := t.WriteContentsTo(&w)
	return w.values, err
}

// floatReader reads as the bytes of values, in the machine's order.
type floatReader struct{ values []float32 }

func (r *floatReader) Read(p []byte) (int, error) {
	if len(r.values) == 0 {
		return 0, io.EOF
	}
	n := min(len(p)/4, len(r.values))
	read, err := binary.Encode(p, binary.NativeEndian, r.values[:n])
	r.values = r.values[n:]
	return read, err
}

// floatWriter appends the values whose bytes are written to it. No value may
// be cut in two, and none is: tf.Tensor writes itself in one piece.
type floatWriter struct{ values []float32 }

func (w *floatWriter) Write(p []byte) (int, error) {
	begin := len(w.values)
	w.values = append(w.values, make([]float32, len(p)/4)...)
	return binary.Decode(p, binary.NativeEndian, w.values[begin:])
}

func dims(shape []int) []int64 {
	d := make([]int64, len(shape))
	for i, n := range shape {
		d[i] = int64(n)
	}
	return d
}

// elements returns the product of the dimensions, 1 for a scalar.
func elements[T int | int64](shape []T) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}
