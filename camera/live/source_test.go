package live_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pixel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decode makes a picture of one pixel of what was put.
func decode(dst *pixel.RGB, picture []byte) error {
	if len(picture) != 3 {
		return errors.New("not three bytes")
	}
	dst.Resize(1, 1)
	copy(dst.Pix, picture)
	return nil
}

// script is a producer that puts what it is sent, and says when it was taken.
type script struct {
	pictures chan string
	taken    chan struct{}
	fail     chan error
}

func newScript() script {
	return script{make(chan string), make(chan struct{}), make(chan error)}
}

func (s script) produce(ctx context.Context, put func([]byte) []byte) error {
	var memory []byte
	for {
		select {
		case p := <-s.pictures:
			memory = put(append(memory, p...))
			s.taken <- struct{}{}
		case err := <-s.fail:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s script) put(picture string) {
	s.pictures <- picture
	<-s.taken
}

func (s script) open(t *testing.T) *live.Source {
	source := live.New(live.Options{Info: camera.Info{Driver: "test"}, Produce: s.produce, Decode: decode, Stall: time.Minute})
	t.Cleanup(func() { source.Close() })
	return source
}

func TestConformance(t *testing.T) {
	steady := func(ctx context.Context, put func([]byte) []byte) error {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var memory []byte
		for i := byte(0); ; i++ {
			select {
			case <-tick.C:
				memory = put(append(memory, i, i, i))
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	open := func(produce func(context.Context, func([]byte) []byte) error) func(context.Context) (camera.Source, error) {
		return func(context.Context) (camera.Source, error) {
			return live.New(live.Options{Info: camera.Info{Driver: "test"}, Produce: produce, Decode: decode}), nil
		}
	}
	cameratest.Run(t, cameratest.Harness{
		Frames:   5,
		Open:     open(steady),
		OpenIdle: open(newScript().produce),
		OpenFailing: open(func(_ context.Context, put func([]byte) []byte) error {
			put([]byte("abc"))
			return errors.New("the cable is cut")
		}),
	})
}

// What came while nobody read is gone, except for the newest.
func TestNewestWins(t *testing.T) {
	s := newScript()
	source := s.open(t)
	var f camera.Frame
	for round := range 50 {
		for _, picture := range []string{"old", "mid", "new"}[round%3:] {
			s.put(picture)
		}
		if err := source.Read(t.Context(), &f); err != nil || string(f.Image.Pix) != "new" || f.Number != uint64(round)+1 {
			t.Fatalf("round %d: frame %d is %q, %v", round, f.Number, f.Image.Pix, err)
		}
	}
}

func TestUnreadablePictureIsSkipped(t *testing.T) {
	s := newScript()
	source := s.open(t)
	var f camera.Frame
	s.put("four")
	var skipped *camera.Skipped
	if err := source.Read(t.Context(), &f); !errors.As(err, &skipped) {
		t.Errorf("%v, want a Skipped", err)
	}
	s.put("yes")
	if err := source.Read(t.Context(), &f); err != nil || f.Number != 1 {
		t.Errorf("after it: frame %d, %v", f.Number, err)
	}
}

// The last picture before a failure is delivered.
func TestFailure(t *testing.T) {
	for _, cause := range []error{errors.New("the cable is cut"), nil, io.EOF} {
		s := newScript()
		source := s.open(t)
		s.put("yes")
		s.fail <- cause
		var f camera.Frame
		if err := source.Read(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := source.Read(t.Context(), &f)
			if err == nil || errors.Is(err, io.EOF) || cause != nil && !errors.Is(err, cause) && cause != io.EOF {
				t.Errorf("producer ended with %v, Read with %v", cause, err)
			}
		}
		source.Close()
		if err := source.Read(t.Context(), &f); !errors.Is(err, camera.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func TestStall(t *testing.T) {
	s := newScript()
	source := live.New(live.Options{Produce: s.produce, Decode: decode, Stall: 30 * time.Millisecond})
	defer source.Close()
	var f camera.Frame
	for range 2 {
		if err := source.Read(t.Context(), &f); !errors.Is(err, camera.ErrStalled) || !strings.Contains(err.Error(), "30ms") {
			t.Errorf("%v, want ErrStalled and how long", err)
		}
	}
}

// A consumer that comes back late finds the picture, not a stall.
func TestSlowConsumerIsNoStall(t *testing.T) {
	s := newScript()
	source := live.New(live.Options{Produce: s.produce, Decode: decode, Stall: 20 * time.Millisecond})
	defer source.Close()
	s.put("yes")
	time.Sleep(60 * time.Millisecond)
	var f camera.Frame
	if err := source.Read(t.Context(), &f); err != nil {
		t.Error(err)
	}
}

func TestStopIsCalledOnce(t *testing.T) {
	r, w := io.Pipe()
	stopped := 0
	source := live.New(live.Options{
		Produce: func(context.Context, func([]byte) []byte) error {
			_, err := r.Read(make([]byte, 1))
			return err
		},
		Decode: decode,
		Stop:   func() error { stopped++; return w.Close() },
	})
	for range 2 {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
	if stopped != 1 {
		t.Errorf("stopped %d times", stopped)
	}
}

func TestAllocatesNothing(t *testing.T) {
	s := newScript()
	source := s.open(t)
	var f camera.Frame
	picture := string(bytes.Repeat([]byte{7}, 3))
	if n := testing.AllocsPerRun(100, func() {
		s.put(picture)
		s.put(picture)
		if err := source.Read(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
