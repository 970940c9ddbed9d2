package proof_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// TestNormalisedInside imports a model whose metadata normalises each channel by
// itself, feeds it with bytes, and compares with the original that is fed with
// the numbers that the metadata asks for.
func TestNormalisedInside(t *testing.T) {
	original, err := os.ReadFile(tiny("pooled"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(original)
	if err != nil {
		t.Fatal(err)
	}
	mean, std := []float32{123.675, 116.28, 103.53}, []float32{58.395, 57.12, 57.375}
	m.Metadata = append(m.Metadata, file.Normalisation{Mean: mean, Std: std}.Metadata())
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "torch.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	e := imported(t, path, base.ImportOptions{File: path})
	if e.Preprocessing.Scale != 1 || e.Preprocessing.Offset != 0 || !strings.Contains(strings.Join(e.Notes, " "), "part of the model now") {
		t.Errorf("%+v", e)
	}
	picture := make([]byte, e.Preprocessing.Len())
	normalised := make([]float32, len(picture))
	for i := range picture {
		picture[i] = byte(i * 37)
		normalised[i] = (float32(picture[i]) - mean[i%3]) / std[i%3]
	}
	got := embed(t, e, picture)

	source, err := base.Prepare(t.Context(), tiny("pooled"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := tflite.OpenBase(source.Path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want := make([]float32, b.Features())
	if err := b.Embed(want, normalised); err != nil {
		t.Fatal(err)
	}
	if d := distance(got, want); !(d <= 1e-5) {
		t.Errorf("off by %v of the largest feature: %v, want %v", d, got, want)
	}
	// Prepare, which takes no options, does the same.
	again, err := base.Prepare(t.Context(), path, t.TempDir())
	if err != nil || again.Digest != e.Digest || again.Preprocessing != e.Preprocessing {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestFixedPool imports a classifier with a pooling of fixed size at another
// size, and compares with the average over the map before that pooling.
func TestFixedPool(t *testing.T) {
	data, err := os.ReadFile(tiny("map"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	g := m.Main()
	end := g.Outputs[0]
	shape := g.Tensors[end].Shape
	g.Tensors = append(g.Tensors, file.Tensor{Name: "pooled", Shape: []int32{1, 1, 1, shape[3]}})
	g.Operators = append(g.Operators, file.Operator{
		Code: file.OpAveragePool2D, Inputs: []int{end}, Outputs: []int{len(g.Tensors) - 1},
		Options: file.Pool2DOptions{Padding: file.Valid, StrideH: 2, StrideW: 2, FilterHeight: shape[1], FilterWidth: shape[2]},
	})
	g.Outputs, m.Signatures = []int{len(g.Tensors) - 1}, nil
	fixed, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fixed.tflite")
	if err := os.WriteFile(path, fixed, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, side := range []int{0, 8, 24, 40} {
		got := imported(t, path, base.ImportOptions{File: path, Input: side})
		want := imported(t, tiny("map"), base.ImportOptions{File: path, Input: side})
		if got.Digest == want.Digest {
			t.Fatal("the two are one")
		}
		picture := make([]byte, got.Preprocessing.Len())
		for i := range picture {
			picture[i] = byte(i * i * 31 / 7)
		}
		if d := distance(embed(t, got, picture), embed(t, want, picture)); !(d <= 1e-5) {
			t.Errorf("at %d pixels: off by %v of the largest feature", side, d)
		}
	}
}
