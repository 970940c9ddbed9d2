package cameratest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
)

// source delivers six frames, or waits, or fails. fault says what it does wrong.
type source struct {
	fault  string
	idle   bool
	fails  bool
	number uint64
	kept   []byte
	once   sync.Once
	closed chan struct{}
}

var errBroken = errors.New("the cable is cut")

func (s *source) Read(ctx context.Context, f *camera.Frame) error {
	if s.fault != "deaf to contexts" && ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-s.closed:
		if s.fault == "closed without a word" {
			return errBroken
		}
		return camera.ErrClosed
	default:
	}
	switch {
	case s.idle && s.fault == "deaf to Close":
		<-ctx.Done()
		return ctx.Err()
	case s.idle && s.fault == "deaf to contexts":
		<-s.closed
		return camera.ErrClosed
	case s.idle:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closed:
			return camera.ErrClosed
		}
	case s.fails && s.number == 2:
		if s.fault == "fails once" {
			s.fails = false
		}
		return errBroken
	case s.number == 6:
		if s.fault == "ends once" {
			s.number = 0
		}
		return io.EOF
	}
	s.number++
	switch {
	case s.fault == "wastes memory":
		f.Image.Pix = nil
	case s.fault == "keeps memory" && s.number == 2:
		clear(s.kept)
	case s.fault == "writes behind" && cap(f.Image.Pix) > 48:
		f.Image.Pix[:49][48] = 0
	}
	f.Resize(4, 4)
	s.kept = f.Image.Pix
	for i := range f.Image.Pix {
		f.Image.Pix[i] = byte(s.number)
	}
	f.Number, f.Captured = s.number, time.Now()
	switch s.fault {
	case "counts from 0":
		f.Number--
	case "too short":
		f.Image.Pix = f.Image.Pix[:47]
	case "no clock":
		f.Captured = f.Captured.Round(0)
	case "by chance":
		f.Image.Pix[0] = byte(time.Now().UnixNano() / 64)
	}
	return nil
}

func (s *source) Info() camera.Info {
	info := camera.Info{Driver: "fake", Width: 4, Height: 4}
	switch s.fault {
	case "wrong size":
		info.Width = 5
	case "tells secrets":
		info.Device = "http://camera/?password=1234"
	}
	return info
}

func (s *source) Close() error {
	s.once.Do(func() { close(s.closed) })
	if s.fault == "hangs in Close" {
		select {}
	}
	return nil
}

// opener returns an Open of the harness.
func opener(fault string, idle, fails bool) func(context.Context) (camera.Source, error) {
	return func(ctx context.Context) (camera.Source, error) {
		s := &source{fault: fault, idle: idle, fails: fails, closed: make(chan struct{})}
		switch s.fault {
		case "leaves a goroutine":
			go func() { select {} }()
		case "leaves a file":
			r, w, err := os.Pipe()
			files = append(files, r, w)
			return s, err
		case "leaves a process":
			return s, exec.Command("sleep", "20").Start()
		case "hangs on to the context of Open":
			context.AfterFunc(ctx, func() { _ = s.Close() })
		}
		return s, nil
	}
}

var files []*os.File // so that the garbage collector does not close them

func run(t *testing.T, fault string, patience time.Duration) {
	cameratest.Run(t, cameratest.Harness{
		Open:        opener(fault, false, false),
		Frames:      6,
		Ends:        true,
		Rereads:     true,
		OpenIdle:    opener(fault, true, false),
		OpenFailing: opener(fault, false, true),
		Patience:    patience,
	})
}

func TestASoundSourcePasses(t *testing.T) { run(t, "", 0) }

// TestFault is what TestEveryFaultIsFound runs in a process of its own.
func TestFault(t *testing.T) {
	fault := os.Getenv("EDGE_TEST_FAULT")
	if fault == "" {
		t.Skip("run by TestEveryFaultIsFound")
	}
	run(t, fault, 500*time.Millisecond)
}

// A suite that finds nothing is worth nothing: each fault must fail the test that
// is there for it.
func TestEveryFaultIsFound(t *testing.T) {
	itself := append(strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER")), os.Args[0])
	for fault, by := range map[string]string{
		"counts from 0":                   "FramesAreNumberedAndWhole",
		"too short":                       "FramesAreNumberedAndWhole",
		"no clock":                        "FramesAreNumberedAndWhole",
		"wastes memory":                   "MemoryIsReusedAndNotKept",
		"keeps memory":                    "MemoryIsReusedAndNotKept",
		"writes behind":                   "MemoryIsReusedAndNotKept",
		"wrong size":                      "InfoIsTrue",
		"tells secrets":                   "InfoIsTrue",
		"by chance":                       "SamePictures",
		"closed without a word":           "CloseTwice",
		"deaf to contexts":                "ContextEndsRead",
		"deaf to Close":                   "CloseEndsRead",
		"ends once":                       "TheEndStays",
		"fails once":                      "FailureStays",
		"hangs in Close":                  "OpensAndCloses",
		"leaves a goroutine":              "FramesAreNumberedAndWhole",
		"leaves a file":                   "FramesAreNumberedAndWhole",
		"leaves a process":                "FramesAreNumberedAndWhole",
		"hangs on to the context of Open": "FramesAreNumberedAndWhole",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			words := slices.Concat(itself, []string{"-test.run=^TestFault$/^(OpensAndCloses|" + by + ")$"})
			cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
			cmd.Env = append(os.Environ(), "EDGE_TEST_FAULT="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFault/"+by) {
				t.Errorf("%s did not fail (%v):\n%s", by, err, out)
			}
		})
	}
}
