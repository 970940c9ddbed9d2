package remote

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a client and the gateway and breaks connections.
type proxy struct {
	config Config
	cuts   atomic.Int64
}

// startProxy cuts the first cuts connections over which the server has sent more
// than limit bytes.
func startProxy(t *testing.T, g *gateway, limit, cuts int64) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{config: g.config}
	p.config.Endpoint = "http://" + listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer client.Close()
				server, err := net.Dial("tcp", g.address)
				if err != nil {
					return
				}
				defer server.Close()
				go io.Copy(server, client)
				io.CopyN(client, server, limit)
				if more := make([]byte, 1); p.cuts.Load() < cuts {
					if n, _ := server.Read(more); n == 1 {
						p.cuts.Add(1)
						client.(*net.TCPConn).SetLinger(0) // a reset, not an end
						return
					}
				}
				io.Copy(client, server)
			})
		}
	})
	t.Cleanup(func() { listener.Close() })
	return p
}

// interceptor passes requests on as they are, Host and signature too, as long as
// allow says so, and otherwise answers that it is too busy.
func interceptor(t *testing.T, g *gateway, allow func(*http.Request) bool) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: g.address})
	forward.ErrorLog = log.New(io.Discard, "", 0) // cut off is what they shall be
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(r) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		forward.ServeHTTP(w, r)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	c := g.config
	c.Endpoint = "http://" + listener.Addr().String()
	return c
}

// contextCancelledAt returns a context and a function that cancels it once it is
// given more than limit.
func contextCancelledAt(t *testing.T, limit int64) (context.Context, func(int64)) {
	ctx, cancel := context.WithCancel(t.Context())
	return ctx, func(n int64) {
		if n > limit {
			cancel()
		}
	}
}
