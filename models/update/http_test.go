package update

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asked is a server that answers with a short text, and the source that asks it.
func asked(t *testing.T, tlsToo bool, h http.HandlerFunc, cfg HTTPConfig) (Source, *httptest.Server) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tlsToo {
		s.StartTLS()
		cfg.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		must(t, os.WriteFile(cfg.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	cfg.URL, cfg.Patience = s.URL+"/fleet", quickPatience
	source, err := HTTP(cfg)
	must(t, err)
	t.Cleanup(func() { source.Close() })
	return source, s
}

func text(t *testing.T, s Source, offset int64) (string, error) {
	t.Helper()
	body, _, err := s.Open(t.Context(), "targets/x", offset)
	if err != nil {
		return "", err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	return string(data), err
}

func TestHTTPAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		offset  int64
		want    string
		err     error
	}{
		"whole":         {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abcdef") }, 0, "abcdef", nil},
		"no ranges":     {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abcdef") }, 4, "ef", nil},
		"404":           {http.NotFound, 0, "", ErrNotThere},
		"401":           {status(401), 0, "", ErrDenied},
		"403":           {status(403), 0, "", ErrDenied},
		"416":           {status(416), 9, "", ErrDamaged},
		"503":           {status(503), 0, "", ErrNetwork},
		"429":           {status(429), 0, "", ErrNetwork},
		"418":           {status(418), 0, "", ErrForm},
		"204":           {status(204), 0, "", ErrForm},
		"206 unasked":   {status(206), 0, "", ErrForm},
		"another range": {ranged("bytes 3-5/6"), 4, "", ErrForm},
		"odd range":     {ranged("bytes x"), 4, "", ErrForm},
		"no size":       {ranged("bytes 4-5/*"), 4, "ef", nil},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "6")
			io.WriteString(w, "abc")
		}, 0, "", ErrNetwork},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "", ErrNetwork},
	} {
		s, _ := asked(t, false, c.handler, HTTPConfig{})
		got, err := text(t, s, c.offset)
		if (err == nil && got != c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", name, got, err, c.want, c.err)
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func ranged(header string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", header)
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "ef")
	}
}

func TestTokenGoesToItsServerAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("secret\n"), 0o600))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "other got "+r.Header.Get("Authorization"))
	}))
	defer other.Close()
	s, _ := asked(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("User-Agent") != "edge/test" {
			t.Errorf("headers %v", r.Header)
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	}, HTTPConfig{TokenFile: file, UserAgent: "edge/test"})
	if got, err := text(t, s, 0); err != nil || got != "other got " {
		t.Errorf("%q, %v", got, err)
	}
	must(t, os.WriteFile(file, []byte("two\nlines"), 0o600))
	if _, err := text(t, s, 0); err == nil || strings.Contains(err.Error(), "lines") {
		t.Errorf("no token: %v", err)
	}
	if _, err := HTTP(HTTPConfig{URL: "http://example.com", TokenFile: file}); err == nil {
		t.Error("a token goes out in the clear")
	}
}

func TestCertificates(t *testing.T) {
	hello := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }
	s, server := asked(t, true, hello, HTTPConfig{})
	if got, err := text(t, s, 0); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	unknown, err := HTTP(HTTPConfig{URL: server.URL})
	must(t, err)
	if _, err := text(t, unknown, 0); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
	late, _ := asked(t, true, hello, HTTPConfig{Now: func() time.Time { return time.Now().AddDate(200, 0, 0) }})
	if _, err := text(t, late, 0); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
	if _, err := HTTP(HTTPConfig{URL: server.URL, CAFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("no CA file: no error")
	}
}

func TestClientCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.String())
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca")
	pair := server.TLS.Certificates[0] // the server's own serves for the device's
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	s, err := HTTP(HTTPConfig{URL: server.URL, CAFile: ca, CertFile: cert, KeyFile: key, Patience: quickPatience})
	must(t, err)
	defer s.Close()
	if got, err := text(t, s, 0); err != nil || !strings.Contains(got, "Acme Co") {
		t.Errorf("%q, %v", got, err)
	}
	none, err := HTTP(HTTPConfig{URL: server.URL, CAFile: ca, Patience: quickPatience})
	must(t, err)
	defer none.Close()
	if _, err := text(t, none, 0); !errors.Is(err, ErrNetwork) {
		t.Errorf("without a certificate: %v", err)
	}
}

func TestProxy(t *testing.T) {
	// The environment is read once a process, so ask the transport what it would do.
	s, err := HTTP(HTTPConfig{URL: "http://example.com"})
	must(t, err)
	if s.(*httpSource).transport.Proxy == nil {
		t.Error("no proxy is ever used")
	}
}

func TestPauses(t *testing.T) {
	r := Retry{}.orDefault()
	for failed := 1; failed < 80; failed++ {
		if p := r.pause(failed, ErrNetwork); p < min(r.Pause<<min(failed-1, 20), r.Limit)/2 || p > r.Limit {
			t.Errorf("after %d failures: %s", failed, p)
		}
	}
	if p := r.pause(1, &later{ErrNetwork, 7 * time.Second}); p != 7*time.Second {
		t.Errorf("the server asked for 7 s, it is %s", p)
	}
	if retryAfter("12") != 12*time.Second || retryAfter("soon") != 0 || retryAfter("-1") != 0 || retryAfter("999999") != time.Hour {
		t.Error("Retry-After")
	}
}
