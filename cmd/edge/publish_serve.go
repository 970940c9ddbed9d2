package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// serveFlags say where a repository is served, and to whom.
type serveFlags struct {
	listen                  string
	cert, key, ca, tokens   string
	everybody               bool
	connections             int
	headerTime, idle, grace time.Duration
}

func (a *app) publishServeCommand(f *publishFlags) *cobra.Command {
	s := serveFlags{headerTime: 10 * time.Second, idle: 2 * time.Minute, grace: 10 * time.Second}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the repository to devices, as any static server would",
		Long: `Serve the folder public/ of the repository, with ranges and entity tags. It needs no key:
everything is signed already, and devices trust no server. For large fleets put the
folder on an object store or a CDN instead.

Beyond this machine it serves nobody unless told to whom: --everybody, devices with a
token (--tokens; see edge token --tokens FILE), or with a certificate (--client-ca).`,
		Example: `  edge publish serve
  edge publish serve --listen 0.0.0.0:8090 --everybody
  edge publish serve --listen 0.0.0.0:8443 --tls-cert c.pem --tls-key k.pem --client-ca devices.pem`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := publish.Open(f.repository, publish.KeyRing{})
			if err != nil {
				return publishError(err)
			}
			return a.servePublic(cmd.Context(), r, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8090", "address to listen on")
	flags.StringVar(&s.cert, "tls-cert", "", "certificate (PEM); it is read again when it changes")
	flags.StringVar(&s.key, "tls-key", "", "key of the certificate (PEM)")
	flags.StringVar(&s.ca, "client-ca", "", "serve only clients with a certificate of this authority (PEM)")
	flags.StringVar(&s.tokens, "tokens", "", "serve only clients with one of the tokens in this file (default, if it is there, tokens.json in the repository)")
	flags.BoolVar(&s.everybody, "everybody", false, "serve everybody who reaches the address")
	flags.IntVar(&s.connections, "connections", 1024, "connections at a time; others wait")
	return cmd
}

func (a *app) servePublic(ctx context.Context, r *publish.Repository, f serveFlags) error {
	log := slog.New(slog.NewTextHandler(a.stderr, nil))
	handler := &publish.Server{Dir: r.Public()}
	given := f.tokens != ""
	if !given {
		f.tokens = filepath.Join(r.Dir(), "tokens.json")
	}
	keys, err := access.OpenKeys(f.tokens, log)
	if err != nil {
		return err
	}
	if given && !keys.Exist() {
		return hint.Wrap(fmt.Errorf("no tokens in %s", f.tokens), "make one: edge token add devices --tokens "+f.tokens)
	}
	if keys.Exist() {
		handler.Allow = func(token string) bool {
			t, err := keys.Check(token)
			return err == nil && t.Scope.Allows(access.Read)
		}
	}
	config, err := f.tls(log)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return hint.Wrap(fmt.Errorf("listen on %s: %w", f.listen, err), "choose another address with --listen")
	}
	defer l.Close()
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() && !f.everybody && handler.Allow == nil && f.ca == "" {
		return hint.Wrap(fmt.Errorf("listen on %s: beyond this machine nobody is served unless you say whom", f.listen), "--everybody, --tokens FILE or --client-ca FILE")
	}
	scheme := "http"
	bounded := netutil.LimitListener(l, f.connections)
	if config != nil {
		scheme, bounded = "https", tls.NewListener(bounded, config)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: f.headerTime, IdleTimeout: f.idle, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(bounded) }()
	if a.json {
		a.print(map[string]any{"url": scheme + "://" + l.Addr().String() + "/", "public": r.Public()}) //nolint:errcheck // who reads it is gone
	} else {
		fmt.Fprintf(a.stdout, "serving %s at %s://%s/\n", r.Public(), scheme, l.Addr())
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.grace)
	defer cancel()
	err = server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // downloads go on where they were
	}
	<-ended //nolint:errcheck // it was told to end
	return err
}

// tls is how connections are encrypted: nil for not at all.
func (f serveFlags) tls(log *slog.Logger) (*tls.Config, error) {
	if f.cert == "" && f.key == "" {
		if f.ca != "" {
			return nil, hint.Wrap(errors.New("--client-ca without a certificate"), "give --tls-cert and --tls-key too")
		}
		return nil, nil //nolint:nilnil // as the caller wants it
	}
	if f.key == "" {
		f.key = f.cert
	}
	certificate, err := access.LoadCertificate(f.cert, f.key, log)
	if err != nil {
		return nil, err
	}
	config := certificate.TLS()
	config.NextProtos = []string{"http/1.1"}
	if f.ca != "" {
		if config.ClientCAs, err = clienttls.Pool(f.ca); err != nil {
			return nil, err
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
