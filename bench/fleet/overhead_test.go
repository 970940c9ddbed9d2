package main

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/update"
)

// counted is a listener that counts what goes over its connections.
type counted struct {
	net.Listener
	up, down, accepted atomic.Int64
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	c.accepted.Add(1)
	return &countedConn{conn, c}, err
}

type countedConn struct {
	net.Conn
	c *counted
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.up.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.c.down.Add(int64(n))
	return n, err
}

// A look over a real server, with TLS, asks for what a simulated one asks for, and
// what goes over the wire beside the files is of the size that the simulation adds.
// The server's certificate is a single one, shorter than the usual chain of two.
func TestOverhead(t *testing.T) {
	l, err := lineage(embedded(t), 3)
	must(t, err)
	f, err := newFleet(t.Context(), folder(t), l, scenarios()[0], 1, 1)
	must(t, err)
	dir := filepath.Join(filepath.Dir(f.dir), "publisher", "repository", "public")

	var mu sync.Mutex
	var asked []string
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	wire := &counted{Listener: listener}
	server := &httptest.Server{Listener: wire, EnableHTTP2: true, Config: &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path[1:])
		mu.Unlock()
		http.ServeFile(w, r, filepath.Join(dir, r.URL.Path))
	})}}
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	source, err := update.HTTP(update.HTTPConfig{URL: server.URL, CAFile: ca, UserAgent: "edge/v1.0.0"})
	must(t, err)

	// The repository's folder is as it is in the end; the simulated device comes then.
	d := f.devices[0]
	w := &worker{}
	must(t, d.open(f, &w.tally))
	d.src.begin(lead)
	_, err = d.client.Check(t.Context())
	must(t, err)
	must(t, linked(f.template, filepath.Join(f.dir, "real")))
	at := lead
	c, err := update.New(update.Config{Dir: filepath.Join(f.dir, "real"), Root: f.origin.root, Channel: channel, Source: source, Reserve: -1,
		Clock: update.NewClock(update.ClockConfig{System: func() time.Time { return epoch.Add(at) }, Synchronised: func() bool { return true }})})
	must(t, err)
	_, err = c.Check(t.Context())
	must(t, err)
	must(t, c.Close())

	var simulated []string
	for _, s := range d.src.sent {
		simulated = append(simulated, s.name)
	}
	mu.Lock()
	defer mu.Unlock()
	actual := slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return f.origin.get(name, lead) == nil })
	if !slices.Equal(simulated, actual) || int64(len(asked)) != w.tally.asked || wire.accepted.Load() != w.tally.connections {
		t.Errorf("a real look asked for %q over %d connections, a simulated one for %q (%d) over %d", asked, wire.accepted.Load(), simulated, w.tally.asked, w.tally.connections)
	}
	up, down := wire.up.Load(), wire.down.Load()-w.tally.content
	addedUp, addedDown := w.tally.up, w.tally.down-w.tally.content
	t.Logf("%d requests: beside the files %d bytes up and %d down, the simulation adds %d and %d", len(asked), up, down, addedUp, addedDown)
	if addedUp < up/2 || addedUp > 2*up || addedDown < down/2 || addedDown > 2*down {
		t.Errorf("beside the files %d bytes up and %d down, the simulation adds %d and %d", up, down, addedUp, addedDown)
	}
}
