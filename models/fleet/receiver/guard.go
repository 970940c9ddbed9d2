package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// requestLimit is how long a request may take once its head has come.
const requestLimit = time.Minute

// Headers of every answer. The page needs its own script, style and the API; anything
// else of anybody is refused.
var safety = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cache-Control":                "no-store",
}

// handle is a route's function. What it returns is answered by fail.
type handle func(w http.ResponseWriter, req *http.Request) error

// guard wraps a route in everything that is done for each request.
func (r *Receiver) guard(route string, fn handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for name, value := range safety {
			w.Header().Set(name, value)
		}
		counted := &counted{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				r.log.Error("a request ended in a panic", "method", req.Method, "path", req.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if !counted.begun {
					r.fail(counted, req, errors.New("a fault in this program"))
				}
			}
			r.measures.request(route, counted.status)
		}()
		ctx, cancel := context.WithTimeout(req.Context(), requestLimit)
		defer cancel()
		req = req.WithContext(ctx)
		if err := r.admit(req, fn, counted); err != nil {
			r.fail(counted, req, err)
		}
	})
}

// admit bounds how often and how much at once.
func (r *Receiver) admit(req *http.Request, fn handle, w http.ResponseWriter) error {
	if from := remote(req); !from.IsLoopback() && !onSocket(req) {
		bits := 64
		if from.Is4() {
			bits = 32
		}
		network, _ := from.Prefix(bits) //nolint:errcheck // those without an address share one rate
		if wait := r.clients.wait(network.String(), r.o.Now()); wait > 0 {
			return busy(http.StatusTooManyRequests, wait, "more than %v requests a second", r.o.Limits.Rate)
		}
	}
	select {
	case r.requests <- struct{}{}:
		defer func() { <-r.requests }()
	default:
		return busy(http.StatusServiceUnavailable, 5*time.Second, "%d requests are being served, which is as many as there may be", cap(r.requests))
	}
	return fn(w, req)
}

// counted remembers what was answered.
type counted struct {
	http.ResponseWriter
	status int
	begun  bool
}

func (c *counted) WriteHeader(status int) {
	if !c.begun {
		c.begun, c.status = true, status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(b []byte) (int, error) {
	c.begun = true
	return c.ResponseWriter.Write(b)
}

// person wraps a function that needs a token of that scope.
func (r *Receiver) person(needed access.Scope, fn handle) handle {
	return func(w http.ResponseWriter, req *http.Request) error {
		if err := r.origins.Check(req); err != nil {
			return refuse(http.StatusForbidden, "only this receiver's own page may do this", "sent by a page of another site")
		}
		who, err := r.identify(r.o.Keys, req, "edge fleet token add")
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="edge fleet"`)
			return err
		}
		if !who.scope.Allows(needed) {
			return refuse(http.StatusForbidden, "make one that does: edge fleet token add --scope "+string(needed), "the token's scope is %s, and this needs %s", who.scope, needed)
		}
		return fn(w, req)
	}
}

// identity is who asks. name is "" for a request of this machine without a token.
type identity struct {
	name  string
	scope access.Scope
}

// identify returns who asks: the owner of a token among keys, or this machine while
// there are none. made is the command that makes such a token.
func (r *Receiver) identify(keys *access.Keys, req *http.Request, made string) (identity, error) {
	if values := req.Header.Values("Authorization"); len(values) > 0 {
		scheme, text, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return identity{}, refuse(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN, once", "the header Authorization holds no bearer token")
		}
		token, err := keys.Check(strings.TrimSpace(text))
		switch {
		case errors.Is(err, access.ErrExpiredToken):
			return identity{}, refuse(http.StatusUnauthorized, made+" makes a new one", "%w", access.ErrExpiredToken)
		case err != nil:
			return identity{}, refuse(http.StatusUnauthorized, made+" makes one", "%w", access.ErrUnknownToken)
		}
		return identity{token.Name, token.Scope}, nil
	}
	if keys.Exist() || !local(req).IsLoopback() && !onSocket(req) {
		return identity{}, refuse(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN; "+made+" makes one", "this needs a token")
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if req.Header.Get(header) != "" {
			return identity{}, refuse(http.StatusUnauthorized, made+" makes one", "a proxy stands between, so this needs a token")
		}
	}
	if !onSocket(req) && !r.knows(req.Host) {
		return identity{}, refuse(http.StatusMisdirectedRequest, "use an IP address, or a token: "+made, "%.100q is no name of this machine", req.Host)
	}
	return identity{"", access.Admin}, nil
}

// knows reports whether the header Host names this machine in a way that no one else
// can make a browser do.
func (r *Receiver) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return r.hosts[host] || err == nil
}

// remote returns the address of a request's client, or the zero Addr.
func remote(req *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// local returns the address on this machine that a request came to, or the zero Addr.
func local(req *http.Request) netip.Addr {
	if at, ok := req.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return at.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func onSocket(req *http.Request) bool {
	_, ok := req.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// mayListen reports whether there may be a listener at that address.
func (r *Receiver) mayListen(at net.Addr) error {
	if tcp, ok := at.(*net.TCPAddr); !ok || tcp.IP.IsLoopback() || r.o.Certificate != nil || r.o.Plain {
		return nil
	}
	return hint.Wrap(fmt.Errorf("beyond this machine, reports and tokens need TLS"), "give --cert and --key, or --self-made, or listen on 127.0.0.1; --plain where a proxy does TLS")
}
