package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/edge-adapt/edge/internal/hint"
)

// Serve answers on all listeners, which it closes, and watches roll-outs, until ctx
// ends. Requests in flight then have Options.Grace to finish. It returns nil if nothing
// but ctx ended it.
func (r *Receiver) Serve(ctx context.Context, listeners ...net.Listener) (err error) {
	defer func() {
		for _, l := range listeners {
			l.Close() //nolint:errcheck // closed already, mostly
		}
	}()
	if len(listeners) == 0 {
		return errors.New("serve: no listener given")
	}
	for _, l := range listeners {
		if err := r.mayListen(l.Addr()); err != nil {
			return fmt.Errorf("listen on %s: %w", l.Addr(), err)
		}
	}
	server := &http.Server{
		Handler:           r.handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       requestLimit,
		WriteTimeout:      2 * requestLimit,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelDebug), // strangers that speak no TLS and the like
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if r.o.Certificate != nil {
		server.TLSConfig = r.o.Certificate.TLS()
		server.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { r.Watch(watching) })
	defer watch.Wait()
	defer stop()

	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- r.serveOn(server, l) }()
	}
	running := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-ended: // a listener that fails takes the others along
		running--
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Grace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		r.log.Warn("requests were cut off", "after", r.o.Grace)
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

func (r *Receiver) serveOn(server *http.Server, l net.Listener) error {
	limited := netutil.LimitListener(l, r.o.Limits.Connections)
	var err error
	if _, socket := l.Addr().(*net.UnixAddr); r.o.Certificate != nil && !socket {
		err = server.ServeTLS(limited, "", "")
	} else {
		err = server.Serve(limited)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("serve %s: %w", l.Addr(), err), "see whether the address is still this machine's")
}

// Watch halts roll-outs and removes what is too old, until ctx ends. Serve does it too.
func (r *Receiver) Watch(ctx context.Context) {
	var prune sync.WaitGroup
	prune.Go(func() { r.prune(ctx) })
	r.halter.run(ctx)
	prune.Wait()
}

func (r *Receiver) prune(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := r.o.Records.Prune(ctx, r.o.Now().Add(-r.o.Keep)); err != nil && ctx.Err() == nil {
			r.log.Error("old records could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
