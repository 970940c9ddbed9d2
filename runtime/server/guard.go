package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// errWait ends a request that takes too long.
var errWait = hint.Wrap(fmt.Errorf("the request took too long: %w", context.DeadlineExceeded), "send fewer at once, or smaller ones")

// Headers of every answer: nothing here is to be shown inside another page, run,
// kept, or read by another site.
var safety = []struct {
	name  string
	value []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'; sandbox"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Cache-Control", []string{"no-store"}},
}

// guard wraps a route in everything that is done for each request.
func (s *Server) guard(r route) http.Handler {
	measure := s.measures.route(r)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		c := &call{ResponseWriter: w, r: req, s: s, style: r.style, id: s.ids.of(req)}
		h := w.Header()
		for i := range safety {
			h[safety[i].name] = safety[i].value
		}
		h["X-Request-Id"] = []string{c.id}
		s.measures.inFlight.Inc()
		defer func() {
			s.measures.inFlight.Dec()
			if p := recover(); p != nil {
				s.panicked(c, p)
			}
			c.release()
			took := time.Since(began)
			measure.observe(c.status, took)
			if s.log.Enabled(req.Context(), slog.LevelDebug) { // or the arguments cost more than all else here
				s.log.Debug("request", "request", c.id, "method", req.Method, "path", req.URL.Path, "status", c.status,
					"bytes", c.bytes, "took", took, "client", req.RemoteAddr, "who", c.who.name)
			}
		}()
		if err := s.serve(r, c); err != nil {
			c.fail(err)
		}
	})
}

// panicked answers for a handler that has panicked.
func (s *Server) panicked(c *call, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.log.Error("a request ended in a panic", "request", c.id, "method", c.r.Method, "path", c.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	c.fail(refuse(http.StatusInternalServerError, "the log has more, under "+c.id, "a fault in this program"))
}

// serve checks a request and handles it.
func (s *Server) serve(r route, c *call) error {
	if err := s.admit(r, c); err != nil {
		return err
	}
	if r.kind == probe {
		return r.handle(c)
	}
	room, what := s.requests, "requests"
	if r.kind == stream {
		room, what = s.streams, "event streams"
	}
	select {
	case room <- struct{}{}:
		defer func() { <-room }()
	default:
		return busy(http.StatusServiceUnavailable, time.Second, "try again in a moment", "%d %s are being served, which is as many as there may be", cap(room), what)
	}
	if r.kind == heavy && s.options.Busy != nil {
		if err := s.options.Busy(); err != nil {
			return &refusal{error: err, status: http.StatusServiceUnavailable, retry: 5 * time.Second}
		}
	}
	if r.kind != stream {
		ctx, cancel := context.WithTimeoutCause(c.r.Context(), s.limits.Wait, errWait)
		defer cancel()
		c.r = c.r.WithContext(ctx)
	}
	return r.handle(c)
}

// admit decides whether a request may be made at all.
func (s *Server) admit(r route, c *call) error {
	from := remote(c.r)
	if !from.IsLoopback() && !onSocket(c.r) {
		if wait := s.clients.wait(from, time.Now()); wait > 0 {
			return busy(http.StatusTooManyRequests, wait, "ask less often", "more than %v requests a second", s.limits.Rate)
		}
	}
	if c.r.Header.Get("Sec-Fetch-Site") != "" || c.r.Header.Get("Origin") != "" {
		if err := s.origins.Check(c.r); err != nil {
			return refuse(http.StatusForbidden, "only pages that this server has sent may do this", "sent by a page of another site")
		}
	}
	var err error
	c.who, err = s.identify(c.r)
	if r.kind == probe {
		return nil // which tells whether it knows who asks
	}
	if err != nil {
		if statusOf(err) == http.StatusUnauthorized {
			c.Header().Set("WWW-Authenticate", `Bearer realm="edge"`)
		}
		return err
	}
	if r.scope != "" && !c.who.scope.Allows(r.scope) {
		return refuse(http.StatusForbidden, "make one that does: edge token add --scope "+string(r.scope), "the token's scope is %s, and this needs %s", c.who.scope, r.scope)
	}
	return nil
}

// remote returns the address of a request's client, or the zero Addr.
func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
