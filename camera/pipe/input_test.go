package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pipe"
)

// A raw stream has nothing that says where a frame begins. A source that was closed
// inside one must not leave the next source out of step.
func TestInputGoesOnWithAWholeFrame(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	input := pipe.NewInput(r)
	open := func() camera.Source {
		t.Helper()
		session, err := input.Open()
		if err != nil {
			t.Fatal(err)
		}
		source, err := pipe.New(session, pipe.Options{Format: "grey", Width: width, Height: height})
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	frame := func(grey byte) []byte { return bytes.Repeat([]byte{grey}, width*height) }
	read := func(source camera.Source, want byte) {
		t.Helper()
		var f camera.Frame
		if err := source.Read(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		if f.Image.Pix[0] != want || f.Image.Pix[len(f.Image.Pix)-1] != want {
			t.Errorf("a frame from %d to %d, want %d", f.Image.Pix[0], f.Image.Pix[len(f.Image.Pix)-1], want)
		}
	}
	send := func(b []byte) {
		t.Helper()
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}

	first := open()
	send(frame(1))
	read(first, 1)
	send(frame(2)[:100])
	waitUntilRead(t, r)
	if err := first.Close(); err != nil {
		t.Error(err)
	}

	// Closed again before the rest of that frame has come.
	second := open()
	send(frame(2)[100:300])
	waitUntilRead(t, r)
	if err := second.Close(); err != nil {
		t.Error(err)
	}

	third := open()
	send(frame(2)[300:])
	send(frame(3))
	read(third, 3)
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// waitUntilRead waits until a pipe is empty.
func waitUntilRead(t *testing.T, r *os.File) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		n, err := pending(r)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			time.Sleep(10 * time.Millisecond) // from the pipe into the reader's hands
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody reads the pipe")
		}
	}
}

func TestInputHasOneSource(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	input := pipe.NewInput(r)
	first, err := input.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := input.Open(); !errors.Is(err, camera.ErrUnsupported) {
		t.Errorf("a second source on one input: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	second, err := input.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if n, err := second.Read(b); n != 1 || err != nil || b[0] != 'x' {
		t.Errorf("read %d, %v", n, err)
	}
	_ = w.Close()
	if n, err := second.Read(b); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	_ = second.Close()
}

// The input may also be a file, whose every Read returns at once.
func TestInputIsAFile(t *testing.T) {
	path := t.TempDir() + "/frames"
	if err := os.WriteFile(path, stream(t, "yuyv"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	input := pipe.NewInput(file)
	feed := camera.NewFeed(camera.FeedOptions{Open: func(context.Context) (camera.Source, error) {
		session, err := input.Open()
		if err != nil {
			return nil, err
		}
		return pipe.New(session, pipe.Options{Format: "yuyv", Width: width, Height: height})
	}})
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(t.Context()) }()
	frames := 0
	var held *camera.Frame
	for {
		var err error
		if held, err = feed.Next(t.Context(), held); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		frames++
	}
	if err := <-ran; err != nil || frames != count {
		t.Errorf("%d frames, %v", frames, err)
	}
}
