package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/tflite"
)

// ceilings are what one processor does at most, as measured here.
type ceilings struct {
	// Arithmetic is 10^9 float32 operations a second, a multiply-add being two: of
	// XNNPACK's product of large matrices, which is as near to what the circuits do
	// as a program comes.
	Arithmetic float64 `json:"gflops"`
	// Read and Copy are 10^9 bytes a second: of two streams compared, and of one
	// read and one written, both from memory far larger than any cache.
	Read float64 `json:"read_gbs"`
	Copy float64 `json:"copy_gbs"`
}

// memory is the ceiling that memory sets: whichever of the two was faster, in
// 10^9 bytes a second.
func (c ceilings) memory() float64 { return max(c.Read, c.Copy) }

const (
	streamBytes = 256 << 20 // of each stream
	matrixSide  = 2048      // of the product: layers as wide as this
	matrixRows  = 128
)

func measureCeilings(ctx context.Context, e speed.Effort) (ceilings, error) {
	var c ceilings
	scratch, err := os.MkdirTemp("", "edge-roofline-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // scratch
	product, err := openProduct(filepath.Join(scratch, "product.tflite"))
	if err != nil {
		return c, err
	}
	defer product.Close() //nolint:errcheck // only read from
	in, outputs := make([]float32, matrixRows*matrixSide), make([]float32, matrixRows*matrixSide)
	for i := range in {
		in[i] = float32(i%17) / 17
	}
	// Filled, since memory that was never written is one page of zeros.
	a, b := bytes.Repeat([]byte{1}, streamBytes), bytes.Repeat([]byte{1}, streamBytes)
	multiply := func(context.Context) error { return product.Run(outputs, in) }
	timed, err := speed.Alternate(ctx, e, []speed.Turn{
		{Ready: multiply, Once: multiply, Units: 1},
		{Units: 1, Once: func(context.Context) error {
			if !bytes.Equal(a, b) {
				return errors.New("copies differ")
			}
			return nil
		}},
		{Units: 1, Once: func(context.Context) error { copy(a, b); return nil }},
	})
	if err != nil {
		return c, err
	}
	// 2 layers, 2 operations a multiply-add; 10^6 a millisecond are 10^9 a second.
	c.Arithmetic = 2 * 2 * matrixRows * matrixSide * matrixSide / timed[0].ProcessorMS.Median / 1e6
	c.Read = 2 * streamBytes / timed[1].ProcessorMS.Median / 1e6
	c.Copy = 2 * streamBytes / timed[2].ProcessorMS.Median / 1e6
	return c, nil
}

// openProduct makes a model of two wide layers, which is a head.
func openProduct(path string) (*tflite.Interpreter, error) {
	data, err := head.New(matrixSide, matrixSide, matrixSide, 1).Encode()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	return tflite.Open(path, tflite.Options{Threads: 1})
}
