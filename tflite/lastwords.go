package tflite

import (
	"bytes"
	"strings"
	"sync"
)

// lastWords takes what a child writes on standard error and keeps the one line
// that tells most about its end: the first that a runtime dies with, else the
// last that anybody wrote. It keeps no more than that.
type lastWords struct {
	mu      sync.Mutex
	partial []byte // of the line being written
	line    string
	final   bool // what follows is a trace
}

const lastWordsRoom = 300 // bytes of a line; the rest of it is dropped

// finalWords begin the lines with which the Go and C++ runtimes end a process.
var finalWords = [...]string{"fatal error:", "panic:", "terminate called"}

// Write never fails.
func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		room := max(0, lastWordsRoom-len(w.partial))
		w.partial = append(w.partial, line[:min(len(line), room)]...)
		rest = after
		if ended {
			w.take()
		}
	}
	return len(p), nil
}

// take weighs the line that has ended.
func (w *lastWords) take() {
	line := strings.TrimSpace(strings.ToValidUTF8(string(w.partial), "?"))
	w.partial = w.partial[:0]
	if w.final || line == "" || strings.HasPrefix(line, "INFO:") {
		return
	}
	w.line = strings.TrimSpace(strings.TrimPrefix(line, "ERROR:"))
	for _, start := range finalWords {
		w.final = w.final || strings.HasPrefix(line, start)
	}
}

// String returns the line, "" if nothing was said.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.take()
	return w.line
}
