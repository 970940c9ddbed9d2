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
	if err := it.lock(); err != nil {
		return err
	}
	defer it.mu.Unlock()
	if len(it.outs) != 1 {
		return fmt.Errorf("model %s: it has %d outputs: RunAll computes all of them", it.path, len(it.outs))
	}
	it.one[0] = dst
	err := it.run(it.one[:], src)
	it.one[0] = nil
	return err
}

// RunAll computes every output of a model with one input.
//
// dst has one slice for each of Outputs, in that order, each of shape [n, …].
// Otherwise RunAll is as Run is, which it equals for a model with one output.
func (it *Interpreter) RunAll(dst [][]float32, src []float32) error {
	if err := it.lock(); err != nil {
		return err
	}
	defer it.mu.Unlock()
	if len(dst) != len(it.outs) {
		return fmt.Errorf("room for %d outputs: the model has %d", len(dst), len(it.outs))
	}
	return it.run(dst, src)
}

// lock takes it.mu if the interpreter can run now; otherwise it says why not.
func (it *Interpreter) lock() error {
	if !it.mu.TryLock() {
		return ErrBusy
	}
	err := it.err
	if err == nil && it.unfit != nil {
		err = fmt.Errorf("model %s: %w", it.path, it.unfit)
	}
	if err != nil {
		it.mu.Unlock()
	}
	return err
}

// run computes one slice of dst for each output.
func (it *Interpreter) run(dst [][]float32, src []float32) error {
	n := len(src) / it.in.per
	if n == 0 || len(src)%it.in.per != 0 {
		return fmt.Errorf("%d input values: want a multiple of %d", len(src), it.in.per)
	}
	for i, out := range it.outs {
		if len(dst[i]) != n*out.per {
			return fmt.Errorf("%d values for output %d: want %d for a batch of %d", len(dst[i]), i, n*out.per, n)
		}
	}
	if it.fixed {
		return it.runFixed(dst, src, n)
	}
	err := it.runBatch(dst, src, 0, n, n)
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
	return it.runFixed(dst, src, n)
}

// runFixed runs n items in batches of the declared size, the last one filled up.
func (it *Interpreter) runFixed(dst [][]float32, src []float32, n int) error {
	for first := 0; first < n; first += it.declared {
		if err := it.runBatch(dst, src, first, min(it.declared, n-first), it.declared); err != nil {
			return it.fail(err)
		}
	}
	return nil
}

// runBatch runs the count items of src and dst from first on in a batch of
// size, which may be larger.
func (it *Interpreter) runBatch(dst [][]float32, src []float32, first, count, size int) error {
	if err := it.resize(size); err != nil {
		return err
	}
	memory := it.engine.handle.Input(0).Bytes()
	if memory == nil {
		return errors.New("no memory for its tensors")
	}
	if len(memory) != it.in.bytes(size) {
		return errors.New("the input tensor has not the size of its shape")
	}
	filled := it.in.bytes(count)
	it.in.write(memory[:filled], src[first*it.in.per:])
	clear(memory[filled:])
	if err := it.engine.invoke(); err != nil {
		return err
	}
	for i, out := range it.outs {
		memory := it.engine.handle.Output(i).Bytes()
		if len(memory) != out.bytes(size) {
			return fmt.Errorf("output %d has %d bytes, want %d for a batch of %d", i, len(memory), out.bytes(size), size)
		}
		out.read(dst[i][first*out.per:], memory[:out.bytes(count)])
	}
	return nil
}

// resize allocates the tensors for a batch of size, unless they are.
func (it *Interpreter) resize(size int) error {
	if it.batch == size {
		return nil
	}
	item := it.in.bytes(1)
	for _, out := range it.outs {
		item = max(item, out.bytes(1))
	}
	if size > (1<<31-1)/item {
		return fmt.Errorf("a batch of %d is too large", size)
	}
	it.batch = size
	it.dims[0] = int32(size)
	return it.engine.resize(it.dims)
}
