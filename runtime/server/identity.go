package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// identity is who asks.
type identity struct {
	name  string // a token's name, or where the request came from
	scope access.Scope
}

// identify returns who asks. A token, if there is one, decides; otherwise where
// the request came from does.
func (s *Server) identify(r *http.Request) (identity, error) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, text, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return identity{}, refuse(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN, once", "the header Authorization holds no bearer token")
		}
		token, err := s.options.Keys.Check(strings.TrimSpace(text))
		if err != nil {
			return identity{}, &refusal{error: hint.Wrap(err, "edge token list shows which tokens there are"), status: http.StatusUnauthorized}
		}
		return identity{token.Name, token.Scope}, nil
	}
	who := identity{scope: access.Admin}
	switch here := local(r); {
	case onSocket(r):
		who.name = "unix socket"
	case s.options.Keys.Exist(), !here.IsLoopback() && !s.options.Insecure:
		return identity{}, refuse(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN; edge token add makes one", "this needs a token")
	case here.IsLoopback():
		who.name = "loopback"
	default:
		who.name = "anyone"
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if r.Header.Get(header) != "" {
			return identity{}, refuse(http.StatusUnauthorized, "make a token: edge token add", "a proxy stands between, so this needs a token")
		}
	}
	if !onSocket(r) && !s.knows(r.Host) {
		return identity{}, refuse(http.StatusMisdirectedRequest, "use an IP address, allow the name, or make a token: edge token add", "%.100q is no name of this machine", r.Host)
	}
	return who, nil
}

// knows reports whether the header Host names this machine in a way that no one
// else can make a browser do: by an address, or by one of its names.
func (s *Server) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if s.hosts[host] {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// local returns the address on this machine that a request came to, or the zero
// Addr, which is not loopback.
func local(r *http.Request) netip.Addr {
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return at.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// onSocket reports whether a request came over a unix socket.
func onSocket(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// errOpen is why a listener is not served.
var errOpen = hint.Wrap(errors.New("beyond this machine, edge serves nobody without a token"),
	"make one: edge token add NAME; or listen on 127.0.0.1; or let everyone in with --insecure")

// mayListen reports whether there may be a listener at that address.
func (s *Server) mayListen(at net.Addr) error {
	if s.options.Insecure || s.options.Keys.Exist() {
		return nil
	}
	switch at := at.(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		if at.IP.IsLoopback() {
			return nil
		}
	}
	return errOpen
}
