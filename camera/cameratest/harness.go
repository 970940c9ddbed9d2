// Package cameratest is the conformance suite of sources: what camera.Source
// promises, as tests that any driver must pass.
package cameratest

import (
	"context"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// Harness says how to get at a driver's sources. Each function opens a new one,
// which the suite closes.
type Harness struct {
	// Open opens a source that delivers at least Frames frames, three or more.
	Open   func(ctx context.Context) (camera.Source, error)
	Frames int
	// Ends says that the source of Open comes to its end by itself after exactly
	// Frames frames.
	Ends bool
	// Rereads says that two sources of Open deliver the same pictures.
	Rereads bool
	// OpenIdle opens a source that never delivers anything: a Read waits. Nil if
	// the driver has none.
	OpenIdle func(ctx context.Context) (camera.Source, error)
	// OpenFailing opens a source that fails sooner or later. Nil if there is none.
	OpenFailing func(ctx context.Context) (camera.Source, error)
	// Patience bounds every wait for a frame or for an end. Zero means 20 s.
	Patience time.Duration
}

// Run runs the suite. It watches the whole process for goroutines, descriptors
// and child processes that a closed source left behind, so nothing else may run
// beside it: it is no place for t.Parallel.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Frames < 3 {
		t.Fatal("cameratest: Harness.Frames is less than 3")
	}
	if h.Patience == 0 {
		h.Patience = 20 * time.Second
	}
	// First, so that what is made once and stays, like Go's own poller, is there.
	t.Run("OpensAndCloses", func(t *testing.T) {
		s := &suite{T: t, Harness: h}
		s.close(s.open(h.Open))
	})
	if t.Failed() {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*suite)
		want bool
	}{
		{"FramesAreNumberedAndWhole", (*suite).frames, true},
		{"MemoryIsReusedAndNotKept", (*suite).memory, true},
		{"InfoIsTrue", (*suite).info, true},
		{"SlowConsumer", (*suite).slow, true},
		{"CloseTwice", (*suite).closeTwice, true},
		{"CloseAtAnyTime", (*suite).closeAnyTime, true},
		{"EndedContext", (*suite).endedContext, true},
		{"TheEndStays", (*suite).ends, h.Ends},
		{"SamePictures", (*suite).rereads, h.Rereads},
		{"CloseEndsRead", (*suite).closeEndsRead, h.OpenIdle != nil},
		{"ContextEndsRead", (*suite).contextEndsRead, h.OpenIdle != nil},
		{"FailureStays", (*suite).fails, h.OpenFailing != nil},
		{"Feed", (*suite).feed, true},
	} {
		if !test.want {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			s := &suite{T: t, Harness: h}
			before := takeStock()
			test.run(s)
			if t.Failed() || t.Skipped() {
				return
			}
			before.compare(t, h.Patience)
		})
	}
}

// suite is one test of the suite.
type suite struct {
	*testing.T
	Harness
}

// open opens a source and closes it when the test ends without having done so.
func (s *suite) open(fn func(context.Context) (camera.Source, error)) camera.Source {
	s.Helper()
	// Opening has a context of its own, which ends here: the source must not hang
	// on to it.
	ctx, cancel := context.WithTimeout(s.Context(), s.Patience)
	defer cancel()
	source, err := fn(ctx)
	if err != nil {
		s.Fatalf("open: %v", err)
	}
	s.Cleanup(func() { s.close(source) })
	return source
}

// read reads a frame that must come.
func (s *suite) read(source camera.Source, f *camera.Frame) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), s.Patience)
	defer cancel()
	if err := source.Read(ctx, f); err != nil {
		s.Fatalf("read: %v", err)
	}
}

// close closes a source.
func (s *suite) close(source camera.Source) {
	s.Helper()
	s.await("Close", source.Close)
}

// await runs fn and fails the test if it returns an error, or not in time.
func (s *suite) await(what string, fn func() error) {
	s.Helper()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		if err != nil {
			s.Errorf("%s: %v", what, err)
		}
	case <-time.After(s.Patience):
		s.Fatalf("%s: not done after %v", what, s.Patience)
	}
}
