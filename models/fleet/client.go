package fleet

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// ClientOptions say where reports go, and as whom.
type ClientOptions struct {
	// URL is the receiver's address, https://HOST[:PORT][/FOLDER]. http is allowed to
	// this machine, and elsewhere with Insecure.
	URL      string
	Identity Identity
	// Token returns the enrolment token, asked for when one is needed. Nil or "": none.
	Token func() (string, error)
	// Consent is what may be in a report.
	Consent Consent
	// HTTP sends the requests; its redirects are not followed. Nil: one with the
	// system's certificates and proxies, and a limit of 30 s a request.
	HTTP *http.Client
	// TLS is for the connections of that one. Nil: the system's certificates.
	TLS *tls.Config
	// Insecure lets an enrolment token and reports go over http.
	Insecure bool
	Agent    string // of the header User-Agent. "": edge
	// Now is the device's clock. Nil: time.Now.
	Now func() time.Time
}

// Client sends a device's reports. Its methods may be called concurrently; they take
// turns.
type Client struct {
	o    ClientOptions
	base string
	http *http.Client

	turn     chan struct{} // holds one token while nobody sends
	mu       sync.Mutex
	sequence int64         // the highest that the receiver is known to have
	ahead    time.Duration // of the receiver's clock to ours
}

// NewClient checks o. It sends nothing.
func NewClient(o ClientOptions) (*Client, error) {
	if o.Identity == nil {
		return nil, errors.New("fleet: no identity given")
	}
	u, err := url.Parse(o.URL)
	if err == nil && (u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		err = errors.New("want https://HOST[:PORT][/FOLDER]")
	}
	if err != nil {
		return nil, fmt.Errorf("address of the fleet %q: %w", redacted(o.URL), err)
	}
	if u.Scheme == "http" && !o.Insecure && !here(u.Hostname()) {
		return nil, hint.Wrap(fmt.Errorf("address of the fleet %q: everybody on the way could read what is sent over http", o.URL), "use https")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Agent == "" {
		o.Agent = "edge"
	}
	c := &Client{o: o, base: strings.TrimRight(u.String(), "/"), turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	own := http.Client{Timeout: 30 * time.Second}
	if o.HTTP != nil {
		own = *o.HTTP
	} else {
		if o.TLS == nil {
			o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		own.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 30 * time.Second, TLSClientConfig: o.TLS,
		}
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	return c, nil
}

// redacted is an address without a password.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "…"
}

// here reports whether a host is this machine, whatever a name service says.
func here(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Refused is a receiver's no.
type Refused struct {
	Status int
	Code   Code // "": nothing the device could do differently
	Text   string
	// After is when it may be tried again, if the receiver says so; zero otherwise.
	After time.Duration
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the fleet answers %d: %s", r.Status, r.Text)
}

// Enrol makes the receiver know the device's key. It may be done again at any time.
// Send does it by itself when the receiver does not know the device.
func (c *Client) Enrol(ctx context.Context) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	return c.told(c.enrol(ctx))
}

// Send sends one report. It sets the report's format and sequence, and takes out
// what the owner did not consent to. Where the receiver does not know the device,
// has a higher sequence or another time, it is told and tried again, a few times at
// most. The error is a *Refused if the receiver said no; otherwise nobody answered.
func (c *Client) Send(ctx context.Context, r Report) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	return c.told(c.send(ctx, r))
}

func (c *Client) lock(ctx context.Context) error {
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) unlock() { c.turn <- struct{}{} }

func (c *Client) told(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("report to %s: %w", c.base, err)
}

// send goes on while an answer teaches it something: each code once, since each is
// put right for good.
func (c *Client) send(ctx context.Context, r Report) error {
	learnt := map[Code]bool{}
	for {
		sequence, _ := c.known()
		r.Sequence = sequence + 1
		body, err := r.Encode(c.o.Consent)
		if err != nil {
			return err
		}
		_, err = c.post(ctx, ReportsRoute, "", body)
		if err == nil {
			c.learn(r.Sequence, nil)
			return nil
		}
		var no *Refused
		if !errors.As(err, &no) || learnt[no.Code] {
			return err
		}
		switch no.Code {
		case CodeUnknown:
			if err := c.enrol(ctx); err != nil {
				return err
			}
		case CodeSequence, CodeDate: // learnt from the answer
		default:
			return err
		}
		learnt[no.Code] = true
	}
}

func (c *Client) enrol(ctx context.Context) error {
	token := ""
	if c.o.Token != nil {
		var err error
		if token, err = c.o.Token(); err != nil {
			return fmt.Errorf("enrolment token: %w", err)
		}
	}
	body, err := json.Marshal(Enrolment{1, c.o.Identity.Public()})
	if err != nil {
		return err
	}
	_, err = c.post(ctx, EnrolRoute, token, body)
	var no *Refused
	if errors.As(err, &no) && no.Code == CodeDate {
		_, err = c.post(ctx, EnrolRoute, token, body)
	}
	return err
}

func (c *Client) known() (sequence int64, ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sequence, c.ahead
}

func (c *Client) learn(sequence int64, ahead *time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence = max(c.sequence, sequence)
	if ahead != nil {
		c.ahead = *ahead
	}
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// post sends one signed request. What it learns from a refusal holds for the next.
func (c *Client) post(ctx context.Context, route, token string, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+route, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.o.Agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	_, ahead := c.known()
	sent := c.o.Now()
	Sign(req, c.o.Identity, route, body, sent.Add(ahead))
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // which repeats the address
		}
		var dns *net.DNSError
		if errors.As(err, &dns) {
			err = hint.Wrap(err, "see whether the device is on the network and the address is right")
		}
		return Answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	understood := json.Unmarshal(data, &a) == nil
	if resp.StatusCode == http.StatusOK && understood && a.Error == "" {
		return a, nil
	}
	no := &Refused{Status: resp.StatusCode, Code: a.Code, Text: a.Error}
	if !understood || a.Error == "" {
		no.Code, no.Text = "", "nothing that a fleet's receiver would say"
	}
	clip(&no.Text)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		no.After = min(time.Duration(seconds)*time.Second, 24*time.Hour)
	}
	switch no.Code {
	case CodeSequence:
		if a.Sequence < 0 || a.Sequence >= maxWhole {
			no.Code = ""
			return Answer{}, no
		}
		c.learn(a.Sequence, nil)
	case CodeDate:
		off := a.Now.Sub(sent)
		c.learn(0, &off)
	}
	if a.Hint != "" {
		clip(&a.Hint)
		return Answer{}, hint.Wrap(no, a.Hint)
	}
	return Answer{}, no
}

// Close closes idle connections of a Client that made its own.
func (c *Client) Close() {
	if c.o.HTTP == nil {
		c.http.CloseIdleConnections()
	}
}
