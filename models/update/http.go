package update

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/internal/hint"
)

// HTTPConfig says how to ask a server. Zero values are the usual ones.
type HTTPConfig struct {
	URL       string // http or https, of the folder that has metadata/ and targets/ in it
	CAFile    string // certificates to trust instead of the system's
	CertFile  string // the device's own, for servers that ask for one; with KeyFile
	KeyFile   string
	TokenFile string           // holds a token, which goes to this server alone
	UserAgent string           // such as "edge/v1.2.0"
	Now       func() time.Time // the time by which certificates are judged; nil: time.Now
	Patience  Patience
}

// httpSource is a server of files.
type httpSource struct {
	base      *url.URL
	client    *http.Client
	transport *http.Transport
	cfg       HTTPConfig
}

const maxRedirects = 5

// HTTP returns the repository that a server has: any that serves files. Ranges are
// used where the server has them. The proxy is the environment's (HTTPS_PROXY,
// HTTP_PROXY, NO_PROXY). Redirects are followed at most five times, and never from
// https to http. Certificates and the token are read anew when they are needed.
func HTTP(cfg HTTPConfig) (Source, error) {
	base, err := checkURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "file" {
		return nil, errors.New("the address of a folder where that of a server belongs")
	}
	s, err := newHTTP(base, cfg)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newHTTP returns what asks the server of an address.
func newHTTP(base *url.URL, cfg HTTPConfig) (*httpSource, error) {
	if cfg.TokenFile != "" && base.Scheme == "http" && !loopback(base.Hostname()) {
		return nil, hint.Wrap(errors.New("a token would go through the network unencrypted"), "use an address that begins with https://")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Time: cfg.Now}
	if cfg.CAFile != "" {
		var err error
		if config.RootCAs, err = clienttls.Pool(cfg.CAFile); err != nil {
			return nil, err
		}
	}
	if cfg.CertFile != "" {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
			return &pair, err
		}
	}
	cfg.Patience = cfg.Patience.orDefault()
	s := &httpSource{base: base, cfg: cfg, transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true, DisableCompression: true,
		DialContext:         (&net.Dialer{Timeout: cfg.Patience.Stall, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: cfg.Patience.Stall, MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
	}}
	s.client = &http.Client{Transport: s.transport, CheckRedirect: s.redirect}
	return s, nil
}

func (s *httpSource) redirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d times", ErrRedirect, maxRedirects)
	case next.URL.Scheme != via[0].URL.Scheme:
		return fmt.Errorf("%w: from %s to %s", ErrRedirect, via[0].URL.Scheme, next.URL.Scheme)
	}
	if next.URL.Host != s.base.Host {
		next.Header.Del("Authorization")
	}
	return nil
}

// Close closes the connections that are kept for the next request.
func (s *httpSource) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

func (s *httpSource) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	if err := checkName(name); err != nil {
		return nil, 0, err
	}
	// name holds hexadecimal digits and what the names of channels and files may hold.
	return s.get(ctx, s.base.JoinPath(name), name, offset)
}

// get asks for an address, which is called name in what is said of it.
func (s *httpSource) get(ctx context.Context, address *url.URL, name string, offset int64) (io.ReadCloser, int64, error) {
	ctx, w := s.cfg.Patience.watch(ctx)
	body, size, err := s.open(ctx, w, address, name, offset)
	if err != nil {
		w.stop()
		return nil, 0, err
	}
	return body, size, nil
}

func (s *httpSource) open(ctx context.Context, w *watch, address *url.URL, name string, offset int64) (io.ReadCloser, int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, 0, err
	}
	if err := s.headers(request, offset); err != nil {
		return nil, 0, err
	}
	response, err := s.client.Do(request) //nolint:bodyclose // watch closes it
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause // more telling than "context canceled"
		}
		if errors.Is(err, ErrRedirect) || errors.Is(err, ErrNetwork) || w.parent.Err() != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		return nil, 0, fmt.Errorf("%s: %w: %w", name, ErrNetwork, err)
	}
	w.body, w.name = response.Body, name
	size, err := answer(response, name, offset)
	if err != nil {
		response.Body.Close()
		return nil, 0, err
	}
	if response.StatusCode == http.StatusOK {
		w.skip = offset // no ranges here
	}
	return w, size, nil
}

func (s *httpSource) headers(r *http.Request, offset int64) error {
	if offset > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	if s.cfg.UserAgent != "" {
		r.Header.Set("User-Agent", s.cfg.UserAgent)
	}
	if s.cfg.TokenFile == "" {
		return nil
	}
	token, err := os.ReadFile(s.cfg.TokenFile)
	if err != nil {
		return fmt.Errorf("the token for the server: %w", err)
	}
	text := strings.TrimSpace(string(token))
	if text == "" || len(text) > 4096 || strings.ContainsAny(text, "\r\n\x00") {
		return hint.Wrap(fmt.Errorf("%s holds no token", s.cfg.TokenFile), "write the token into it, on one line")
	}
	r.Header.Set("Authorization", "Bearer "+text)
	return nil
}

// answer returns the size of the file that a response is about, -1 if the server
// does not say.
func answer(r *http.Response, name string, offset int64) (int64, error) {
	switch code := r.StatusCode; {
	case code == http.StatusOK:
		return r.ContentLength, nil
	case code == http.StatusPartialContent && offset > 0:
		return contentRange(r.Header.Get("Content-Range"), name, offset)
	case code == http.StatusNotFound, code == http.StatusGone:
		return 0, fmt.Errorf("%s is %w (%s)", name, ErrNotThere, r.Status)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return 0, fmt.Errorf("%s is %w (%s)", name, ErrDenied, r.Status)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return 0, fmt.Errorf("%s is %w: it ends before byte %d", name, ErrDamaged, offset)
	case code == http.StatusTooManyRequests, code >= 500:
		return 0, &later{fmt.Errorf("%s: %w: %s", name, ErrNetwork, r.Status), retryAfter(r.Header.Get("Retry-After"))}
	default:
		return 0, fmt.Errorf("%s: %w: it answers %s", name, ErrForm, r.Status)
	}
}

// contentRange checks that a part begins where it should, and returns the size of
// the whole.
func contentRange(text, name string, offset int64) (int64, error) {
	rest, ok := strings.CutPrefix(text, "bytes ")
	span, total, ok2 := strings.Cut(rest, "/")
	first, _, ok3 := strings.Cut(span, "-")
	if at, err := strconv.ParseInt(first, 10, 64); !ok || !ok2 || !ok3 || err != nil || at != offset {
		return 0, fmt.Errorf("%s: %w: it sends %.100q for what begins at byte %d", name, ErrForm, text, offset)
	}
	size, err := strconv.ParseInt(total, 10, 64)
	if total == "*" {
		return -1, nil
	}
	if err != nil || size <= offset {
		return 0, fmt.Errorf("%s: %w: it sends %.100q", name, ErrForm, text)
	}
	return size, nil
}

// later is an error of a server that says when to ask again.
type later struct {
	error
	after time.Duration // zero: it does not say
}

func (l *later) Unwrap() error { return l.error }

func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
