package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"golang.org/x/net/netutil"

	"github.com/edge-adapt/edge/internal/hint"
)

// Serve answers on all listeners, which it closes, until ctx ends. Requests in
// flight then have Options.Grace to finish, event streams end with a comment, and
// what is left is cut off. It returns nil if nothing but ctx ended it, and may be
// called once.
//
// A TCP listener that reaches beyond this machine is an error unless there are
// tokens, or Options.Insecure is set.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) (err error) {
	closeAll := func() {
		for _, l := range listeners {
			l.Close() //nolint:errcheck // closed already, mostly
		}
	}
	defer closeAll()
	if s.serving.Swap(true) {
		return errors.New("serve: a server serves once")
	}
	if len(listeners) == 0 {
		return errors.New("serve: no listener given")
	}
	for _, l := range listeners {
		if err := s.mayListen(l.Addr()); err != nil {
			return fmt.Errorf("listen on %s: %w", l.Addr(), err)
		}
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.limits.Header,
		ReadTimeout:       s.limits.Wait,
		WriteTimeout:      2 * s.limits.Wait, // from the end of the head: the handler's time, and then the answer's
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // strangers that speak no TLS and the like,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if s.options.Certificate != nil {
		server.TLSConfig = s.options.Certificate.TLS()
		// Said aloud, or a plain listener that comes first would switch HTTP/2 off
		// while TLS still offers it.
		server.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- s.serveOn(server, l) }()
	}
	running := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-ended: // a listener that fails takes the others along
		running--
	}
	s.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
	defer cancel()
	if stopped := server.Shutdown(grace); stopped != nil {
		s.log.Warn("requests were cut off", "after", s.options.Grace)
		server.Close() //nolint:errcheck // of listeners that are closed
	}
	for range running {
		err = errors.Join(err, <-ended)
	}
	if ctx.Err() == nil && err == nil {
		err = errors.New("serve: a listener was closed")
	}
	return err
}

// serveOn serves one listener.
func (s *Server) serveOn(server *http.Server, l net.Listener) error {
	limited := netutil.LimitListener(l, s.limits.Connections)
	var err error
	if _, socket := l.Addr().(*net.UnixAddr); s.options.Certificate != nil && !socket {
		err = server.ServeTLS(limited, "", "")
	} else {
		err = server.Serve(limited)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("serve %s: %w", l.Addr(), err), "see whether the address is still this machine's")
}
