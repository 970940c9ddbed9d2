package sink

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

// WebhookOptions says where events are posted to.
type WebhookOptions struct {
	// URL is http or https. It must be given.
	URL string
	// Key signs. Zero: deliveries are not signed.
	Key Key
	// CA is PEM certificates that are trusted besides the system's.
	CA []byte
	// Timeout bounds one try, from connecting to the end of the answer. Zero: 10 s.
	Timeout time.Duration
	// GiveUp is how long after it happened an event is tried. One try is made in
	// any case. Zero: 15 min.
	GiveUp time.Duration
	// MinWait and MaxWait bound the wait between two tries, which doubles, with
	// chance. Zero: 1 s and 1 min.
	MinWait, MaxWait time.Duration
	// Agent is the User-Agent. Zero: edge.
	Agent string
}

// Webhook posts every event to an address, as JSON, signed.
//
// An answer of 2xx means received. Too many requests, errors of the server and of the
// network are tried again, as late as Retry-After says; any other answer is final: the
// event is lost. Events wait in order, in memory, in the runtime's queue for this sink.
// The receiver may get an event twice, with the same HeaderID.
//
// Certificates are verified. Redirects are followed to the same host alone, and
// never from https to http.
//
// It is used by one goroutine at a time.
type Webhook struct {
	o      WebhookOptions
	host   string // for messages: without what may be secret
	client *http.Client
	now    func() time.Time
}

// NewWebhook checks o. Nothing is sent before the first event.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("webhook: want an address with http:// or https:// and a host") // what was written may hold a password
	}
	if o.Timeout < 0 || o.GiveUp < 0 || o.MinWait < 0 || o.MaxWait < 0 {
		return nil, errors.New("webhook: a time is below zero")
	}
	orDefault(&o.Timeout, 10*time.Second)
	orDefault(&o.GiveUp, 15*time.Minute)
	orDefault(&o.MinWait, time.Second)
	orDefault(&o.MaxWait, max(o.MinWait, time.Minute))
	orDefault(&o.Agent, "edge")
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(o.CA) > 0 && !roots.AppendCertsFromPEM(o.CA) {
		return nil, errors.New("webhook: no certificate in the CA file; want PEM")
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	return &Webhook{
		o: o, host: u.Host, now: time.Now,
		client: &http.Client{Transport: transport, CheckRedirect: sameHost},
	}, nil
}

func orDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// sameHost refuses to be sent elsewhere: the answer of a stranger must not make
// the daemon post to a third party.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) >= 4:
		return final{errors.New("more than three redirects")}
	case req.URL.Host != first.URL.Host:
		return final{fmt.Errorf("redirected to another host, %s, which is not followed", req.URL.Host)}
	case first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return final{errors.New("redirected from https to http, which is not followed")}
	case req.Method != first.Method:
		return final{errors.New("redirected in a way that drops the event (want 307 or 308)")}
	}
	return nil
}

// final marks an error that trying again cannot mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Deliver implements runtime.Sink: it tries until the event is received, refused or
// too old, or ctx ends.
func (w *Webhook) Deliver(ctx context.Context, e runtime.Event) error {
	body, err := line(e)
	if err != nil {
		return err
	}
	id := "msg_" + rand.Text() // event numbers of two devices may be the same
	wait := w.o.MinWait
	for try := 1; ; try++ {
		after, err := w.post(ctx, id, body)
		if err == nil {
			return nil
		}
		var f final
		pause := max(after, half(wait))
		if errors.As(err, &f) || ctx.Err() != nil || w.now().Add(pause).After(e.Time.Add(w.o.GiveUp)) {
			return hint.Wrap(fmt.Errorf("webhook %s: event %d, try %d: %w", w.host, e.ID, try, err),
				"look at the receiver; events that it did not take are in the history, if that is on")
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		wait = min(2*wait, w.o.MaxWait)
	}
}

// half is d less a random part of up to half of it, so that devices that lost the
// same receiver do not come back at once.
func half(d time.Duration) time.Duration {
	return d - mathrand.N(d/2+1) //nolint:gosec // anybody may guess it
}

// maxRetryAfter is the longest that a receiver may ask to be left alone.
const maxRetryAfter = 10 * time.Minute

// post makes one try. after is how long the receiver asks to be left alone.
func (w *Webhook) post(ctx context.Context, id string, body []byte) (after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
	if err != nil {
		return 0, final{errors.New("the address cannot be used")}
	}
	at := w.now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", w.o.Agent)
	req.Header.Set(HeaderID, id)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	if len(w.o.Key.bytes) > 0 {
		req.Header.Set(HeaderSignature, w.o.Key.Sign(id, at, body))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a token
		}
		return 0, err
	}
	defer resp.Body.Close()
	// Read so that the connection can be used again; nobody wants the text.
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) //nolint:errcheck // the status is what counts
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return 0, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31)
		if err == nil {
			after = min(time.Duration(seconds)*time.Second, maxRetryAfter)
		}
		return after, fmt.Errorf("answered %d %s", code, http.StatusText(code))
	default:
		return 0, final{fmt.Errorf("answered %d %s", code, http.StatusText(code))}
	}
}

// Close implements runtime.Sink.
func (w *Webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
