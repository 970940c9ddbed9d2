package capi

// #include "capi.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// XNNPACK is TensorFlow Lite's delegate of fast kernels for processors. It
// satisfies go-tflite's delegates.Delegater.
type XNNPACK struct {
	p *C.TfLiteDelegate
}

// NewXNNPACK makes a delegate with its own pool of threads. It must outlive
// every interpreter that uses it, and serves one interpreter at a time.
func NewXNNPACK(threads int) (*XNNPACK, error) {
	layout := layoutOf(Version())
	if layout == C.EDGE_XNNPACK_UNKNOWN {
		return nil, fmt.Errorf("the XNNPACK options of TensorFlow Lite %s are not known (2.18 and newer are)", Version())
	}
	p := C.edge_xnnpack_create(layout, C.int32_t(threads))
	if p == nil {
		return nil, fmt.Errorf("TensorFlow Lite %s made no XNNPACK delegate", Version())
	}
	return &XNNPACK{p}, nil
}

// Ptr returns the TfLiteDelegate.
func (x *XNNPACK) Ptr() unsafe.Pointer { return unsafe.Pointer(x.p) }

// Delete frees the delegate. Further calls do nothing.
func (x *XNNPACK) Delete() {
	if x != nil && x.p != nil {
		C.edge_xnnpack_delete(x.p)
		x.p = nil
	}
}

// layoutOf chooses the layout of the options struct by library version. One
// newer than those measured is taken to have kept the first field, the number
// of threads, which is the only one we set.
func layoutOf(version string) C.edge_layout {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n < 2 {
		return C.EDGE_XNNPACK_UNKNOWN
	}
	switch {
	case major > 2 || major == 2 && minor >= 20:
		return C.EDGE_XNNPACK_2_20
	case major == 2 && minor >= 18:
		return C.EDGE_XNNPACK_2_18
	}
	return C.EDGE_XNNPACK_UNKNOWN
}
