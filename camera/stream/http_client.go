package stream

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/icholy/digest"

	"github.com/edge-adapt/edge/internal/hint"
)

// What a server has time for before the first byte of its answer is there. The
// context of the opening may end earlier.
const answerTime = 10 * time.Second

// client fetches one address. It is used by one goroutine at a time.
type client struct {
	// Not a http.Client: that would follow redirects, while get knows to whom a
	// password may be sent, and repeats addresses in its errors.
	transport *http.Transport
	url       *url.URL

	// How the server wants to be told who we are; unknown at first.
	basic     bool
	challenge *digest.Challenge
	told      string // the host that said so
	count     int    // of answers to the challenge
}

func newClient(u *url.URL, o Options) *client {
	dialer := &net.Dialer{Timeout: answerTime}
	return &client{url: u, transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
		TLSClientConfig: o.TLS.Clone(), TLSHandshakeTimeout: answerTime, ForceAttemptHTTP2: true,
		ResponseHeaderTimeout: answerTime, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true, MaxIdleConns: 1,
	}}
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// get fetches the address. The answer is a success whose body the caller closes.
func (c *client) get(ctx context.Context) (*http.Response, error) {
	u := c.url
	for hops := 0; ; hops++ {
		response, err := c.ask(ctx, u)
		if err != nil {
			return nil, err
		}
		switch code := response.StatusCode; {
		case code == http.StatusOK:
			return response, nil
		case code >= 300 && code < 400 && response.Header.Get("Location") != "":
			response.Body.Close()
			if hops == maxRedirects {
				return nil, fmt.Errorf("the server sends us on and on, %d times", hops)
			}
			if u, err = redirected(u, response.Header.Get("Location")); err != nil {
				return nil, err
			}
		default:
			response.Body.Close()
			return nil, statusError(response, u)
		}
	}
}

func statusError(response *http.Response, u *url.URL) error {
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return unauthorised(u.User, u.Scheme)
	case http.StatusNotFound:
		return hint.Wrap(errors.New("the server has nothing at this address (404)"), "look into the camera's manual for the path of its stream")
	}
	return fmt.Errorf("the server answers %d %s", response.StatusCode, http.StatusText(response.StatusCode))
}

// ask sends one request, and another one if the server wants to know who we are.
func (c *client) ask(ctx context.Context, u *url.URL) (*http.Response, error) {
	response, err := c.send(ctx, u)
	if err != nil || response.StatusCode != http.StatusUnauthorized || u.User == nil {
		return response, err
	}
	if !c.learn(response.Header, u.Host) {
		return response, nil
	}
	response.Body.Close()
	return c.send(ctx, u)
}

// learn takes from a refusal how the server wants to be told who we are, and
// reports whether it is a way that we know. A digest is preferred to a password in
// the clear.
func (c *client) learn(h http.Header, host string) bool {
	c.challenge, c.basic, c.told, c.count = nil, false, host, 0
	if challenge, err := digest.FindChallenge(h); err == nil {
		c.challenge = challenge
		return true
	}
	for _, value := range h.Values("WWW-Authenticate") {
		scheme, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		c.basic = c.basic || strings.EqualFold(scheme, "basic")
	}
	return c.basic
}

func (c *client) send(ctx context.Context, u *url.URL) (*http.Response, error) {
	bare := *u
	bare.User = nil // or net/http would send it unasked
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), nil)
	if err != nil {
		return nil, errors.New("the address cannot be asked for")
	}
	request.Header.Set("User-Agent", "edge")
	if u.User != nil && c.told == u.Host && (c.basic || c.challenge != nil) {
		if err := c.authorise(request, u); err != nil {
			return nil, err
		}
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, connectionError(err)
	}
	return response, nil
}

func (c *client) authorise(request *http.Request, u *url.URL) error {
	password, _ := u.User.Password()
	if c.basic {
		request.SetBasicAuth(u.User.Username(), password)
		return nil
	}
	c.count++
	credentials, err := digest.Digest(c.challenge, digest.Options{
		Method: request.Method, URI: request.URL.RequestURI(), Count: c.count,
		Username: u.User.Username(), Password: password,
	})
	if err != nil {
		return fmt.Errorf("the server asks for a digest of a kind that is not known: %w", err)
	}
	request.Header.Set("Authorization", credentials.String())
	return nil
}

// connectionError gives an error of a connection its next step. The end of one is
// never io.EOF: a camera does not come to an end.
func connectionError(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the server ended the stream")
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return hint.Wrap(err, "add the camera's certificate, or that of who signed it, to the system's (update-ca-certificates)")
	case errors.As(err, &host), errors.As(err, &invalid):
		return hint.Wrap(err, "use the name that stands in the camera's certificate, and check the clocks of both")
	}
	return err
}
