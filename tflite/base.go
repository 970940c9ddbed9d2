package tflite

import (
	"fmt"
	"sync"

	"github.com/edge-adapt/edge/internal/hint"
)

// Base is a frozen feature extractor: a model that turns pictures into one
// vector of features each.
type Base struct {
	it            *Interpreter
	height, width int
	features      int
	cells         int // places of a feature map; 1 for a plain vector

	mu      sync.Mutex // held by Embed, guards scratch
	scratch []float32  // maps of a batch, [n, cells, features]
}

// OpenBase opens the model at path as a base. Its one input has the shape
// [n,H,W,3]; its one output is [n,F], or a map [n,h,w,F] that the base averages
// over h and w.
func OpenBase(path string, o Options) (*Base, error) {
	it, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	b := &Base{it: it}
	if err := b.check(); err != nil {
		_ = it.Close()
		return nil, hint.Wrap(fmt.Errorf("model %s is no base: %w", path, err),
			"a base takes RGB pictures of a fixed size and gives features; a classifier can be cut at its pooled features")
	}
	return b, nil
}

func (b *Base) check() error {
	if b.it.unfit != nil {
		return b.it.unfit
	}
	if n := len(b.it.outputs); n != 1 {
		return fmt.Errorf("it has %d outputs, want 1", n)
	}
	in, out := b.it.inputs[0], b.it.outputs[0]
	if len(in.Shape) != 4 || in.Shape[3] != 3 {
		return fmt.Errorf("its input has the shape %v, want [n, height, width, 3]", in.Signature)
	}
	if in.Signature[1] < 0 || in.Signature[2] < 0 {
		return fmt.Errorf("its input has the shape %v: height and width are not fixed", in.Signature)
	}
	b.height, b.width = in.Shape[1], in.Shape[2]
	batch, rank := in.Shape[0], len(out.Shape)
	if rank != 2 && rank != 4 || out.Shape[0] != batch {
		return fmt.Errorf("its output has the shape %v, want [n, features] or [n, h, w, features]", out.Signature)
	}
	b.features = out.Shape[rank-1]
	b.cells = b.it.outs[0].per / b.features
	return nil
}

// Features returns F, the length of a feature vector.
func (b *Base) Features() int { return b.features }

// InputHeight returns H, in pixels.
func (b *Base) InputHeight() int { return b.height }

// InputWidth returns W, in pixels.
func (b *Base) InputWidth() int { return b.width }

// Input describes the input.
func (b *Base) Input() Tensor { return b.it.inputs[0] }

// Output describes the output, before averaging.
func (b *Base) Output() Tensor { return b.it.outputs[0] }

// Warning says that, and why, the base runs without XNNPACK; "" otherwise.
func (b *Base) Warning() string { return b.it.Warning() }

// Embed computes the features of n preprocessed pictures.
//
// pixels has shape [n,H,W,3], RGB, in the range that the base was trained with.
// dst has shape [n,F]. Embed keeps neither. It allocates only when n grows, and
// has the errors of Interpreter.Run. Like it, it serves one goroutine at a time.
func (b *Base) Embed(dst, pixels []float32) error {
	if !b.mu.TryLock() {
		return ErrBusy
	}
	defer b.mu.Unlock()
	if b.cells == 1 {
		return b.it.Run(dst, pixels)
	}
	n := len(pixels) / (b.height * b.width * 3)
	if len(dst) != n*b.features {
		return fmt.Errorf("%d output values: want %d for a batch of %d", len(dst), n*b.features, n)
	}
	size := n * b.cells * b.features
	if cap(b.scratch) < size {
		b.scratch = make([]float32, size)
	}
	maps := b.scratch[:size]
	if err := b.it.Run(maps, pixels); err != nil {
		return err
	}
	average(dst, maps, b.cells, b.features)
	return nil
}

// average writes the mean over the cells of each map: with maps [n,cells,F],
// dst[i,f] = sum over c of maps[i,c,f] / cells.
func average(dst, maps []float32, cells, features int) {
	for len(dst) > 0 {
		sum := dst[:features]
		copy(sum, maps[:features])
		for c := 1; c < cells; c++ {
			cell := maps[c*features:][:features]
			for f := range sum {
				sum[f] += cell[f]
			}
		}
		for f := range sum {
			sum[f] /= float32(cells)
		}
		dst, maps = dst[features:], maps[cells*features:]
	}
}

// Close frees the base, after an Embed in progress. Further calls do nothing;
// Embed returns ErrClosed from then on.
func (b *Base) Close() error { return b.it.Close() }
