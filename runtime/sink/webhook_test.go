package sink

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func key(t testing.TB, text string) Key {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// webhook is one with short waits, to a server with that handler.
func webhook(t testing.TB, handler http.HandlerFunc, change func(*WebhookOptions)) *Webhook {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o := WebhookOptions{URL: server.URL + "/hook?token=hushhush", Key: key(t, secret), MinWait: time.Millisecond, MaxWait: 4 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	w, err := NewWebhook(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func now(n int) runtime.Event {
	e := event(n)
	e.Time = time.Now()
	return e
}

func TestWebhookDelivers(t *testing.T) {
	got := make(chan runtime.Event, 1)
	w := webhook(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if _, err := key(t, secret).Verify(r.Header, body, time.Now()); err != nil {
			t.Error(err)
		}
		if _, err := key(t, "another secret text").Verify(r.Header, body, time.Now()); err == nil {
			t.Error("another key verifies")
		}
		var e runtime.Event
		if err := json.Unmarshal(body, &e); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s of %s: %v", r.Method, body, err)
		}
		got <- e
	}, nil)
	if err := w.Deliver(t.Context(), now(7)); err != nil {
		t.Fatal(err)
	}
	if e := <-got; e.ID != 7 || e.Label != "on" {
		t.Errorf("received %+v", e)
	}
}

// TestWebhookRetries answers with errors first; every try has the same identifier.
func TestWebhookRetries(t *testing.T) {
	var tries atomic.Int32
	seen := make(chan string, 10)
	w := webhook(t, func(rw http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get(HeaderID)
		switch tries.Add(1) {
		case 1:
			rw.WriteHeader(http.StatusInternalServerError)
		case 2:
			rw.WriteHeader(http.StatusTooManyRequests)
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks
		case 4:
			rw.WriteHeader(http.StatusRequestTimeout)
		default:
			rw.WriteHeader(http.StatusNoContent)
		}
	}, nil)
	if err := w.Deliver(t.Context(), now(1)); err != nil {
		t.Fatal(err)
	}
	if tries.Load() != 5 {
		t.Errorf("%d tries, want 5", tries.Load())
	}
	first := <-seen
	for range 4 {
		if id := <-seen; id != first || id == "" {
			t.Errorf("a try has the identifier %q, the first had %q", id, first)
		}
	}
	if err := w.Deliver(t.Context(), now(2)); err != nil {
		t.Fatal(err)
	}
	if id := <-seen; id == first {
		t.Error("two events have one identifier")
	}
}

func TestWebhookGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		change func(*WebhookOptions)
		age    time.Duration
		tries  int32 // exactly; 0: any number
		want   string
	}{
		"refused":       {answer: status(http.StatusForbidden), tries: 1, want: "answered 403 Forbidden"},
		"gone":          {answer: status(http.StatusGone), tries: 1, want: "answered 410 Gone"},
		"too old":       {answer: status(http.StatusBadGateway), age: time.Hour, tries: 1, want: "answered 502"},
		"at last":       {answer: status(http.StatusBadGateway), change: func(o *WebhookOptions) { o.GiveUp = 50 * time.Millisecond }, want: "answered 502"},
		"asked to wait": {answer: later("3600"), tries: 1, want: "answered 503", change: func(o *WebhookOptions) { o.GiveUp = time.Minute }},
		"no answer":     {answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, change: func(o *WebhookOptions) { o.Timeout, o.GiveUp = 20*time.Millisecond, 40*time.Millisecond }, want: "deadline"},
		"another host": {answer: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://127.0.0.2:1/x", http.StatusTemporaryRedirect)
		}, tries: 1, want: "another host"},
		"redirect as GET": {answer: func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/x", http.StatusFound) }, tries: 1, want: "307 or 308"},
		"redirect forever": {answer: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/x", http.StatusTemporaryRedirect)
		}, tries: 4, want: "three redirects"},
		"nobody listens": {answer: status(200), change: func(o *WebhookOptions) { o.URL, o.GiveUp = "http://127.0.0.1:1/?token=hushhush", 10*time.Millisecond }, want: "connection refused"},
		"not trusted":    {answer: status(200), change: func(o *WebhookOptions) { o.URL, o.GiveUp = untrusted(t), 10*time.Millisecond }, want: "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			w := webhook(t, func(rw http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body) // or the server does not see the client go
				tries.Add(1)
				c.answer(rw, r)
			}, c.change)
			e := now(1)
			e.Time = e.Time.Add(-c.age)
			err := w.Deliver(t.Context(), e)
			if err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
				t.Errorf("%v; want %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hushhush") || strings.Contains(err.Error(), secret)) {
				t.Errorf("the error shows a secret: %v", err)
			}
			if c.tries > 0 && tries.Load() != c.tries {
				t.Errorf("%d tries, want %d", tries.Load(), c.tries)
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(code) }
}

func later(after string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", after)
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
}

// untrusted is the address of a server with a certificate that nobody knows.
func untrusted(t *testing.T) string {
	server := httptest.NewUnstartedServer(status(200))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestWebhookRedirectWithinHost(t *testing.T) {
	var signed atomic.Bool
	w := webhook(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hook" {
			http.Redirect(rw, r, "/moved", http.StatusPermanentRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, err := key(t, secret).Verify(r.Header, body, time.Now())
		signed.Store(err == nil)
	}, nil)
	if err := w.Deliver(t.Context(), now(1)); err != nil || !signed.Load() {
		t.Errorf("%v, signed: %v", err, signed.Load())
	}
}

func TestWebhookOwnAuthority(t *testing.T) {
	server := httptest.NewTLSServer(status(200))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	w, err := NewWebhook(WebhookOptions{URL: server.URL, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Deliver(t.Context(), now(1)); err != nil {
		t.Error(err)
	}
	if _, err := NewWebhook(WebhookOptions{URL: server.URL, CA: []byte("no PEM")}); err == nil {
		t.Error("a CA file without a certificate is taken")
	}
}

func TestWebhookStops(t *testing.T) {
	asked := make(chan struct{}, 100)
	w := webhook(t, func(rw http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		rw.WriteHeader(http.StatusServiceUnavailable)
	}, func(o *WebhookOptions) { o.MinWait = time.Hour; o.MaxWait = time.Hour; o.GiveUp = 24 * time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Deliver(ctx, now(1)) }()
	<-asked
	cancel()
	if err := <-done; err == nil {
		t.Error("an event that was not received counts as delivered")
	}
}

func TestWebhookRefusesOptions(t *testing.T) {
	for _, o := range []WebhookOptions{{}, {URL: "ftp://x"}, {URL: "http://"}, {URL: "http://u:hushhush@\x00"}, {URL: "http://x", Timeout: -1}} {
		if _, err := NewWebhook(o); err == nil || strings.Contains(err.Error(), "hushhush") {
			t.Errorf("%+v gives %v", o, err)
		}
	}
}
