// Command libedge is the C library: go build -buildmode=c-shared. Its contract is
// edge.h; the thinking is in the packages. What C calls is in exports.c, and what
// is called from there has names that begin with go.
package main

/*
#include <stdlib.h>
#include "edge.h"

static int edge_call_progress(edge_progress progress, void *user, edge_text *stage, int done, int total) {
	return progress(user, stage, done, total);
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/edge-adapt/edge/internal/hint"
)

// version is set by the Makefile.
var version = "unknown"

// versionText is version for callers in C, for as long as the process lives.
var versionText = C.CString(version)

func main() {} // a shared library has none

//export goOpen
func goOpen(options *C.edge_text, out *C.edge_handle, text **C.char) C.int {
	return answer(text, func() (any, error) {
		if out == nil {
			return nil, usage(errors.New("edge_open: handle is NULL"))
		}
		var o openOptions
		if err := parse("edge_open", options, &o); err != nil {
			return nil, err
		}
		t, err := open(o)
		if err != nil {
			return nil, err
		}
		*out = C.edge_handle(handles.add(t))
		return t.info(), nil
	})
}

//export goInfo
func goInfo(handle C.edge_handle, text **C.char) C.int {
	return withTask(handle, text, func(t *task) (any, error) { return t.info(), nil })
}

//export goClassify
func goClassify(handle C.edge_handle, image *C.edge_bytes, size C.size_t, text **C.char) C.int {
	return withTask(handle, text, func(t *task) (any, error) {
		data, err := view(image, uint64(size))
		if err != nil {
			return nil, fmt.Errorf("edge_classify: %w", err)
		}
		return t.classify(data)
	})
}

//export goClassifyRGB
func goClassifyRGB(handle C.edge_handle, pixels *C.edge_bytes, width, height C.int, text **C.char) C.int {
	return withTask(handle, text, func(t *task) (any, error) {
		if width < 1 || height < 1 || width > maxSide || height > maxSide {
			return nil, usage(fmt.Errorf("edge_classify_rgb: a picture of %dx%d pixels: want 1 to %d on each side", width, height, maxSide))
		}
		data, err := view(pixels, uint64(width)*uint64(height)*3)
		if err != nil {
			return nil, fmt.Errorf("edge_classify_rgb: %w", err)
		}
		return t.classifyRGB(data, int(width), int(height))
	})
}

// maxSide keeps the length of a picture within an int everywhere.
const maxSide = 16384

//export goAdapt
func goAdapt(handle C.edge_handle, options *C.edge_text, progress C.edge_progress, user unsafe.Pointer, text **C.char) C.int {
	return withTask(handle, text, func(t *task) (any, error) {
		var o adaptOptions
		if err := parse("edge_adapt", options, &o); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stages := map[string]*C.char{}
		defer func() {
			for _, s := range stages {
				C.free(unsafe.Pointer(s))
			}
		}()
		return t.adapt(ctx, o, func(stage string, done, total int) {
			if progress == nil || ctx.Err() != nil { // an image under way is still told of
				return
			}
			if stages[stage] == nil {
				stages[stage] = C.CString(stage)
			}
			if C.edge_call_progress(progress, user, stages[stage], C.int(done), C.int(total)) != 0 {
				cancel()
			}
		})
	})
}

//export goClose
func goClose(handle C.edge_handle) C.int {
	return answer(nil, func() (any, error) {
		t := handles.take(uintptr(handle))
		if t == nil {
			return nil, usage(errNoHandle)
		}
		return nil, t.close()
	})
}

//export goVersion
func goVersion() *C.edge_text { return versionText }

// withTask is answer for what needs a handle.
func withTask(handle C.edge_handle, text **C.char, do func(*task) (any, error)) C.int {
	return answer(text, func() (any, error) {
		t := handles.get(uintptr(handle))
		if t == nil {
			return nil, usage(errNoHandle)
		}
		return do(t)
	})
}

var errNoHandle = errors.New("no such handle: it was closed, or never opened")

// answer runs do, hands its result or error over as JSON, and returns the code.
// A fault inside is an error like any other: it must not end a foreign process.
func answer(text **C.char, do func() (any, error)) (code C.int) {
	result, err := shielded(do)
	code = C.int(codeOf(err))
	if text == nil {
		return code
	}
	if err != nil {
		result = failure{err.Error(), hint.Of(err)}
	}
	data, err := marshal(result)
	if err != nil {
		code, data = C.EDGE_FAILED, `{"error":"the answer cannot be written as JSON"}`
	}
	*text = C.CString(data)
	return code
}

func shielded(do func() (any, error)) (result any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("a fault in edge: %v", fault)
		}
	}()
	return do()
}

// failure is what an error looks like, as with the command's --json.
type failure struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func marshal(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// parse reads a JSON object of options; NULL is an empty one.
func parse(function string, options *C.edge_text, into any) error {
	if options == nil {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(C.GoString(options)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return usage(fmt.Errorf("%s: options: %w", function, err))
	}
	return nil
}

// view is memory of the caller as a slice, for the time of the call.
func view(data *C.edge_bytes, size uint64) ([]byte, error) {
	if data == nil {
		return nil, usage(errors.New("the image is NULL"))
	}
	if size > maxImage {
		return nil, usage(fmt.Errorf("an image of %d bytes: at most %d", size, maxImage))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), size), nil
}

const maxImage = 1 << 30
