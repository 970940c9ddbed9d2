package tflite

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/mattn/go-tflite"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/internal/capi"
)

// Reasons that errors.Is finds in what Run returns.
var (
	ErrClosed = errors.New("the interpreter is closed")
	ErrBroken = errors.New("the interpreter is broken by an earlier failure")
	ErrBusy   = errors.New("the interpreter is running another call: use one interpreter a goroutine")
)

// Version returns the version of the linked TensorFlow Lite library, such as "2.21.0".
func Version() string { return capi.Version() }

// Options says how a model is run.
type Options struct {
	// Threads is the number of threads of one call. Zero: as many processors as
	// the program may use.
	Threads int
	// NoXNNPACK keeps the library's own, much slower kernels. Zero: XNNPACK.
	NoXNNPACK bool
	// NativeLog lets the library write on standard error. Zero: the first Open
	// silences it for the whole process; its errors still reach ours.
	NativeLog bool
}

func (o Options) threads() int {
	if o.Threads == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return o.Threads
}

// Interpreter runs one model. The package comment has the rules of ownership,
// concurrency and failure.
type Interpreter struct {
	inputs, outputs []Tensor
	warning         string

	mu       sync.Mutex // held by Run, RunAll and Close, guards what follows
	path     string
	threads  int
	delegate newDelegate // nil: without
	model    *tflite.Model
	engine   *engine
	err      error // set once closed or broken
	unfit    error // why neither Run nor RunAll can serve this model

	in       *port
	outs     []*port
	one      [1][]float32 // scratch: the destinations of Run
	declared int          // batch at opening
	batch    int          // batch that tensors are allocated for
	dims     []int32      // scratch: the input's shape
	flexible bool         // another batch than the declared one has worked
	fixed    bool         // another batch has failed: the model runs in batches of declared
}

// Open maps the model at path and prepares it to run.
//
// When XNNPACK cannot be applied, Open goes on without it and Warning says so.
// Only a path that cannot be read, or a file that is not a model this library
// can run, is an error. For files of unknown origin see Trial.
func Open(path string, o Options) (*Interpreter, error) {
	delegate := capi.NewXNNPACK
	if o.NoXNNPACK {
		delegate = nil
	}
	return open(path, o, delegate)
}

func open(path string, o Options, delegate newDelegate) (_ *Interpreter, err error) {
	if o.Threads < 0 || o.Threads > 1024 {
		return nil, fmt.Errorf("%d threads: want 1 to 1024, or 0 for as many as there are processors", o.Threads)
	}
	if err := checkFile(path); err != nil {
		return nil, err
	}
	if !o.NativeLog {
		capi.Quiet()
	}
	it := &Interpreter{path: path, threads: o.threads(), delegate: delegate}
	if err := capi.CheckModel(path); err != nil {
		return nil, hint.Wrap(fmt.Errorf("model %s is damaged or cut short: %w", path, err), hintDamaged)
	}
	if it.model = tflite.NewModelFromFile(path); it.model == nil {
		return nil, fmt.Errorf("model %s cannot be loaded", path)
	}
	defer func() {
		if err != nil {
			it.free()
			err = fmt.Errorf("open model %s: %w", path, err)
		}
	}()
	if it.engine, err = newEngine(it.model, it.threads, it.delegate); err != nil && it.delegate != nil {
		it.warning = "running without XNNPACK, many times slower: " + err.Error()
		it.delegate = nil
		it.engine, err = newEngine(it.model, it.threads, nil)
	}
	if err != nil {
		return nil, hint.Wrap(err, "the model may need operators that TensorFlow Lite "+Version()+" lacks: convert it with built-in operators only")
	}
	if err := it.describe(); err != nil {
		return nil, err
	}
	it.unfit = it.prepare()
	return it, nil
}

// describe fills in inputs and outputs.
func (it *Interpreter) describe() error {
	for i := range it.engine.inner.GetInputTensorCount() {
		t, err := describe(it.engine.handle.Input(i))
		if err != nil {
			return err
		}
		it.inputs = append(it.inputs, t)
	}
	for i := range it.engine.inner.GetOutputTensorCount() {
		t, err := describe(it.engine.handle.Output(i))
		if err != nil {
			return err
		}
		it.outputs = append(it.outputs, t)
	}
	return nil
}

// prepare readies Run and RunAll, or says why they cannot serve this model.
func (it *Interpreter) prepare() (err error) {
	if len(it.inputs) != 1 || len(it.outputs) == 0 {
		return fmt.Errorf("it has %d inputs and %d outputs: only one input, and at least one output, can be run", len(it.inputs), len(it.outputs))
	}
	in := it.inputs[0]
	if len(in.Shape) == 0 || in.Shape[0] <= 0 {
		return fmt.Errorf("tensor %q has shape %v, which has no batch", in.Name, in.Shape)
	}
	it.declared = in.Shape[0]
	it.batch = it.declared
	if it.in, err = newPort(in, it.declared); err != nil {
		return err
	}
	for _, t := range it.outputs {
		out, err := newPort(t, it.declared)
		if err != nil {
			return err
		}
		it.outs = append(it.outs, out)
	}
	it.dims = append([]int32(nil), it.in.dims...)
	return nil
}

// Inputs describes the inputs, in the model's order. The caller owns the slice.
func (it *Interpreter) Inputs() []Tensor { return append([]Tensor(nil), it.inputs...) }

// Outputs describes the outputs, in the model's order. The caller owns the slice.
func (it *Interpreter) Outputs() []Tensor { return append([]Tensor(nil), it.outputs...) }

// Warning says that, and why, XNNPACK was asked for and could not be applied.
// It is "" otherwise.
func (it *Interpreter) Warning() string { return it.warning }

// Close frees the model and everything made from it. It waits for a Run in
// progress. Further calls do nothing. The error is always nil.
func (it *Interpreter) Close() error {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.free()
	it.err = ErrClosed
	return nil
}

func (it *Interpreter) free() {
	it.engine.close()
	it.engine = nil
	it.model.Delete()
	it.model = nil
}

// fail marks the interpreter as broken and returns why.
func (it *Interpreter) fail(err error) error {
	err = fmt.Errorf("model %s: %w", it.path, err)
	it.err = fmt.Errorf("%w: %w", ErrBroken, err)
	return err
}
