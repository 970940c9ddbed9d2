// Package capi is the project's only cgo over TensorFlow Lite's C library: the
// XNNPACK delegate, native messages as text, and access to tensors without an
// allocation. Everything else goes through go-tflite.
//
// Nothing here is safe for concurrent use, and nothing checks that an object is
// still alive: package tflite owns all of them and orders their lives.
package capi

// #cgo LDFLAGS: -ltensorflowlite_c
// #include "capi.h"
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Version returns the version of the linked library, such as "2.21.0".
func Version() string { return C.GoString(C.TfLiteVersion()) }

// Quiet stops the library from writing on standard error, for the whole
// process and for good. Errors still reach a Log.
func Quiet() { C.edge_quiet() }

// Trim gives memory that was freed back to the system.
func Trim() { C.edge_trim() }

// DieOfSignals gives the signals of a crash their default action back, so that
// a fault in native code ends this process by that signal, without a Go trace.
func DieOfSignals() { C.edge_die_of_signals() }

// pointerIn returns the one pointer that a go-tflite handle wraps. The field is
// not exported and go-tflite offers no other way to it.
func pointerIn(handle any) (unsafe.Pointer, error) {
	v := reflect.ValueOf(handle)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct ||
		v.Elem().NumField() != 1 || v.Elem().Field(0).Kind() != reflect.Pointer {
		return nil, fmt.Errorf("%T is not the handle of one C object: this version of go-tflite is not supported", handle)
	}
	return v.Elem().Field(0).UnsafePointer(), nil
}
