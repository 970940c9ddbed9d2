package tflite

import (
	"errors"
	"fmt"

	"github.com/mattn/go-tflite"

	"github.com/edge-adapt/edge/tflite/internal/capi"
)

// engine is the C interpreter of a model together with what must outlive it.
type engine struct {
	log      *capi.Log
	delegate *capi.XNNPACK
	options  *tflite.InterpreterOptions
	inner    *tflite.Interpreter
	handle   capi.Handle
}

// newDelegate makes the delegate of an engine; a test may make it fail.
type newDelegate func(threads int) (*capi.XNNPACK, error)

// newEngine makes an interpreter with its tensors allocated. With delegate nil
// it uses the library's own kernels.
func newEngine(model *tflite.Model, threads int, delegate newDelegate) (_ *engine, err error) {
	e := &engine{log: capi.NewLog(), options: tflite.NewInterpreterOptions()}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.log == nil || e.options == nil {
		return nil, errors.New("no memory for an interpreter")
	}
	if err := e.log.Attach(e.options); err != nil {
		return nil, err
	}
	e.options.SetNumThread(threads)
	if delegate != nil {
		// XNNPACK has its own threads; threads on both sides only wait for each other.
		e.options.SetNumThread(1)
		if e.delegate, err = delegate(threads); err != nil {
			return nil, err
		}
		e.options.AddDelegate(e.delegate)
	}
	if e.inner = tflite.NewInterpreter(model, e.options); e.inner == nil {
		return nil, e.because("no interpreter can be made for the model")
	}
	if e.handle, err = capi.HandleOf(e.inner); err != nil {
		return nil, err
	}
	return e, e.allocate()
}

// because returns an error of what failed and what the library had to say.
func (e *engine) because(what string) error {
	if text := e.log.Take(); text != "" {
		return fmt.Errorf("%s: %s", what, text)
	}
	return errors.New(what)
}

func (e *engine) allocate() error {
	if e.inner.AllocateTensors() != tflite.OK {
		return e.because("tensors cannot be allocated")
	}
	return nil
}

// resize gives input 0 the shape dims.
func (e *engine) resize(dims []int32) error {
	if e.inner.ResizeInputTensor(0, dims) != tflite.OK {
		return e.because(fmt.Sprintf("the input cannot have the shape %v", dims))
	}
	return e.allocate()
}

func (e *engine) invoke() error {
	if e.inner.Invoke() != tflite.OK {
		return e.because("the model failed to run")
	}
	return nil
}

// close frees everything, in the order that the library asks for.
func (e *engine) close() {
	if e == nil {
		return
	}
	e.inner.Delete()
	e.delegate.Delete()
	e.options.Delete()
	e.log.Delete()
	*e = engine{}
}
