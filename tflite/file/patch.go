package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/edge-adapt/edge/internal/float16"
)

// Patch returns a copy of a .tflite file in which constants of the main subgraph
// have new values. Nothing else changes, to the byte: operators, shapes, and the
// length of the file stay, so that the result runs as fast as the original.
//
// weights holds the values by tensor index, row-major, as many as the constant
// has elements. The constant is a float32, or a float16 into which the values
// are rounded to nearest, ties to even. It is an error if a value is not finite,
// or becomes infinite by rounding, or if a constant shares its bytes with
// something else in the file that would change with it.
func Patch(data []byte, weights map[int][]float32) ([]byte, error) {
	out, err := patch(data, weights)
	if err != nil {
		return nil, fmt.Errorf("patch model: %w", err)
	}
	return out, nil
}

func patch(data []byte, weights map[int][]float32) ([]byte, error) {
	want, err := Parse(data)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(data)
	m, err := Parse(out)
	if err != nil {
		return nil, err
	}
	tensors := m.Main().Tensors
	for _, i := range slices.Sorted(maps.Keys(weights)) {
		if i < 0 || i >= len(tensors) {
			return nil, fmt.Errorf("tensor %d: there are %d", i, len(tensors))
		}
		t := &tensors[i]
		encoded, err := t.encodeValues(weights[i])
		if err != nil {
			return nil, fmt.Errorf("tensor %d (%q): %w", i, t.Name, err)
		}
		copy(t.Data, encoded) // the parsed model aliases out
		want.Main().Tensors[i].Data = encoded
	}
	got, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("constants overlap the rest of the file: %w", err)
	}
	return out, differs(got, want)
}

// encodeValues returns values as the bytes of the constant t.
func (t *Tensor) encodeValues(values []float32) ([]byte, error) {
	switch {
	case !t.Constant():
		return nil, errors.New("it is no constant of the file")
	case t.Type != Float32 && t.Type != Float16:
		return nil, fmt.Errorf("it has type %v, want float32 or float16", t.Type)
	case t.dataSize() != int64(len(t.Data)):
		return nil, fmt.Errorf("its %d bytes are not plainly %v of %v", len(t.Data), t.Shape, t.Type)
	case int64(len(values)) != t.Elements():
		return nil, fmt.Errorf("%d values for shape %v", len(values), t.Shape)
	case !finite(values):
		return nil, errors.New("a value is not finite")
	}
	encoded := make([]byte, 0, len(t.Data))
	for _, v := range values {
		if t.Type == Float32 {
			encoded = binary.LittleEndian.AppendUint32(encoded, math.Float32bits(v))
			continue
		}
		h := float16.Bits(v)
		if math.IsInf(float64(float16.FromBits(h)), 0) {
			return nil, fmt.Errorf("%v is too large for float16", v)
		}
		encoded = binary.LittleEndian.AppendUint16(encoded, h)
	}
	return encoded, nil
}

// differs names the first difference between two models of the same file. They
// differ only where the bytes of a constant belong to something else too.
func differs(got, want *Model) error {
	for i := range want.Main().Tensors {
		if t := &want.Main().Tensors[i]; !bytes.Equal(got.Main().Tensors[i].Data, t.Data) {
			return fmt.Errorf("tensor %d (%q) shares its bytes with one that gets other values", i, t.Name)
		}
	}
	got.raw, want.raw = nil, nil
	if !reflect.DeepEqual(got, want) {
		return errors.New("constants overlap the rest of the file")
	}
	return nil
}
