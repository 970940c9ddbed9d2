package capi

// #cgo CFLAGS: -O3
// #include "capi.h"
import "C"

import "unsafe"

// Quantise writes round(src[i]*inverse), held within least and most, plus zero
// into each byte of dst, which is no longer than src. Ties go to the even
// integer, a NaN becomes zero. least and most are whole numbers within 2^22 of
// zero. It keeps neither slice and does not allocate.
func Quantise(dst []byte, src []float32, inverse, least, most float32, zero int32) {
	src = src[:len(dst)]
	C.edge_quantise((*C.uint8_t)(unsafe.SliceData(dst)), (*C.float)(unsafe.SliceData(src)), C.size_t(len(dst)),
		C.float(inverse), C.float(least), C.float(most), C.int32_t(zero))
}
