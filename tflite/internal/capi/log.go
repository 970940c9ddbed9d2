package capi

// #include "capi.h"
import "C"

import (
	"strings"

	"github.com/mattn/go-tflite"
)

// Log collects what an interpreter reports, so that an error can name its
// cause. It must outlive the interpreter. go-tflite's own reporter keeps a Go
// object for ever; this one is plain C memory.
type Log struct {
	p *C.edge_log
}

// NewLog returns an empty log, or nil when memory is out.
func NewLog() *Log {
	p := C.edge_log_new()
	if p == nil {
		return nil
	}
	return &Log{p}
}

// Attach makes interpreters created with o report into l.
func (l *Log) Attach(o *tflite.InterpreterOptions) error {
	p, err := pointerIn(o)
	if err != nil {
		return err
	}
	C.edge_log_attach(l.p, (*C.TfLiteInterpreterOptions)(p))
	return nil
}

// Take returns the messages since the last Take, joined to one line of at most
// 2 KiB, and forgets them.
func (l *Log) Take() string {
	var text [2048]C.char
	C.edge_log_take(l.p, &text[0], C.size_t(len(text)))
	lines := strings.FieldsFunc(C.GoString(&text[0]), func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimSpace(line), ".")
	}
	return strings.ToValidUTF8(strings.Join(lines, "; "), "?")
}

// Delete frees the log. Further calls do nothing.
func (l *Log) Delete() {
	if l != nil && l.p != nil {
		C.edge_log_delete(l.p)
		l.p = nil
	}
}
