package stream

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestConformanceMJPEG(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", mjpeg(proper, endless, 2*time.Millisecond))
	mux.HandleFunc("/idle", mjpeg(proper, 0, 0))
	mux.HandleFunc("/ends", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", proper.contentType)
		proper.write(w, picture(1))
		proper.write(w, picture(2)[:300])
	})
	s := serve(t, mux)
	open := func(path string) func(context.Context) (camera.Source, error) {
		return func(ctx context.Context) (camera.Source, error) { return Open(ctx, s.url(path), Options{}) }
	}
	cameratest.Run(t, cameratest.Harness{Frames: 5, Open: open("/endless"), OpenIdle: open("/idle"), OpenFailing: open("/ends")})
}

func TestConformancePolling(t *testing.T) {
	var asked atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/shot.jpg", func(w http.ResponseWriter, _ *http.Request) { w.Write(picture(3)) })
	mux.HandleFunc("/fails.jpg", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(picture(3))
	})
	s := serve(t, mux)
	open := func(path string) func(context.Context) (camera.Source, error) {
		return func(ctx context.Context) (camera.Source, error) { return Open(ctx, s.url(path), Options{Rate: 200}) }
	}
	cameratest.Run(t, cameratest.Harness{Frames: 5, Rereads: true, Open: open("/shot.jpg"), OpenFailing: open("/fails.jpg")})
}

// Servers write multipart in many ways, few of them right. All pictures come out of
// each.
func TestFramings(t *testing.T) {
	const boundary = "multipart/x-mixed-replace; boundary="
	header := func(format string) func(io.Writer, []byte) {
		return func(w io.Writer, p []byte) {
			fmt.Fprint(w, strings.NewReplacer("LENGTH", fmt.Sprint(len(p)), "DATA", string(p), "|", "\r\n").Replace(format))
		}
	}
	for name, f := range map[string]framing{
		"as it should be":       proper,
		"quoted":                {boundary + `"frame"`, header("--frame|Content-Type: image/jpeg|Content-Length: LENGTH||DATA|")},
		"dashes in the name":    {boundary + "--frame", header("--frame|Content-Type: image/jpeg|Content-Length: LENGTH||DATA|")},
		"another boundary":      {boundary + "one", header("--two|Content-Type: image/jpeg|Content-Length: LENGTH||DATA|")},
		"no boundary at all":    {"multipart/x-mixed-replace", header("--frame|Content-Type: image/jpeg||DATA|")},
		"no dashes":             {boundary + "frame", header("frame|Content-Type: image/jpeg|Content-Length: LENGTH||DATA|")},
		"no length":             {boundary + "frame", header("--frame|Content-Type: image/jpeg||DATA|")},
		"a wrong length":        {boundary + "frame", header("--frame|Content-Type: image/jpeg|Content-Length: 7||DATA|")},
		"no line end before":    {boundary + "frame", header("--frame|Content-Type: image/jpeg||DATA")},
		"newlines alone":        {boundary + "frame", header("--frame\nContent-Type: image/jpeg\nContent-Length: LENGTH\n\nDATA\n")},
		"no headers":            {boundary + "frame", header("--frame||DATA|")},
		"no framing":            {"video/x-motion-jpeg", header("DATA")},
		"no type":               {"application/octet-stream", header("DATA")},
		"multipart, no type":    {"application/octet-stream", header("|--frame|Content-Type: image/jpeg||DATA|")},
		"a type out of order":   {"multipart/x-mixed-replace;boundary=a b;;", header("--a b||DATA|")},
		"other parts between":   {boundary + "frame", header("--frame|Content-Type: text/plain||temperature 40|--frame|Content-Type: image/jpeg||DATA|")},
		"half a picture before": {boundary + "frame", func(w io.Writer, p []byte) { proper.write(w, p[:len(p)/2]); proper.write(w, p) }},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", f.contentType)
				for i := 1; i <= 5; i++ {
					f.write(w, picture(i))
					w.(http.Flusher).Flush()
					select {
					case <-next:
					case <-r.Context().Done():
						return
					}
				}
			}))
			source := mustOpen(t, s.url("/"), Options{})
			var frame camera.Frame
			for want := 1; want <= 4; want++ {
				// Each is there without the next one having been begun.
				mustRead(t, source, &frame)
				if got := numberOf(&frame); got != want {
					t.Errorf("picture %d came, want %d", got, want)
				}
				next <- struct{}{}
			}
			if info := source.Info(); info.Format != "MJPG" || info.Width != 32 || info.Height != 24 || !info.Live {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestSinglePicture(t *testing.T) {
	var asked atomic.Int64
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := int(asked.Add(1))
		if n == 2 {
			w.Header().Set("Content-Type", "image/jpeg")
			w.Write([]byte("busy")) // unreadable, once
			return
		}
		w.Write(picture(min(n, 6)))
	}))
	source := mustOpen(t, s.url("/shot.jpg"), Options{Rate: 50})
	var f camera.Frame
	mustRead(t, source, &f)
	if got := numberOf(&f); got != 1 {
		t.Errorf("first came %d: the answer that opening got is thrown away", got)
	}
	var skipped *camera.Skipped
	if err := source.Read(t.Context(), &f); !errors.As(err, &skipped) {
		t.Errorf("%v, want a Skipped", err)
	}
	for numberOf(&f) < 5 {
		mustRead(t, source, &f)
	}
	if info := source.Info(); info.Format != "image" || info.Rate != 50 || info.Width != 32 {
		t.Errorf("%+v", info)
	}
}

// digestServer answers who says the password, without ever being told it.
func digestServer(user, password string, next http.Handler, seen *atomic.Value) http.Handler {
	sum := func(parts ...string) string {
		h := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h[:])
	}
	var nonces atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Authorization")
		if seen != nil && auth != "" {
			seen.Store(auth)
		}
		value := func(key string) string {
			_, rest, _ := strings.Cut(auth, key+"=")
			rest, _, _ = strings.Cut(rest, ",")
			return strings.Trim(strings.TrimSpace(rest), `"`)
		}
		nonce := fmt.Sprintf("n%d", nonces.Load())
		want := sum(sum(user, "cam", password), nonce, value("nc"), value("cnonce"), "auth", sum(r.Method, r.URL.RequestURI()))
		if !strings.HasPrefix(auth, "Digest ") || value("username") != user || value("nonce") != nonce || value("response") != want {
			nonces.Add(1)
			w.Header().Add("WWW-Authenticate", `Basic realm="cam"`)
			w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Digest realm="cam", qop="auth", nonce="n%d"`, nonces.Load()))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func basicServer(user, password string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `basic realm="cam"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func with(uri, user string) string { return strings.Replace(uri, "://", "://"+user+"@", 1) }

func TestUserAndPassword(t *testing.T) {
	var seen atomic.Value
	shot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(picture(2)) })
	for name, handler := range map[string]http.Handler{
		"basic":  basicServer("admin", "s3cret!@", shot),
		"digest": digestServer("admin", "s3cret!@", shot, &seen),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, handler)
			source := mustOpen(t, with(s.url("/shot.jpg?x=1"), "admin:s3cret!%40"), Options{Rate: 100})
			var f camera.Frame
			for range 4 {
				mustRead(t, source, &f)
			}
			if info := source.Info(); strings.Contains(info.Device, "s3cret") || strings.Contains(info.Device, "admin") {
				t.Errorf("Info says the password: %q", info.Device)
			}
			for _, user := range []string{"", "admin:s3cret-wrong", "nobody"} {
				uri := s.url("/shot.jpg")
				if user != "" {
					uri = with(uri, user)
				}
				err := fails(t, uri, Options{})
				if strings.Contains(err.Error()+hint.Of(err), "s3cret") || hint.Of(err) == "" {
					t.Errorf("%v, hint %q", err, hint.Of(err))
				}
				if wants := strings.Contains(err.Error(), "wants a user"); wants != (user == "") {
					t.Errorf("user %q: %v", user, err)
				}
			}
		})
	}
	if auth, _ := seen.Load().(string); strings.Contains(auth, "Basic") {
		t.Error("a server that takes a digest was sent the password in the clear")
	}
}

// A digest serves for one nonce; a server may want another at any time.
func TestServerChangesItsNonce(t *testing.T) {
	shot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(picture(2)) })
	var handler atomic.Value
	handler.Store(digestServer("u", "p", shot, nil))
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.Load().(http.HandlerFunc)(w, r) }))
	source := mustOpen(t, with(s.url("/"), "u:p"), Options{Rate: 100})
	var f camera.Frame
	mustRead(t, source, &f)
	handler.Store(digestServer("u", "p", shot, nil))
	for range 4 {
		mustRead(t, source, &f)
	}
}

func TestRedirects(t *testing.T) {
	var told atomic.Value
	told.Store("")
	stranger := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told.Store(r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", `Basic realm="give it to me"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	mux := http.NewServeMux()
	mux.Handle("/here", http.RedirectHandler("/there", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusMovedPermanently))
	mux.Handle("/stranger", http.RedirectHandler(stranger.url("/"), http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	mux.Handle("/secure", http.RedirectHandler("https://127.0.0.1/?password=s3cret", http.StatusFound))
	mux.Handle("/broken", http.RedirectHandler("http://%zz/", http.StatusFound))
	mux.HandleFunc("/there", func(w http.ResponseWriter, _ *http.Request) { w.Write(picture(4)) })
	s := serve(t, basicServer("u", "s3cret", mux))
	var f camera.Frame
	mustRead(t, mustOpen(t, with(s.url("/here"), "u:s3cret"), Options{}), &f)
	if numberOf(&f) != 4 {
		t.Errorf("picture %d, want 4", numberOf(&f))
	}
	for path, want := range map[string]string{
		"/round":    "on and on",
		"/stranger": "wants a user",
		"/file":     "from http to file",
		"/secure":   "from http to https",
		"/broken":   "cannot be understood",
	} {
		err := fails(t, with(s.url(path), "u:s3cret"), Options{})
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error()+hint.Of(err), "s3cret") {
			t.Errorf("%s: %v, hint %q", path, err, hint.Of(err))
		}
	}
	if told.Load() != "" {
		t.Errorf("another host was told the password: %q", told.Load())
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(picture(5)) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	err := fails(t, s.URL, Options{})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) || !strings.Contains(hint.Of(err), "certificate") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	believed := x509.NewCertPool()
	believed.AddCert(s.Certificate())
	config := &tls.Config{RootCAs: believed, MinVersion: tls.VersionTLS12}
	var f camera.Frame
	mustRead(t, mustOpen(t, s.URL, Options{TLS: config}), &f)
	if config.ServerName != "" || config.NextProtos != nil {
		t.Error("the caller's configuration was changed")
	}
	err = fails(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), Options{TLS: config})
	var host x509.HostnameError
	if !errors.As(err, &host) || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}

func TestWhatIsNoStream(t *testing.T) {
	mux := http.NewServeMux()
	say := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
		}
	}
	mux.HandleFunc("/page", say("text/html; charset=utf-8", "<html>"))
	mux.HandleFunc("/hls", say("application/vnd.apple.mpegurl", "#EXTM3U"))
	mux.HandleFunc("/video", say("video/mp4", "\x00\x00\x00\x20ftypisom0000000000000000"))
	mux.HandleFunc("/nothing", say("application/octet-stream", ""))
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	s := serve(t, mux)
	for path, want := range map[string][2]string{
		"/page":    {"text/html", "manual"},
		"/hls":     {"mpegurl", "rtsp://"},
		"/video":   {"video/mp4", "rtsp://"},
		"/nothing": {"no picture arrives", ""},
		"/error":   {"502", ""},
		"/none":    {"404", "manual"},
	} {
		err := fails(t, with(s.url(path+"?pwd=s3cret"), "u:s3cret"), Options{})
		if !strings.Contains(err.Error(), want[0]) || !strings.Contains(hint.Of(err), want[1]) {
			t.Errorf("%s: %v, hint %q", path, err, hint.Of(err))
		}
		if strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), "http://"+s.address+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.kill()
	if err := fails(t, with(s.url("/?pwd=s3cret"), "u:s3cret"), Options{}); strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, uri := range []string{
		"http://", "rtsp:///path", "http://u:s3cret@", "ftp://u:s3cret@host/", "http://u:s3cret/@host:port/",
		"http://u:s3%cret@host/", "rtsp://ho st:s3cret@/", "http://[::1:s3cret@x", "s3cret",
	} {
		err := Check(uri)
		if !errors.Is(err, camera.ErrBadURI) || strings.Contains(err.Error()+hint.Of(err), "s3cret") {
			t.Errorf("%s: %v, hint %q", uri, err, hint.Of(err))
		}
		if _, again := Open(t.Context(), uri, Options{}); !errors.Is(again, camera.ErrBadURI) {
			t.Errorf("%s: %v", uri, again)
		}
	}
	for _, uri := range []string{"http://host", "https://u:p@host:8443/a?b", "rtsp://host/path", "rtsps://[::1]:322/"} {
		if err := Check(uri); err != nil {
			t.Error(err)
		}
	}
}

func TestSilenceIsAStall(t *testing.T) {
	s := serve(t, mjpeg(proper, 1, 0))
	if err := fails(t, s.url("/"), Options{Stall: 50 * time.Millisecond}); !errors.Is(err, camera.ErrStalled) {
		t.Errorf("%v", err)
	}
	// Junk that never becomes a picture is silence, too.
	s = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", proper.contentType)
		for r.Context().Err() == nil {
			w.Write(bytes.Repeat([]byte("junk"), 100))
			time.Sleep(time.Millisecond)
		}
	}))
	if err := fails(t, s.url("/"), Options{Stall: 50 * time.Millisecond}); !errors.Is(err, camera.ErrStalled) {
		t.Errorf("%v", err)
	}
}

func TestLimits(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", proper.contentType)
		if r.URL.Path == "/shot" {
			w.Header().Set("Content-Type", "image/jpeg")
		}
		w.Write([]byte("\xff\xd8\xff\xda\x00\x02"))
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte{7}, 1000)); err != nil {
				return
			}
		}
	}))
	for _, path := range []string{"/", "/shot"} {
		if err := fails(t, s.url(path), Options{Limits: pixel.Limits{Bytes: 50_000}}); !errors.Is(err, pixel.ErrTooLarge) {
			t.Errorf("%s: %v", path, err)
		}
	}
	s = serve(t, mjpeg(proper, endless, time.Millisecond))
	source := mustOpen(t, s.url("/"), Options{Limits: pixel.Limits{Pixels: 100}})
	var f camera.Frame
	if err := source.Read(t.Context(), &f); !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("a picture of too many pixels: %v", err)
	}
}

// A server that takes the connection and says nothing holds up nobody.
func TestOpeningEndsWithItsContext(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, s.url("/"), Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestHTTPServerIsKilledAndComesBack(t *testing.T) {
	s := serve(t, digestServer("u", "s3cret", mjpeg(proper, endless, 5*time.Millisecond), nil))
	recovers(t, with(s.url("/"), "u:s3cret"), Options{}, s.kill, s.start)
}
