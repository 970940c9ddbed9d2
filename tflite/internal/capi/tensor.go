package capi

// #include "capi.h"
import "C"

import (
	"unsafe"

	"github.com/mattn/go-tflite"
)

// Handle is an interpreter as C knows it. go-tflite allocates at every fetch of
// a tensor; a Handle does not.
type Handle struct {
	p *C.TfLiteInterpreter
}

// HandleOf returns the handle of it, valid until it is deleted.
func HandleOf(it *tflite.Interpreter) (Handle, error) {
	p, err := pointerIn(it)
	return Handle{(*C.TfLiteInterpreter)(p)}, err
}

// Input returns input i, which must exist. The tensor moves when tensors are
// allocated and at the first invoke: fetch it anew for every use.
func (h Handle) Input(i int) Tensor {
	return Tensor{C.TfLiteInterpreterGetInputTensor(h.p, C.int32_t(i))}
}

// Output returns output i, with the same conditions as Input.
func (h Handle) Output(i int) Tensor {
	return Tensor{C.TfLiteInterpreterGetOutputTensor(h.p, C.int32_t(i))}
}

// Tensor is a tensor of an interpreter, valid as Handle.Input says.
type Tensor struct {
	t *C.TfLiteTensor
}

// Valid reports whether there is such a tensor.
func (t Tensor) Valid() bool { return t.t != nil }

// Name returns the tensor's name in the model, "" when it has none.
func (t Tensor) Name() string { return C.GoString(C.TfLiteTensorName(t.t)) }

// Type returns the C library's number of the element type.
func (t Tensor) Type() int { return int(C.TfLiteTensorType(t.t)) }

// Rank returns the number of dimensions, -1 when it is not known.
func (t Tensor) Rank() int { return int(C.TfLiteTensorNumDims(t.t)) }

// Dim returns the present size of dimension i.
func (t Tensor) Dim(i int) int { return int(C.TfLiteTensorDim(t.t, C.int32_t(i))) }

// Signature returns the declared size of dimension i, -1 when it is open.
func (t Tensor) Signature(i int) int { return int(C.edge_signature(t.t, C.int32_t(i))) }

// Quantisation returns scale and zero point; scale 0 means none.
func (t Tensor) Quantisation() (scale float32, zeroPoint int) {
	q := C.TfLiteTensorQuantizationParams(t.t)
	return float32(q.scale), int(q.zero_point)
}

// Bytes returns the tensor's memory, which belongs to the interpreter: copy in
// and out at once. It is nil before tensors are allocated.
func (t Tensor) Bytes() []byte {
	data := (*byte)(C.TfLiteTensorData(t.t))
	if data == nil {
		return nil
	}
	n := int(C.TfLiteTensorByteSize(t.t))
	return unsafe.Slice(data, n)[:n:n]
}
