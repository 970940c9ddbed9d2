package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// served is a server that serves.
type served struct {
	*rig
	stop  context.CancelFunc
	ended chan error
}

func (g *rig) serveOnListeners(listeners ...net.Listener) *served {
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{g, cancel, make(chan error, 1)}
	go func() { s.ended <- g.Serve(ctx, listeners...) }()
	g.tb.Cleanup(func() {
		cancel()
		if err := <-s.ended; err != nil {
			g.tb.Errorf("Serve: %v", err)
		}
		s.ended <- nil
	})
	return s
}

func loopback(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// caller makes requests over connections of its own.
func caller(tb testing.TB, transport *http.Transport) *http.Client {
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(tb testing.TB, c *http.Client, url string) (status int, body string) {
	tb.Helper()
	res, err := c.Get(url)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("plain and socket", func(t *testing.T) {
		g := newRig(t)
		l := loopback(t)
		path := filepath.Join(t.TempDir(), "s")
		u, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		s := g.serveOnListeners(l, u)
		over := caller(t, &http.Transport{})
		inside := caller(t, &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}})
		if status, body := get(t, over, "http://"+l.Addr().String()+"/api/info"); status != 200 {
			t.Errorf("%d %s", status, body)
		}
		if status, body := get(t, inside, "http://edge/api/info"); status != 200 || !strings.Contains(body, "admin") {
			t.Errorf("%d %s", status, body)
		}
		s.stop()
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		s.ended <- nil
		if res, err := over.Get("http://" + l.Addr().String() + "/api/info"); err == nil {
			res.Body.Close()
			t.Error("it goes on")
		}
		if err := g.Serve(t.Context(), loopback(t)); err == nil {
			t.Error("it serves twice")
		}
	})
}

func TestServeRefusesTheNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		set func(testing.TB, *Options)
		ok  bool
	}{
		"no tokens": {func(testing.TB, *Options) {}, false},
		"tokens":    {func(tb testing.TB, o *Options) { keys(tb, o) }, true},
		"insecure":  {func(_ testing.TB, o *Options) { o.Insecure = true }, true},
	} {
		g := newRig(t, func(o *Options) { c.set(t, o) })
		for _, at := range []*net.TCPAddr{{IP: net.IPv4zero}, {IP: net.IPv6zero}, {IP: net.IPv4(192, 0, 2, 1)}} {
			if err := g.mayListen(at); (err == nil) != c.ok || err != nil && !strings.Contains(hint.Of(err), "edge token add") {
				t.Errorf("%s, %s: %v", name, at, err)
			}
		}
	}
	g := newRig(t)
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Serve(t.Context(), loopback(t), l); !errors.Is(err, errOpen) {
		t.Errorf("%v", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is still open")
	}
}

func TestServeTLS(t *testing.T) {
	for range 5 { // net/http decides on HTTP/2 with whichever listener comes first
		t.Run("", testServeTLS)
	}
}

func testServeTLS(t *testing.T) {
	dir := t.TempDir()
	quiet := slog.New(slog.DiscardHandler)
	var token string
	g := newRig(t, func(o *Options) {
		var err error
		if o.Certificate, err = access.SelfMade(dir, nil, quiet); err != nil {
			t.Fatal(err)
		}
		token = keys(t, o)[access.Read]
	})
	l := loopback(t)
	u, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	g.serveOnListeners(l, u)
	pem, err := os.ReadFile(filepath.Join(dir, "self-made.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	for _, two := range []bool{false, true} {
		c := caller(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: two})
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+"/api/info", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || (res.ProtoMajor == 2) != two {
			t.Errorf("%d over %s", res.StatusCode, res.Proto)
		}
	}
	for name, c := range map[string]*tls.Config{"a stranger": {}, "TLS 1.1": {RootCAs: pool, MaxVersion: tls.VersionTLS11}} {
		if res, err := caller(t, &http.Transport{TLSClientConfig: c}).Get("https://" + l.Addr().String() + "/healthz"); err == nil {
			res.Body.Close()
			t.Errorf("%s: no error", name)
		}
	}
	if res, err := caller(t, &http.Transport{}).Get("http://" + l.Addr().String() + "/healthz"); err == nil {
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("plain HTTP is served too")
		}
	}
}

// events reads an event stream.
type events struct {
	tb  testing.TB
	res *http.Response
	in  *bufio.Scanner
}

func (s *served) events(l net.Listener, path, last string) *events {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	s.tb.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+path, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := caller(s.tb, &http.Transport{}).Do(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		s.tb.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	s.checked.answer(s.tb, req, answer{res.StatusCode, res.Header, nil})
	e := &events{s.tb, res, bufio.NewScanner(res.Body)}
	if first := e.block(); first != ": edge" {
		s.tb.Errorf("it begins with %q", first)
	}
	return e
}

// block returns the lines up to an empty one; "" at the end.
func (e *events) block() string {
	e.tb.Helper()
	var lines []string
	for e.in.Scan() && e.in.Text() != "" {
		lines = append(lines, e.in.Text())
	}
	return strings.Join(lines, "\n")
}

// next returns the next event, comments left out.
func (e *events) next() runtime.Event {
	e.tb.Helper()
	for {
		block := e.block()
		if strings.HasPrefix(block, ":") {
			continue
		}
		lines := strings.Split(block, "\n")
		if len(lines) != 3 {
			e.tb.Fatalf("an event of the lines %q", lines)
		}
		var got runtime.Event
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &got); err != nil {
			e.tb.Fatal(err)
		}
		if lines[0] != fmt.Sprintf("id: %d", got.ID) || lines[1] != "event: "+string(got.Kind) {
			e.tb.Errorf("%q", lines)
		}
		return got
	}
}

func TestEvents(t *testing.T) {
	// The connection lives longer than any request may.
	g := newRig(t, func(o *Options) { o.Limits.Wait, o.Limits.Heartbeat = 40*time.Millisecond, 20*time.Millisecond })
	l := loopback(t)
	s := g.serveOnListeners(l)
	all := s.events(l, "/api/events", "")
	one := s.events(l, "/api/tasks/lamps/events", "")
	for range 5 {
		if b := all.block(); b != ": " && b != ":" {
			t.Errorf("%q is no heartbeat", b)
		}
	}
	hub := g.rt.Events()
	hub.Publish(runtime.Event{Kind: runtime.KindChange, Task: "other", Label: "a\nb"})
	hub.Publish(runtime.Event{Kind: runtime.KindChange, Task: "lamps", Label: "red", Score: 0.75})
	first, second := all.next(), all.next()
	if first.Label != "a\nb" || second.Task != "lamps" || second.Score != 0.75 {
		t.Errorf("%+v %+v", first, second)
	}
	if got := one.next(); got != second {
		t.Errorf("%+v, want %+v", got, second)
	}
	hub.Publish(runtime.Event{Kind: runtime.KindGood, Task: "lamps"})
	again := s.events(l, "/api/events", fmt.Sprint(first.ID))
	if got := again.next(); got.ID != second.ID {
		t.Errorf("%+v", got)
	}
	if got := again.next(); got.Kind != runtime.KindGood {
		t.Errorf("%+v", got)
	}
	g.want(g.do(ask{method: "GET", path: "/api/events", header: map[string]string{"Last-Event-ID": "x"}}), 400, "is no number")
	g.want(g.get("/api/tasks/nobody/events"), 404, "")

	s.stop()
	for _, e := range []*events{all, one, again} {
		last := ""
		for b := e.block(); b != ""; b = e.block() {
			last = b
		}
		if last != ": the server stops" || e.in.Err() != nil {
			t.Errorf("it ends with %q, %v", last, e.in.Err())
		}
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	s.ended <- nil
	g.want(g.get("/readyz"), 503, "the server stops")
	g.want(g.get("/api/events"), 503, "the server stops")
}

// TestSlowEvents does not wait for a client that does not read.
func TestSlowEvents(t *testing.T) {
	g := newRig(t)
	l := loopback(t)
	s := g.serveOnListeners(l)
	slow := s.events(l, "/api/events", "")
	long := strings.Repeat("x", 10_000)
	for range 2000 { // more than socket buffers hold
		g.rt.Events().Publish(runtime.Event{Kind: runtime.KindHeartbeat, Task: "lamps", Message: long})
	}
	g.rt.Events().Publish(runtime.Event{Kind: runtime.KindGood, Task: "lamps"})
	lost := false
	for {
		b := slow.block()
		if b == "" {
			t.Fatal("the stream ended")
		}
		lost = lost || strings.Contains(b, "events were lost")
		if strings.Contains(b, "event: good") {
			break
		}
	}
	if !lost {
		t.Log("nothing was lost: the sockets' buffers took everything")
	}
}

// TestGrace lets a request in flight finish, and cuts off one that takes longer.
func TestGrace(t *testing.T) {
	for name, long := range map[string]bool{"finishes": false, "is cut off": true} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, func(o *Options) {
				if long {
					o.Grace = 20 * time.Millisecond
				}
			})
			wait := make(chan struct{})
			g.engine.set(nil, wait)
			l := loopback(t)
			s := g.serveOnListeners(l)
			answered := make(chan error, 1)
			go func() {
				res, err := caller(t, &http.Transport{}).Post("http://"+l.Addr().String()+"/api/image", "image/png", strings.NewReader(string(shot("red", 1))))
				if err == nil {
					res.Body.Close()
					if res.StatusCode != http.StatusOK {
						err = errors.New(res.Status)
					}
				}
				answered <- err
			}()
			eventually(t, "the request is served", func() bool { return len(g.requests) == 1 })
			s.stop()
			if long {
				if err := <-answered; err == nil {
					t.Error("it was answered")
				}
			}
			eventually(t, "the server stops", g.isStopping)
			close(wait)
			if !long {
				if err := <-answered; err != nil {
					t.Error(err)
				}
			}
			if err := <-s.ended; err != nil {
				t.Error(err)
			}
			s.ended <- nil
		})
	}
}

// TestSlowHeader ends connections that never say what they want.
func TestSlowHeader(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Header = 30 * time.Millisecond })
	l := loopback(t)
	g.serveOnListeners(l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: a")
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("it waits on: %v", err)
	}
	big, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	go fmt.Fprintf(big, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Big: %s\r\n\r\n", strings.Repeat("x", 100_000))
	big.SetReadDeadline(time.Now().Add(20 * time.Second))
	if line, _ := bufio.NewReader(big).ReadString('\n'); !strings.Contains(line, "431") {
		t.Errorf("%q", line)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Connections = 1 })
	l := loopback(t)
	g.serveOnListeners(l)
	first, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(c net.Conn, wait time.Duration) string {
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		c.SetReadDeadline(time.Now().Add(wait))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return line
	}
	if line := ask(first, 20*time.Second); !strings.Contains(line, "200") {
		t.Errorf("%q", line)
	}
	second, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if line := ask(second, 50*time.Millisecond); line != "" {
		t.Errorf("a second connection is served: %q", line)
	}
	first.Close()
	second.SetReadDeadline(time.Now().Add(20 * time.Second))
	if line, _ := bufio.NewReader(second).ReadString('\n'); !strings.Contains(line, "200") {
		t.Errorf("%q", line)
	}
}
