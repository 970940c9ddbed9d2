package base

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/edge-adapt/edge/tflite/file"
)

// normaliseInside returns m with the normalisation of its metadata as its first
// two operators, if that treats the channels differently, so that it takes plain
// bytes; nil if there is nothing to do, or the input is quantised.
//
// (x - mean) / std is computed as x*(1/std) + (-mean/std).
func normaliseInside(m *file.Model) (*file.Model, error) {
	n, ok := m.Normalisation()
	if !ok {
		return nil, nil
	}
	_, alike := same(n.Mean)
	_, alike2 := same(n.Std)
	g := m.Main()
	if alike && alike2 || g.Tensors[g.Inputs[0]].Type != file.Float32 || !perChannel(n.Mean) || !perChannel(n.Std) {
		return nil, nil
	}
	scale, offset := make([]float32, 3), make([]float32, 3)
	for c := range 3 {
		mean, std := float64(n.Mean[c%len(n.Mean)]), float64(n.Std[c%len(n.Std)])
		scale[c], offset[c] = float32(1/std), float32(-mean/std)
	}

	out := *m
	out.Subgraphs = slices.Clone(m.Subgraphs)
	h := out.Main()
	h.Tensors, h.Operators = slices.Clone(g.Tensors), slices.Clone(g.Operators)
	add := func(t file.Tensor) int {
		h.Tensors = append(h.Tensors, t)
		return len(h.Tensors) - 1
	}
	normalised := g.Inputs[0]
	picture := h.Tensors[normalised]
	picture.Name = "edge/pixels"
	pixels := add(picture)
	picture.Name = "edge/scaled"
	scaled := add(picture)
	by, plus := add(channels("edge/scale", scale)), add(channels("edge/offset", offset))
	h.Inputs = []int{pixels}
	h.Operators = append([]file.Operator{
		{Code: file.OpMul, Inputs: []int{pixels, by}, Outputs: []int{scaled}, Options: file.MulOptions{}},
		{Code: file.OpAdd, Inputs: []int{scaled, plus}, Outputs: []int{normalised}, Options: file.AddOptions{}},
	}, h.Operators...)

	// Signatures name the old input, and the metadata what is inside now.
	out.Signatures = nil
	out.Metadata = slices.DeleteFunc(slices.Clone(m.Metadata), func(d file.Metadata) bool { return d.Name == file.MetadataName })
	out.Metadata = append(out.Metadata, file.Normalisation{Mean: []float32{0}, Std: []float32{1}}.Metadata())
	return &out, nil
}

// perChannel reports whether list has a value for all channels or one for each.
func perChannel(list []float32) bool { return len(list) == 1 || len(list) == 3 }

// channels returns a constant with one value a channel.
func channels(name string, values []float32) file.Tensor {
	t := file.Tensor{Name: name, Shape: []int32{int32(len(values))}}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
	}
	return t
}
