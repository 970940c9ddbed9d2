package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
	"github.com/edge-adapt/edge/tflite/quantise"
)

// leastDecibels is how near the twin's features must be: a broken one has less
// than 5, a sound one more than 15.
const leastDecibels = 12

// made is an int8 twin.
type made struct {
	model     []byte
	operators int
	// decibels is how far its errors lie below what features vary, on pictures
	// that did not help to make it.
	decibels float64
}

// makeTwin quantises m, whose bytes are float, with every other picture for the ranges.
func makeTwin(ctx context.Context, m *file.Model, float []byte, pictures [][]float32) (made, error) {
	dir, err := os.MkdirTemp("", "edge-embed-")
	if err != nil {
		return made{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch
	ranges, err := measure(ctx, m, pictures, dir)
	if err != nil {
		return made{}, err
	}
	q, err := quantise.Model(m, ranges, quantise.Options{})
	if err != nil {
		return made{}, err
	}
	twin := made{operators: len(q.Main().Operators)}
	if twin.model, err = q.Encode(); err != nil {
		return made{}, err
	}
	if twin.decibels, err = nearness(ctx, float, twin.model, pictures, dir); err != nil {
		return made{}, err
	}
	if !(twin.decibels >= leastDecibels) {
		return made{}, fmt.Errorf("the errors of its int8 twin lie only %.1f dB below what its features vary, want %d", twin.decibels, leastDecibels)
	}
	return twin, nil
}

// readBase refuses what cannot be the embedded base.
func readBase(data []byte) (*file.Model, error) {
	m, err := file.Parse(data)
	if err != nil {
		return nil, err
	}
	g := m.Main()
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, fmt.Errorf("it has %d inputs and %d outputs, want one of each", len(g.Inputs), len(g.Outputs))
	}
	in := &g.Tensors[g.Inputs[0]]
	if in.Type != file.Float32 || len(in.Shape) != 4 || !slices.Equal(in.Shape[1:], []int32{side, side, 3}) {
		return nil, fmt.Errorf("its input is %v of shape %v, want float32 and %dx%dx3", in.Type, in.Shape, side, side)
	}
	f, err := m.FeatureTensor()
	if err != nil {
		return nil, err
	}
	if !f.Whole || f.Map {
		return nil, errors.New("its output is no vector of features")
	}
	return m, nil
}

// measure finds out the range of every value, on every other picture. That of the
// input is known: pictures use all of it.
func measure(ctx context.Context, m *file.Model, pictures [][]float32, dir string) (map[int]quantise.Range, error) {
	c, err := quantise.NewCalibration(m)
	if err != nil {
		return nil, err
	}
	probe, err := c.Probe().Encode()
	if err != nil {
		return nil, err
	}
	it, err := open(dir, "probe", probe)
	if err != nil {
		return nil, err
	}
	defer it.Close() //nolint:errcheck // it was only read from
	for i := 0; i < len(pictures); i += 2 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.Add(it, pictures[i]); err != nil {
			return nil, err
		}
	}
	ranges := c.Ranges()
	input := m.Main().Inputs[0]
	whole := ranges[input]
	whole.Min, whole.Max = -1, 1
	ranges[input] = whole
	return ranges, nil
}

// nearness compares features on the pictures that measure left out: ten times the
// logarithm of their variance over the mean squared difference.
func nearness(ctx context.Context, float, twin []byte, pictures [][]float32, dir string) (float64, error) {
	one, err := open(dir, "float", float)
	if err != nil {
		return 0, err
	}
	defer one.Close() //nolint:errcheck // it was only read from
	other, err := open(dir, "int8", twin)
	if err != nil {
		return 0, err
	}
	defer other.Close() //nolint:errcheck // likewise
	size := 1
	for _, d := range one.Outputs()[0].Shape {
		size *= d
	}
	want, got := make([]float32, size), make([]float32, size)
	sum, squares := make([]float64, size), make([]float64, size)
	var fault, count float64
	for i := 1; i < len(pictures); i += 2 {
		if err := errors.Join(ctx.Err(), one.Run(want, pictures[i]), other.Run(got, pictures[i])); err != nil {
			return 0, err
		}
		for f, v := range want {
			sum[f] += float64(v)
			squares[f] += float64(v) * float64(v)
			fault += math.Pow(float64(v)-float64(got[f]), 2)
		}
		count++
	}
	var signal float64
	for f := range sum {
		signal += squares[f] - sum[f]*sum[f]/count
	}
	return 10 * math.Log10(signal/fault), nil
}

// open writes a model into dir and opens it on one thread, so that sums have one order.
func open(dir, name string, model []byte) (*tflite.Interpreter, error) {
	path := filepath.Join(dir, name+".tflite")
	if err := os.WriteFile(path, model, 0o600); err != nil {
		return nil, err
	}
	return tflite.Open(path, tflite.Options{Threads: 1})
}
