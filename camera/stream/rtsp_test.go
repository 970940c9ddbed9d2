package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Every picture that arrives is, to the byte, one that was sent, and in order.
func TestRTSPDeliversWhatWasSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		encoder []string
		format  string
		udp     bool
	}{
		{"H264", encodeH264, "H264", false},
		{"H264 with B pictures", encodeH264B, "H264", false},
		{"H264 in datagrams", encodeH264, "H264", true},
		{"H265", encodeH265, "H265", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			clip := makeClip(t, "178", "100", c.encoder) // not a multiple of 16, nor of 4
			s := newRTSP(t, clip, func(s *rtspServer) { s.udp = c.udp })
			source := mustOpen(t, s.url(), Options{UDP: c.udp})
			want := clip.pictures(t, 178*100*3)
			last, matched := -1, 0
			var f camera.Frame
			for range clip.frames {
				mustRead(t, source, &f)
				at := -1
				for i := range want {
					n := (last + 1 + i) % len(want)
					if bytes.Equal(want[n], f.Image.Pix) {
						at = n
						break
					}
				}
				if at >= 0 {
					matched++
					last = at
				} else {
					t.Logf("frame %d is none of those that were sent", f.Number)
				}
			}
			// Datagrams may get lost, even here, and a decoder begins where it can.
			least := clip.frames
			if c.udp {
				least /= 2
			}
			if matched < least {
				t.Errorf("%d of %d frames are what was sent", matched, clip.frames)
			}
			if info := source.Info(); info.Format != c.format || info.Width != 178 || info.Height != 100 || info.Device != s.url() {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestRTSPCarriesMJPEGWithoutFFmpeg(t *testing.T) {
	clip := makeClip(t, "160", "96", mjpegClip)
	s := newRTSP(t, clip)
	source := mustOpen(t, s.url(), Options{FFmpeg: "/no/such/ffmpeg"})
	var f camera.Frame
	mustRead(t, source, &f)
	// The JPEG headers do not travel; what is made anew decodes to the same pixels.
	out, err := exec.Command(needFFmpeg(t), "-v", "error", "-i", clip.path, "-c", "copy", "-f", "mjpeg", "pipe:1").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for splitter := pipe.NewSplitter(bytes.NewReader(out), pixel.Limits{}); !found; {
		sent, err := splitter.Next(nil)
		if err != nil {
			t.Fatal("the picture is none of those that were sent")
		}
		img, err := pixel.Decode(sent, pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		found = bytes.Equal(img.Pix, f.Image.Pix)
	}
	if info := source.Info(); info.Format != "MJPG" || info.Width != 160 {
		t.Errorf("%+v", info)
	}
}

func TestRTSPConformance(t *testing.T) {
	clip := makeClip(t, "64", "48", encodeH264)
	s := newRTSP(t, clip)
	fading := newRTSP(t, clip)
	silent := newRTSP(t, clip, func(s *rtspServer) { s.silent = true })
	open := func(s *rtspServer) func(context.Context) (camera.Source, error) {
		return func(ctx context.Context) (camera.Source, error) { return Open(ctx, s.url(), Options{}) }
	}
	cameratest.Run(t, cameratest.Harness{
		Frames: 5, Open: open(s), OpenIdle: open(silent),
		OpenFailing: func(ctx context.Context) (camera.Source, error) {
			source, err := open(fading)(ctx)
			go fading.kill()
			return source, err
		},
	})
}

func TestRTSPScales(t *testing.T) {
	s := newRTSP(t, makeClip(t, "160", "120", encodeH264))
	for _, c := range []struct{ width, height, wantWidth, wantHeight int }{
		{80, 60, 80, 60}, {40, 0, 40, 30}, {0, 30, 40, 30}, {33, 21, 33, 21},
	} {
		source := mustOpen(t, s.url(), Options{Width: c.width, Height: c.height})
		var f camera.Frame
		mustRead(t, source, &f)
		if f.Image.Width != c.wantWidth || f.Image.Height != c.wantHeight {
			t.Errorf("asked for %dx%d, got %dx%d", c.width, c.height, f.Image.Width, f.Image.Height)
		}
		source.Close()
	}
}

func TestRTSPUserAndPassword(t *testing.T) {
	clip := makeClip(t, "64", "48", encodeH264)
	for name, method := range map[string]auth.VerifyMethod{
		"basic": auth.VerifyMethodBasic, "digest": auth.VerifyMethodDigestMD5, "digest of SHA-256": auth.VerifyMethodDigestSHA256,
	} {
		t.Run(name, func(t *testing.T) {
			s := newRTSP(t, clip, func(s *rtspServer) {
				s.user, s.password, s.methods = "admin", "s3cret!@", []auth.VerifyMethod{method}
			})
			source := mustOpen(t, with(s.url(), "admin:s3cret!%40"), Options{})
			var f camera.Frame
			mustRead(t, source, &f)
			// The child that decodes runs now, and knows nothing of it.
			if all := allArguments(t); strings.Contains(all, "s3cret") || !strings.Contains(all, "image2pipe") {
				t.Error("the password is in the arguments of a process, or no decoder was seen")
			}
			if info := source.Info(); info.Device != s.url() {
				t.Errorf("Info.Device is %q", info.Device)
			}
			if name != "basic" && strings.Contains(s.requests(), "s3cret") {
				t.Error("the password was sent in the clear")
			}
			for _, user := range []string{"", "admin:s3cret-wrong"} {
				uri := s.url()
				if user != "" {
					uri = with(uri, user)
				}
				err := fails(t, uri, Options{})
				if strings.Contains(err.Error()+hint.Of(err), "s3cret") || hint.Of(err) == "" || !strings.Contains(err.Error(), "password") {
					t.Errorf("%v, hint %q", err, hint.Of(err))
				}
			}
		})
	}
}

// The library would follow a redirect anywhere and take the password along.
func TestRTSPRedirects(t *testing.T) {
	target := newRTSP(t, makeClip(t, "64", "48", encodeH264))
	there := func(to string) *rtspServer {
		return newRTSP(t, clip{}, func(s *rtspServer) { s.user, s.password, s.moved = "u", "s3cret", to })
	}
	s := there(target.url())
	var f camera.Frame
	mustRead(t, mustOpen(t, with(s.url(), "u:s3cret"), Options{}), &f)
	if seen := target.requests(); strings.Contains(seen, "s3cret") || strings.Contains(seen, "Authorization") {
		t.Errorf("another host was told who we are:\n%s", seen)
	}

	round := &rtspServer{t: t, user: "u", password: "s3cret"}
	t.Cleanup(round.kill)
	round.start()
	round.moved = round.url()
	for name, c := range map[string]struct{ uri, want string }{
		"round":   {round.url(), "on and on"},
		"secure":  {there("rtsps://127.0.0.1/").url(), "from rtsp to rtsps"},
		"a file":  {there("file:///etc/passwd").url(), "from rtsp to file"},
		"nowhere": {there("rtsp://%zz").url(), "cannot be understood"},
	} {
		err := fails(t, with(c.uri, "u:s3cret"), Options{})
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error()+hint.Of(err), "s3cret") {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
}

func TestRTSPS(t *testing.T) {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS() // for its certificate
	certificate, config := certified.Certificate(), certified.TLS.Clone()
	certified.Close()
	config.NextProtos = nil
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264), func(s *rtspServer) { s.tls = config })
	uri := strings.Replace(s.url(), "rtsp://", "rtsps://", 1)
	err := fails(t, uri, Options{})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	believed := x509.NewCertPool()
	believed.AddCert(certificate)
	var f camera.Frame
	mustRead(t, mustOpen(t, uri, Options{TLS: &tls.Config{RootCAs: believed, MinVersion: tls.VersionTLS12}}), &f)
}

func TestRTSPServerIsKilledAndComesBack(t *testing.T) {
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264), func(s *rtspServer) { s.user, s.password = "u", "s3cret" })
	recovers(t, with(s.url(), "u:s3cret"), Options{}, s.kill, s.start)
}

// The camera behind the server falls silent, and the connection stands.
func TestRTSPSilenceIsAStall(t *testing.T) {
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264), func(s *rtspServer) { s.silent = true })
	if err := fails(t, s.url(), Options{Stall: 300 * time.Millisecond}); !errors.Is(err, camera.ErrStalled) {
		t.Errorf("%v", err)
	}
}

func TestRTSPWithoutFFmpeg(t *testing.T) {
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264))
	err := fails(t, s.url(), Options{FFmpeg: "/no/such/ffmpeg"})
	if !errors.Is(err, camera.ErrUnsupported) || !strings.Contains(hint.Of(err), "apt-get install ffmpeg") || !strings.Contains(err.Error(), "H264") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}

// What the decoder said last is what the error says.
func TestRTSPDecoderFails(t *testing.T) {
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264))
	fake := filepath.Join(t.TempDir(), "ffmpeg")
	script := "#!/bin/sh\n[ \"$2\" = -version ] && { echo ffmpeg version 4.4.2; exit; }\n" +
		"echo \"$*\" | grep -q -- '-vsync 0' || echo unknown option >&2\necho the decoder is on fire >&2; exit 3\n"
	if err := os.WriteFile(fake, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	err := fails(t, s.url(), Options{FFmpeg: fake})
	if want := "ffmpeg ended with exit code 3: the decoder is on fire"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestRTSPLimits(t *testing.T) {
	s := newRTSP(t, makeClip(t, "64", "48", encodeH264))
	if err := fails(t, s.url(), Options{Limits: pixel.Limits{Pixels: 64*48 - 1}}); !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func TestRTSPNothingThere(t *testing.T) {
	s := newRTSP(t, clip{}) // nobody publishes
	err := fails(t, s.url(), Options{})
	if !strings.Contains(err.Error(), "404") || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	s.kill()
	if err := fails(t, with(s.url(), "u:s3cret"), Options{}); !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}
