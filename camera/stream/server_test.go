package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds every wait in these tests.
const deadline = 60 * time.Second

// picture is a JPEG of one colour, which number gives.
func picture(number int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 32, 24))
	for i := range 32 * 24 {
		img.SetRGBA(i%32, i/32, color.RGBA{byte(number * 40), 100, 200, 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// numberOf is the reverse.
func numberOf(f *camera.Frame) int { return (int(f.Image.Pix[0]) + 20) / 40 }

// framing writes a picture as some camera does.
type framing struct {
	contentType string
	write       func(w io.Writer, picture []byte)
}

var proper = framing{"multipart/x-mixed-replace; boundary=frame", func(w io.Writer, p []byte) {
	fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(p), p)
}}

// webServer is a real HTTP server on loopback that can be ended and come back at
// the same address.
type webServer struct {
	t       *testing.T
	handler http.Handler
	address string

	mu     sync.Mutex
	server *http.Server
	done   chan struct{}
}

func serve(t *testing.T, handler http.Handler) *webServer {
	s := &webServer{t: t, handler: handler, address: "127.0.0.1:0"}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *webServer) start() {
	s.t.Helper()
	listener, err := listenAgain(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = listener.Addr().String()
	done := make(chan struct{})
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: deadline}
	s.mu.Lock()
	s.server, s.done = server, done
	s.mu.Unlock()
	go func() {
		defer close(done)
		server.Serve(listener)
	}()
}

// listenAgain listens at an address that was in use a moment ago.
func listenAgain(address string) (listener net.Listener, err error) {
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if listener, err = net.Listen("tcp", address); err == nil {
			return listener, nil
		}
	}
	return nil, err
}

// kill ends the server and all connections, as a power cut does.
func (s *webServer) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.Close()
		<-s.done
		s.server = nil
	}
}

func (s *webServer) url(path string) string { return "http://" + s.address + path }

// mjpeg streams pictures 1, 2, … every so often, n of them.
func mjpeg(f framing, n int, every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", f.contentType)
		w.(http.Flusher).Flush()
		for i := 1; i <= n; i++ {
			f.write(w, picture(i%6))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(every):
			}
		}
		if n < endless {
			<-r.Context().Done()
		}
	}
}

// endless is more pictures than any test reads.
const endless = 1 << 30

func mustOpen(t *testing.T, uri string, o Options) camera.Source {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	source, err := Open(ctx, uri, o)
	if err != nil {
		t.Fatalf("%v (hint: %s)", err, hint.Of(err))
	}
	t.Cleanup(func() { source.Close() })
	return source
}

func mustRead(t *testing.T, source camera.Source, f *camera.Frame) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for {
		err := source.Read(ctx, f)
		var skipped *camera.Skipped
		if err == nil {
			return
		}
		if !errors.As(err, &skipped) {
			t.Fatal(err)
		}
	}
}

// fails opens what cannot be opened, or reads until it fails.
func fails(t *testing.T, uri string, o Options) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	source, err := Open(ctx, uri, o)
	if err != nil {
		return err
	}
	defer source.Close()
	var f camera.Frame
	for err == nil {
		err = source.Read(ctx, &f)
		var skipped *camera.Skipped
		if errors.As(err, &skipped) {
			err = nil
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("%s does not fail", camera.Redact(uri))
	}
	return err
}

// recovers runs a Feed over a source whose server is ended and started again, and
// wants the gap to be told.
func recovers(t *testing.T, uri string, o Options, kill, restart func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*deadline)
	defer cancel()
	var mu sync.Mutex
	var changes []camera.Change
	running := make(chan camera.Change, 16)
	waiting := make(chan camera.Change, 1024)
	feed := camera.NewFeed(camera.FeedOptions{
		Open:    func(ctx context.Context) (camera.Source, error) { return Open(ctx, uri, o) },
		MinWait: 20 * time.Millisecond, MaxWait: 200 * time.Millisecond,
		Notify: func(c camera.Change) {
			mu.Lock()
			changes = append(changes, c)
			mu.Unlock()
			switch c.State {
			case camera.Running:
				running <- c
			case camera.Waiting:
				waiting <- c
			}
		},
	})
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(ctx) }()
	await := func(what string, c <-chan camera.Change) camera.Change {
		t.Helper()
		select {
		case change := <-c:
			return change
		case <-ctx.Done():
			mu.Lock()
			defer mu.Unlock()
			t.Fatalf("never %s: %+v", what, changes)
		}
		return camera.Change{}
	}
	if first := await("running", running); first.Gap != 0 {
		t.Errorf("a gap of %v before the first frame", first.Gap)
	}
	var held *camera.Frame
	var err error
	for range 3 {
		if held, err = feed.Next(ctx, held); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	lost := await("waiting", waiting)
	if lost.Err == nil || strings.Contains(lost.Err.Error(), "s3cret") {
		t.Errorf("lost because of %v", lost.Err)
	}
	t.Logf("lost: %v", lost.Err)
	restart()
	back := await("running again", running)
	if back.Gap <= 0 {
		t.Errorf("no gap is told: %+v", back)
	}
	t.Logf("back after %v: %+v", back.Gap, back.Info)
	for range 3 {
		if held, err = feed.Next(ctx, held); err != nil {
			t.Fatal(err)
		}
	}
	if stats := feed.Stats(); stats.Reconnects == 0 {
		t.Errorf("%+v", stats)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
