//go:build linux && cgo

package turbo

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "turbo.h"
import "C"

import "unsafe"

// Library is an opened libjpeg-turbo. It may be used concurrently.
type Library struct {
	functions *C.edge_turbo // C memory, for as long as the process lives
	path      string
}

// Open opens the library and has it decode a small picture, whose pixels it must
// get right to the bit. The error is ErrMissing, or says what is wrong with it.
// It stays open until the process ends: there is one.
func Open() (*Library, error) { return open(Name) }

func open(name string) (*Library, error) {
	functions := (*C.edge_turbo)(C.malloc(C.sizeof_edge_turbo))
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if C.edge_turbo_open(functions, text) == 0 {
		C.free(unsafe.Pointer(functions))
		return nil, ErrMissing
	}
	const most = 4096
	path := (*C.char)(C.malloc(most))
	defer C.free(unsafe.Pointer(path))
	C.edge_turbo_path(functions, path, most)
	l := &Library{functions, C.GoString(path)}
	if err := l.check(); err != nil {
		C.edge_turbo_close(functions)
		C.free(unsafe.Pointer(functions))
		return nil, err
	}
	return l, nil
}

// Path returns the library's file.
func (l *Library) Path() string { return l.path }

// Decode decodes the JPEG in data, which has the header h, at 1/denominator (one
// of Denominators) into dst: RGB row by row from the top, unturned, 3 bytes a
// pixel, so that its length is 3*Scaled(h.Width)*Scaled(h.Height).
//
// It reports whether the library had nothing to complain about, warnings
// included; dst is undefined otherwise, and if the lengths do not fit. It keeps
// no reference to dst or data and allocates nothing of Go's. The library itself
// takes some rows of pixels, and 2 bytes a stored value of a progressive picture.
func (l *Library) Decode(dst, data []byte, h Header, denominator int) bool {
	if h.Width < 1 || h.Height < 1 || h.Width > 1<<16-1 || h.Height > 1<<16-1 || denominator < 1 || len(data) == 0 {
		return false
	}
	width, height := Scaled(h.Width, denominator), Scaled(h.Height, denominator)
	if len(dst) != 3*width*height {
		return false
	}
	return C.edge_turbo_decode(l.functions, (*C.uchar)(unsafe.SliceData(data)), C.size_t(len(data)),
		C.int(h.Width), C.int(h.Height), C.int(h.Sampling), h.colours(),
		(*C.uchar)(unsafe.SliceData(dst)), C.int(width), C.int(height)) != 0
}

// colours returns what the library calls the colour space: YCbCr or grey.
func (h Header) colours() C.int {
	if h.Sampling == Grey {
		return 2
	}
	return 1
}
