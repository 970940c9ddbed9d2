package open_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/samplelinks"
)

func TestCheck(t *testing.T) {
	for _, uri := range []string{
		"/dev/video0", "/dev/v4l/by-id/usb-046d_HD-video-index0", "v4l2:///dev/video2?width=640&height=480&rate=15&format=MJPG&control.brightness=-3", "/dev/video0?rate=5",
		"csi://0", "csi://1?width=640&height=480&rate=30",
		"rtsp://cam/stream", "rtsps://u:p%40@cam:322/s?x=y", "RTSP://cam/s", "rtsp://cam/s#udp=true", "http://cam/video.mjpg?user=x", "https://[::1]:8443/snap.jpg#rate=0.5&width=320",
		".", "..", "./in", "in/coming", "/srv/in", "./a:b", "./what?is=this", "file:///srv/in", "file://in", "file://./in", "file:///a%20b%3f?after=move:/srv/done",
		"file:///in?existing=false&subfolders=true&settle=2s&patience=1m&poll=500ms&watched=false&after=delete", "file://localhost/srv/in", "file:///a+b",
		"pipe:?format=mjpeg", "pipe:-?format=rgb24&width=4&height=3&live=true", "pipe://?format=yuyv&width=4&height=3&matrix=jfif",
		"test:", "test://", "test://?", "test://?width=64&height=48&rate=2.5&frames=10&pattern=noise", "test://?dir=/srv/photos&hold=10&rate=0",
	} {
		if err := open.Check(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, uri := range []string{
		"", "0", "samples", "video0", "foo://bar", "rtps://cam/x", "c:\\photos", "a:b", "~/photos", "x\x00y", "./" + strings.Repeat("x", 5000),
		"v4l2://video0", "v4l2:///dev/video0?widht=3", "/dev/video0?control.=3", "/dev/video0?control.gain=much", "/dev/video0?width=-1",
		"csi://", "csi://x", "csi://0?after=delete",
		"rtsp://", "http://", "http:///x", "rtsp://cam/s#fast", "rtsp://cam/s#rate=-1", "http://cam:port/", "http://[::1/",
		"file://", "file:", "file:///in?after=burn", "file:///in?existing=yes", "file:///in?poll=5", "file:///in?poll=-5s", "file:///%zz", "file:///in?a=%zz", "file:///a%00b",
		"pipe:", "pipe:?format=h264", "pipe:?format=rgb24", "pipe:/dev/stdin?format=mjpeg", "pipe:?format=mjpeg&matrix=rec2020",
		"test://bars", "test://?widht=3", "test://?width=3", "test://?width=640&width=640", "test://?rate=NaN", "test://?rate=fast", "test://?width=1e3",
		"test://?pattern=stripes", "test://?pattern=", "test://?pattern=dir", "test://?frames=99999999999999999999", "test://?=3", "test://?dir=%00",
	} {
		err := open.Check(uri)
		if !errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "" {
			t.Errorf("%q: %v, hint %q", uri, err, hint.Of(err))
		}
		if _, openErr := open.Open(t.Context(), uri, open.Options{}); err != nil && (openErr == nil || openErr.Error() != err.Error()) {
			t.Errorf("%q: Open says %v, Check says %v", uri, openErr, err)
		}
	}
	// The next step names what would have been right.
	for uri, want := range map[string]string{
		"foo://x": "rtsp://", "test://?widht=3": "width", "file:///in?x=1": "subfolders", "v4l2:///dev/video0?x=1": "control.NAME", "samples": "./NAME", "pipe:": "mjpeg",
	} {
		if got := hint.Of(open.Check(uri)); !strings.Contains(got, want) {
			t.Errorf("%s: the hint %q does not say %s", uri, got, want)
		}
	}
}

// What is refused, or cannot be opened, does not give passwords away.
func TestErrorsHoldNoPassword(t *testing.T) {
	const secret = "sekrit"
	for _, uri := range []string{
		"rtps://admin:sekrit@cam/x", "rtsp://admin:sekrit@", "rtsp://admin:sek%zzrit@cam/", "rtsp://admin:pa#sekrit=1@cam/s", "rtsp://admin:pa#sekrit@cam/s",
		"http://admin:sekrit@127.0.0.1:1/x", "http://127.0.0.1:1/?password=sekrit", "rtsp://admin:sekrit@127.0.0.1:1/x", "rtsp:/admin:sekrit@cam", "admin:sekrit@cam",
		"http://admin:se/sekrit@cam:x/", "rtsp://admin:sekrit@cam/s#fast", "http://admin:sekrit@cam:port/",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		source, err := open.Open(ctx, uri, open.Options{FFmpeg: "no-such-program"})
		cancel()
		if err == nil {
			t.Errorf("%s was opened", uri)
			_ = source.Close()
			continue
		}
		if strings.Contains(err.Error()+hint.Of(err), secret) {
			t.Errorf("%s: %v, hint %q", uri, err, hint.Of(err))
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, uri := range []string{
		"/dev/video0?control.x=1", "csi://0", "rtsp://u:p@h/s?x#udp=true", "file:///a%20b?after=move:x", "pipe:?format=mjpeg", "test://?width=64&height=48", "./x", "\x00", "a://b:c@d",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		err := open.Check(uri)
		if err != nil && (!errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "") {
			t.Errorf("%q: %v, hint %q", uri, err, hint.Of(err))
		}
		// As a password, it turns up nowhere, whether it is well written or not.
		if len(uri) < 8 {
			return
		}
		for _, scheme := range []string{"rtsp", "http", "foo"} {
			err := open.Check(scheme + "://admin:" + uri + "@camera")
			// What is said of every password cannot give one away.
			if err != nil && strings.Contains(err.Error(), uri) && !strings.Contains(fmt.Sprint(open.Check(scheme+"://admin:%@camera:")), uri) {
				t.Errorf("the password %q of a %s camera: %v", uri, scheme, err)
			}
			if open.Redact(scheme+"://admin:"+uri+"@camera") != scheme+"://camera" {
				t.Errorf("the password %q of a %s camera stays", uri, scheme)
			}
		}
	})
}

// read opens a source and reads a frame.
func read(t *testing.T, uri string, o open.Options) (camera.Frame, camera.Info) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	source, err := open.Open(ctx, uri, o)
	if err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	defer source.Close()
	var frame camera.Frame
	if err := source.Read(ctx, &frame); err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	return frame, source.Info()
}

// Every driver that this machine has without hardware gives its pictures.
func TestOpen(t *testing.T) {
	path := t.TempDir()
	samplelinks.Make(t, path, 1, "plug_in")
	folder := filepath.Join(path, "plug_in")
	photo, err := filepath.Glob(folder + "/*.jpg")
	if err != nil || len(photo) != 1 {
		t.Fatal(err)
	}
	data, err := os.ReadFile(photo[0])
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "camera=1" || r.URL.Fragment != "" {
			t.Errorf("the camera was asked for %v", r.URL)
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(data)
	}))
	defer server.Close()

	for uri, driver := range map[string]string{
		"test://?width=64&height=48":                     "pattern",
		"test://?dir=" + url.PathEscape(path):            "pattern",
		folder:                                           "dir",
		"file://" + folder:                               "dir",
		"file://" + path + "?subfolders=true":            "dir",
		"pipe:?format=mjpeg":                             "pipe",
		"pipe:?format=grey&width=10&height=10&live=true": "pipe",
		server.URL + "/snapshot.jpg?camera=1#rate=5":     "",
	} {
		frame, info := read(t, uri, open.Options{Stdin: bytes.NewReader(data)})
		if driver != "" && info.Driver != driver || frame.Number != 1 || frame.Image.Width == 0 {
			t.Errorf("%s: %+v, frame %d of %d pixels", uri, info, frame.Number, frame.Image.Width)
		}
	}
	if _, info := read(t, "test://", open.Options{}); info.Rate != 10 || !info.Live || info.Width != 320 {
		t.Errorf("test:// is %+v", info)
	}
	if _, info := read(t, "test://?rate=0", open.Options{}); info.Live {
		t.Errorf("test:// without a rate is %+v", info)
	}
}

// What a URI says comes before what is said for all.
func TestOptionsOfAll(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "bad.jpg"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(path, "bad.jpg"), old, old); err != nil {
		t.Fatal(err)
	}
	skip := func(uri string) {
		t.Helper()
		source, err := open.Open(t.Context(), uri, open.Options{After: "move:one"})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		var skipped *camera.Skipped
		if err := source.Read(t.Context(), new(camera.Frame)); !errors.As(err, &skipped) {
			t.Fatal(err)
		}
	}
	skip(path)
	if err := os.Rename(filepath.Join(path, "one/rejected/bad.jpg"), filepath.Join(path, "bad.jpg")); err != nil {
		t.Fatal(err)
	}
	skip("file://" + path + "?after=move:two")
	if _, err := os.Stat(filepath.Join(path, "two/rejected/bad.jpg")); err != nil {
		t.Error(err)
	}
}

// One Opener reads standard input with one source after the other.
func TestStandardInput(t *testing.T) {
	if _, err := open.Open(t.Context(), "pipe:?format=mjpeg", open.Options{}); !errors.Is(err, camera.ErrUnsupported) || hint.Of(err) == "" {
		t.Errorf("without standard input: %v", err)
	}
	var none *os.File
	if _, err := open.Open(t.Context(), "pipe:?format=mjpeg", open.Options{Stdin: none}); !errors.Is(err, camera.ErrUnsupported) {
		t.Errorf("with no file: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	opener := open.New(open.Options{Stdin: r})
	const uri = "pipe:?format=grey&width=10&height=10"
	for i := range 3 {
		source, err := opener.Open(t.Context(), uri)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opener.Open(t.Context(), uri); !errors.Is(err, camera.ErrUnsupported) {
			t.Errorf("a second source on standard input: %v", err)
		}
		if _, err := w.Write(bytes.Repeat([]byte{byte(i)}, 100)); err != nil {
			t.Fatal(err)
		}
		var f camera.Frame
		if err := source.Read(t.Context(), &f); err != nil || f.Image.Pix[299] != byte(i) {
			t.Errorf("frame %d: %v", i, err)
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The whole way: a Feed over a URI gives every frame of a pattern, in order.
func TestFeedOverAURI(t *testing.T) {
	opener := open.New(open.Options{})
	feed := camera.NewFeed(camera.FeedOptions{Open: func(ctx context.Context) (camera.Source, error) {
		return opener.Open(ctx, "test://?width=64&height=48&rate=0&frames=100")
	}})
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(t.Context()) }()
	var held *camera.Frame
	for want := uint32(1); ; want++ {
		var err error
		held, err = feed.Next(t.Context(), held)
		if err == io.EOF && want == 101 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := pattern.Number(&held.Image); !ok || n != want {
			t.Errorf("frame %d shows %d", want, n)
		}
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
