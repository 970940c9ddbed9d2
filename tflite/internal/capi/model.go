package capi

// #include <stdlib.h>
// #include "capi.h"
import "C"

import (
	"errors"
	"unsafe"
)

// CheckModel returns the library's reason for not loading the model at path.
// Loading alone, as go-tflite does it, writes the reason on standard error,
// which is not ours. The check costs a mapping and a look at every table.
func CheckModel(path string) error {
	log := NewLog()
	if log == nil {
		return errors.New("no memory to check a model")
	}
	defer log.Delete()
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	if C.edge_model_is_sound(p, log.p) == 0 {
		if reason := log.Take(); reason != "" {
			return errors.New(reason)
		}
		return errors.New("the library gives no reason")
	}
	return nil
}
