package tflite

import (
	"errors"
	"fmt"
)

// Run computes the output of a model with one input and one output.
//
// src has shape [n, …], where … is the input's shape without its batch, and
// dst has shape [n, …] likewise for the output; n, the batch, is one or more.
// Both hold plain numbers: what the model stores as float16, int8 or uint8 is
// rounded to nearest with ties to even, held within the type's range, and
// turned back by its declared scale and zero point.
//
// A batch other than the last one costs about as much as opening the model.
// A model that insists on its own batch is run as often as it takes. Otherwise
// Run does not allocate. It returns ErrBusy, ErrClosed or ErrBroken as the
// package comment says; dst is undefined after any error.
func (it *Interpreter) Run(dst, src []float32) error {
	if !it.mu.TryLock() {
		return ErrBusy
	}
	defer it.mu.Unlock()
	if it.err != nil {
		return it.err
	}
	if it.unfit != nil {
		return fmt.Errorf("model %s: %w", it.path, it.unfit)
	}
	n := len(src) / it.in.per
	if n == 0 || len(src)%it.in.per != 0 {
		return fmt.Errorf("%d input values: want a multiple of %d", len(src), it.in.per)
	}
	if len(dst) != n*it.out.per {
		return fmt.Errorf("%d output values: want %d for a batch of %d", len(dst), n*it.out.per, n)
	}
	if it.fixed {
		return it.runFixed(dst, src)
	}
	err := it.runBatch(dst, src, n)
	switch {
	case err == nil:
		it.flexible = it.flexible || n != it.declared
		return nil
	case n == it.declared || it.flexible:
		return it.fail(err)
	}
	// The first other batch failed: such models have their batch written into
	// the graph. The interpreter cannot be trusted any more, so make a new one.
	it.engine.close()
	if it.engine, err = newEngine(it.model, it.threads, it.delegate); err != nil {
		return it.fail(err)
	}
	it.fixed, it.batch = true, it.declared
	return it.runFixed(dst, src)
}

// runFixed runs src in batches of the declared size, the last one filled up.
func (it *Interpreter) runFixed(dst, src []float32) error {
	inputs, outputs := it.declared*it.in.per, it.declared*it.out.per
	for len(src) > 0 {
		k, l := min(len(src), inputs), min(len(dst), outputs)
		if err := it.runBatch(dst[:l], src[:k], it.declared); err != nil {
			return it.fail(err)
		}
		dst, src = dst[l:], src[k:]
	}
	return nil
}

// runBatch runs a batch of n, of which src and dst may hold fewer.
func (it *Interpreter) runBatch(dst, src []float32, n int) error {
	if it.batch != n {
		if n > (1<<31-1)/max(it.in.bytes(1), it.out.bytes(1)) {
			return fmt.Errorf("a batch of %d is too large", n)
		}
		it.batch = n
		it.dims[0] = int32(n)
		if err := it.engine.resize(it.dims); err != nil {
			return err
		}
	}
	memory := it.engine.handle.Input(0).Bytes()
	if memory == nil {
		return errors.New("no memory for its tensors")
	}
	if len(memory) != it.in.bytes(n) {
		return errors.New("the input tensor has not the size of its shape")
	}
	filled := len(src) * it.in.kind.size()
	it.in.write(memory[:filled], src)
	clear(memory[filled:])
	if err := it.engine.invoke(); err != nil {
		return err
	}
	memory = it.engine.handle.Output(0).Bytes()
	if len(memory) != it.out.bytes(n) {
		return fmt.Errorf("the output has %d bytes, want %d for a batch of %d", len(memory), it.out.bytes(n), n)
	}
	it.out.read(dst, memory[:len(dst)*it.out.kind.size()])
	return nil
}
