package camera_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/edge-adapt/edge/camera"
)

func TestRedact(t *testing.T) {
	for uri, want := range map[string]string{
		"":                            "",
		"/dev/video0":                 "/dev/video0",
		"./a:b@c":                     "./a:b@c",
		"test://?width=320":           "test://?width=320",
		"pipe:?format=rgb24":          "pipe:?format=rgb24",
		"rtsp://cam/stream":           "rtsp://cam/stream",
		"rtsp://cam:554/stream":       "rtsp://cam:554/stream",
		"http://cam/icon@2x.jpg":      "http://cam/icon@2x.jpg",
		"rtsp://u:secret@cam/s":       "rtsp://cam/s",
		"rtsp://secret@cam/s":         "rtsp://cam/s",
		"rtsp://u:secret@[::1]:5/s":   "rtsp://[::1]:5/s",
		"rtsp://u:se@cret@cam/s":      "rtsp://cam/s",
		"rtsp://u:se/cret@cam/s":      "rtsp://cam/s",
		"rtsp://u:se?cret@cam/s":      "rtsp://cam/s",
		"rtsp://u:se#cret@cam/s":      "rtsp://cam/s",
		"rtsp://u:s@e/c@ret@cam/s":    "rtsp://cam/s",
		"rtsp:/u:secret@cam/s":        "rtsp:/cam/s",
		"file:///a:b@c/d":             "file:///a:b@c/d",
		"u:secret@cam":                "u:cam",
		"http://c/?pwd=secret&x=1":    "http://c/?pwd=***&x=1",
		"http://c/?USERPWD=secret":    "http://c/?USERPWD=***",
		"http://c/?a=1&api_key=s;x":   "http://c/?a=1&api_key=***",
		"http://c/?password2=sec ret": "http://c/?password2=***",
		"rtsp://c:554/user=admin&password=secret&channel=1": "rtsp://c:554/user=admin&password=***&channel=1",
		"rtsp://c/user=a_password=secret_channel=1":         "rtsp://c/user=a_password=***",
		"http://c/\x1b[2J\n":                                "http://c/\ufffd[2J\ufffd",
	} {
		if got := camera.Redact(uri); got != want {
			t.Errorf("Redact(%q) = %q, want %q", uri, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"rtsp://u:p@cam/s", "http://c/?pwd=p&x=1", "a://b://c@d", "::@", "http://[::1", "%zz"} {
		f.Add(s, "p/@?#")
	}
	f.Fuzz(func(t *testing.T, uri, password string) {
		got := camera.Redact(uri)
		if again := camera.Redact(got); again != got {
			t.Errorf("%q became %q, and then %q", uri, got, again)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) && r != unicode.ReplacementChar }) {
			t.Errorf("%q holds what cannot be printed", got)
		}
		// A password of any kind, where it belongs, is gone.
		if got := camera.Redact("rtsp://admin:" + password + "@camera/stream"); got != "rtsp://camera/stream" {
			t.Errorf("with the password %q: %q", password, got)
		}
	})
}
