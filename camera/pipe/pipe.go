// Package pipe reads frames from a stream that has nothing but frames in it: what
// a camera program writes to its standard output, or what is piped into ours.
package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Options says what is in the stream.
type Options struct {
	// Format is one of Formats.
	Format string
	// Width and Height are those of every frame, in pixels. MJPEG frames say
	// it themselves.
	Width, Height int
	// Matrix says what the Y, Cb and Cr of raw frames mean.
	Matrix pixel.Matrix
	// Live says that the stream goes on whether anybody reads or not, as a
	// camera's does: it is read as fast as it comes, and what nobody takes in time
	// is left out. Otherwise every frame waits for its turn.
	Live bool
	// Stall is how long a live stream may be silent. Zero means 10 s.
	Stall time.Duration
	// Limits are for a frame.
	Limits pixel.Limits
	// Info says what the source is called. Format, size and Live are filled in.
	Info camera.Info
}

// Validate returns what is wrong with the options, or nil.
func (o Options) Validate() error {
	_, err := formatOf(o)
	return err
}

// New returns a source of the frames in r. If r is an io.Closer, Close closes it,
// and that must end a Read of r that waits; if it is none, no Read of r may wait
// for ever.
//
// The stream may end between two frames, which is io.EOF, but not inside one. An
// MJPEG frame that cannot be decoded is a camera.Skipped.
func New(r io.Reader, o Options) (camera.Source, error) {
	f, err := formatOf(o)
	if err != nil {
		return nil, err
	}
	info := o.Info
	info.Format, info.Live = f.fourCC, o.Live
	if info.Driver == "" {
		info.Driver = "pipe"
	}
	if f.size != nil {
		info.Width, info.Height = o.Width, o.Height
	}
	next, decode := f.reader(r, o), f.decoder(o)
	stop := func() error {
		if c, ok := r.(io.Closer); ok {
			return c.Close()
		}
		return nil
	}
	if o.Live {
		return live.New(live.Options{
			Info: info, Decode: decode, Stop: stop, Stall: o.Stall,
			Produce: func(ctx context.Context, put func([]byte) []byte) error {
				var buf []byte
				for ctx.Err() == nil {
					var err error
					if buf, err = next(buf); err != nil {
						return err
					}
					buf = put(buf)
				}
				return ctx.Err()
			},
		}), nil
	}
	s := &source{
		decode: decode, stop: stop, info: info,
		full: make(chan arrival), empty: make(chan []byte, 2), closed: make(chan struct{}),
	}
	s.empty <- nil
	s.empty <- nil
	s.pumping.Go(func() { s.pump(next) })
	return s, nil
}

// reader returns what reads the next frame into memory that it is given.
func (f format) reader(r io.Reader, o Options) func([]byte) ([]byte, error) {
	if f.size == nil {
		return NewSplitter(r, o.Limits).Next
	}
	size := f.size(o.Width, o.Height)
	in, shared := r.(*Session)
	return func(buf []byte) ([]byte, error) {
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		n, err := io.ReadFull(r, buf)
		if shared && n > 0 && n < size {
			in.owe(size - n)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the stream ends after %d of a frame's %d bytes: %w", n, size, err)
			err = hint.Wrap(err, "see that format, width and height are what the program sends")
		}
		return buf, err
	}
}

// decoder returns what makes pixels of a frame.
func (f format) decoder(o Options) func(*pixel.RGB, []byte) error {
	if f.size == nil {
		return func(dst *pixel.RGB, data []byte) error { return pixel.DecodeInto(dst, data, o.Limits) }
	}
	yuv := &pixel.YUV{Matrix: o.Matrix}
	return func(dst *pixel.RGB, data []byte) error { return f.convert(yuv, dst, data, o.Width, o.Height) }
}

// source hands on every frame of a stream. A goroutine of its own reads, because
// only that can be left waiting when Read's context ends.
type source struct {
	decode func(*pixel.RGB, []byte) error
	stop   func() error

	full    chan arrival  // from the pump
	empty   chan []byte   // back to it: two pieces of memory go round
	closed  chan struct{} // Close was called
	pumping sync.WaitGroup
	closing sync.Once
	failed  error // of closing

	number uint64
	over   error // what Read returned when it was over

	mu   sync.Mutex
	info camera.Info
}

// arrival is a frame as it arrived, or why there are no more.
type arrival struct {
	data []byte
	at   time.Time
	err  error
}

// pump reads until there is nothing more or nobody takes it.
func (s *source) pump(next func([]byte) ([]byte, error)) {
	for {
		var a arrival
		select {
		case a.data = <-s.empty:
		case <-s.closed:
			return
		}
		a.data, a.err = next(a.data)
		a.at = time.Now()
		select {
		case s.full <- a:
		case <-s.closed:
			return
		}
		if a.err != nil {
			return
		}
	}
}

// Read implements camera.Source.
func (s *source) Read(ctx context.Context, f *camera.Frame) error {
	select {
	case <-s.closed:
		return camera.ErrClosed
	default:
	}
	if s.over != nil {
		return s.over
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var a arrival
	select {
	case a = <-s.full:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return camera.ErrClosed
	}
	if a.err != nil {
		s.over = a.err
		return a.err
	}
	err := s.decode(&f.Image, a.data)
	s.empty <- a.data
	if err != nil {
		return &camera.Skipped{Err: err}
	}
	s.number++
	f.Number, f.Captured, f.Name = s.number, a.at, ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Width, s.info.Height = f.Image.Width, f.Image.Height
	return nil
}

// Info implements camera.Source.
func (s *source) Info() camera.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// Close implements camera.Source.
func (s *source) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.failed = s.stop()
	})
	s.pumping.Wait()
	return s.failed
}
