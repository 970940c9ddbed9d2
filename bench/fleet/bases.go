package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/tflite/file"
)

// unfrozen is the fraction of layers that trained: the trainer's usual one.
const unfrozen = 0.2

// drift is how far training moves a weight, as a share of the largest of its
// constant: with it a delta holds two thirds of the bytes of the constants that
// changed, as those of real fine-tunes do (docs/finetune-output.md).
const drift = 1.6e-3

// lineage returns a base and what was fine-tuned from it, n times, each from the one
// before.
func lineage(base []byte, n int) ([][]byte, error) {
	bases := [][]byte{base}
	for i := 1; i <= n; i++ {
		child, err := tuned(bases[i-1], uint64(i))
		if err != nil {
			return nil, err
		}
		bases = append(bases, child)
	}
	return bases, nil
}

// tuned returns a base with the constants that fine-tuning changes moved a little.
// Training itself would take TensorFlow; for the way over the air only the bytes
// count.
func tuned(parent []byte, seed uint64) ([]byte, error) {
	child := bytes.Clone(parent)
	m, err := file.Parse(child)
	if err != nil {
		return nil, err
	}
	n, err := network.Read(m)
	if err != nil {
		return nil, err
	}
	s, err := n.Unfreeze(unfrozen, false)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance, not secrecy
	for i, layer := range n.Layers {
		if !s.Kernels[i] {
			continue
		}
		for _, w := range []*network.Weight{layer.Kernel, layer.Bias} {
			if w == nil {
				continue
			}
			t := &m.Main().Tensors[w.Tensor]
			values, ok := t.Float32s()
			if !ok {
				return nil, fmt.Errorf("constant %q holds no floats", t.Name)
			}
			var largest float32
			for _, v := range values {
				largest = max(largest, v, -v)
			}
			for k, v := range values {
				moved := v + largest*drift*float32(random.NormFloat64())
				binary.LittleEndian.PutUint32(t.Data[4*k:], math.Float32bits(moved))
			}
		}
	}
	return child, nil
}
