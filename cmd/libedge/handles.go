package main

import "sync"

// handleTable gives tasks numbers that C can hold. Numbers are not used again.
type handleTable struct {
	mu   sync.Mutex
	last uintptr
	open map[uintptr]*task
}

// handles is the one table of the process: C has nowhere else to keep it.
var handles = handleTable{open: map[uintptr]*task{}}

func (h *handleTable) add(t *task) uintptr {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	h.open[h.last] = t
	return h.last
}

// get returns nil for a number that is not open.
func (h *handleTable) get(n uintptr) *task {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[n]
}

// take is get, and the number is open no more.
func (h *handleTable) take(n uintptr) *task {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.open[n]
	delete(h.open, n)
	return t
}
