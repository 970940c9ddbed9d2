package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

const width, height, count = 32, 24, 6

// jpegOf returns a grey picture as a JPEG.
func jpegOf(t testing.TB, grey byte) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = grey
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// frameOf returns a grey frame in a format.
func frameOf(t testing.TB, name string, grey byte) []byte {
	t.Helper()
	y := grey // as Y in 16 to 235
	if name != "grey" && name != "rgb24" && name != "bgr24" {
		y = byte(16 + int(grey)*219/255)
	}
	fill := func(n int, v ...byte) []byte { return bytes.Repeat(v, n/len(v)) }
	switch name {
	case "mjpeg":
		return jpegOf(t, grey)
	case "rgb24", "bgr24":
		return fill(3*width*height, y)
	case "yuyv":
		return fill(2*width*height, y, 128)
	case "uyvy":
		return fill(2*width*height, 128, y)
	case "yuv420p", "nv12":
		return append(fill(width*height, y), fill(width*height/2, 128)...)
	case "grey":
		return fill(width*height, y)
	}
	t.Fatalf("no frame of %s is known", name)
	return nil
}

// stream returns a stream of count frames, each lighter than the one before.
func stream(t testing.TB, name string) (b []byte) {
	for i := range count {
		b = append(b, frameOf(t, name, byte(40*(i+1)))...)
	}
	return b
}

// pipeOf is a real pipe through which a goroutine sends data. Without an end
// it is left open at the other side.
type pipeOf struct {
	io.ReadCloser
	writer  *os.File
	writing sync.WaitGroup
}

func newPipe(data []byte, end bool) (*os.File, *pipeOf, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	p := &pipeOf{ReadCloser: r, writer: w}
	p.writing.Go(func() {
		_, _ = w.Write(data)
		if end {
			_ = w.Close()
		}
	})
	return r, p, nil
}

func (p *pipeOf) Close() error {
	err := p.ReadCloser.Close()
	p.writing.Wait()
	_ = p.writer.Close()
	return err
}

// throughInput reads a pipe as standard input is read.
func throughInput(r *os.File, p *pipeOf) error {
	session, err := pipe.NewInput(r).Open()
	p.ReadCloser = both{session, r}
	return err
}

type both struct {
	*pipe.Session
	file *os.File
}

func (b both) Close() error { return errors.Join(b.Session.Close(), b.file.Close()) }

func TestConformance(t *testing.T) {
	for _, name := range []string{"mjpeg", "yuyv"} { // the others differ in their conversion alone
		for _, live := range []bool{false, true} {
			for _, input := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/live=%t/input=%t", name, live, input), func(t *testing.T) {
					o := pipe.Options{Format: name, Width: width, Height: height, Live: live}
					open := func(data []byte, end bool) func(context.Context) (camera.Source, error) {
						return func(context.Context) (camera.Source, error) {
							r, p, err := newPipe(data, end)
							if err == nil && input {
								err = throughInput(r, p)
							}
							if err != nil {
								return nil, err
							}
							return pipe.New(p, o)
						}
					}
					data := stream(t, name)
					h := cameratest.Harness{
						Open: open(data, true), Frames: count, Ends: true, Rereads: true,
						OpenIdle:    open(nil, false),
						OpenFailing: open(data[:len(data)-5], true),
					}
					if live {
						// All arrive at once, and the newest wins.
						h.Open, h.Ends, h.Rereads = trickle(t, name, input), false, false
					}
					cameratest.Run(t, h)
				})
			}
		}
	}
}

// trickle opens a live source to which each frame is sent when the one before has
// been read.
func trickle(t *testing.T, name string, input bool) func(context.Context) (camera.Source, error) {
	return func(context.Context) (camera.Source, error) {
		r, p, err := newPipe(frameOf(t, name, 10), false)
		if err == nil && input {
			err = throughInput(r, p)
		}
		if err != nil {
			return nil, err
		}
		source, err := pipe.New(p, pipe.Options{Format: name, Width: width, Height: height, Live: true})
		return &prompted{Source: source, next: func() { _, _ = p.writer.Write(frameOf(t, name, 10)) }}, err
	}
}

type prompted struct {
	camera.Source
	next func()
}

func (s *prompted) Read(ctx context.Context, f *camera.Frame) error {
	err := s.Source.Read(ctx, f)
	if err == nil {
		s.next()
	}
	return err
}

// Every format's frames come out as they went in.
func TestFramesComeOut(t *testing.T) {
	for _, name := range pipe.Formats() {
		source, err := pipe.New(bytes.NewReader(stream(t, name)), pipe.Options{Format: name, Width: width, Height: height})
		if err != nil {
			t.Fatal(err)
		}
		var f camera.Frame
		for i := range count {
			if err := source.Read(t.Context(), &f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := 40 * (i + 1)
			for j, v := range f.Image.Pix {
				if int(v) < want-2 || int(v) > want+2 {
					t.Fatalf("%s: frame %d has %d at %d, want about %d", name, i+1, v, j, want)
				}
			}
			if f.Image.Width != width || f.Image.Height != height {
				t.Fatalf("%s: %dx%d pixels", name, f.Image.Width, f.Image.Height)
			}
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestColoursAreNotSwapped(t *testing.T) {
	for name, frame := range map[string][]byte{"rgb24": {1, 2, 3}, "bgr24": {3, 2, 1}} {
		source, err := pipe.New(bytes.NewReader(frame), pipe.Options{Format: name, Width: 1, Height: 1})
		if err != nil {
			t.Fatal(err)
		}
		var f camera.Frame
		if err := source.Read(t.Context(), &f); err != nil || !bytes.Equal(f.Image.Pix, []byte{1, 2, 3}) {
			t.Errorf("%s: %v, %v", name, f.Image.Pix, err)
		}
		_ = source.Close()
	}
}

// A picture that is damaged costs itself, not the stream.
func TestDamagedPictureIsSkipped(t *testing.T) {
	good := jpegOf(t, 99)
	cut := good[:len(good)/2]
	data := bytes.Join([][]byte{[]byte("\r\n--frame\r\n"), good, []byte("junk\xff"), cut, good, good}, nil)
	source, err := pipe.New(bytes.NewReader(data), pipe.Options{Format: "mjpeg"})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var got []string
	var f camera.Frame
	for {
		err := source.Read(t.Context(), &f)
		var skipped *camera.Skipped
		switch {
		case err == nil:
			got = append(got, "good")
			continue
		case errors.As(err, &skipped):
			got = append(got, "skipped")
			continue
		case err != io.EOF:
			t.Error(err)
		}
		break
	}
	if want := "[good skipped good good]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestStreamEndsInsideAFrame(t *testing.T) {
	for _, name := range pipe.Formats() {
		data := frameOf(t, name, 1)
		source, err := pipe.New(bytes.NewReader(data[:len(data)-1]), pipe.Options{Format: name, Width: width, Height: height})
		if err != nil {
			t.Fatal(err)
		}
		var f camera.Frame
		if err := source.Read(t.Context(), &f); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		_ = source.Close()
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []pipe.Options{
		{}, {Format: "h264"}, {Format: "rgb24"}, {Format: "rgb24", Width: 4}, {Format: "rgb24", Width: -4, Height: 4},
		{Format: "yuyv", Width: 1 << 15, Height: 1}, {Format: "yuyv", Width: 1 << 14, Height: 1 << 14},
		{Format: "grey", Width: 100, Height: 100, Limits: pixel.Limits{Pixels: 9999}},
	} {
		_, err := pipe.New(bytes.NewReader(nil), o)
		if !errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "" || o.Validate() == nil {
			t.Errorf("%+v: %v, hint %q", o, err, hint.Of(err))
		}
	}
	for _, name := range []string{"mjpeg", "MJPG", "yuyv422", "gray", "I420"} {
		if err := (pipe.Options{Format: name, Width: 5, Height: 5}).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRawFramesDoNotAllocate(t *testing.T) {
	r, p, err := newPipe(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := throughInput(r, p); err != nil {
		t.Fatal(err)
	}
	source, err := pipe.New(p, pipe.Options{Format: "yuyv", Width: width, Height: height})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	frame, ctx := frameOf(t, "yuyv", 7), t.Context()
	var f camera.Frame
	take := func() {
		if _, err := p.writer.Write(frame); err != nil {
			t.Fatal(err)
		}
		if err := source.Read(ctx, &f); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		take()
	}
	if n := testing.AllocsPerRun(200, take); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
