package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/server"
)

// clientFlags say which daemon is asked.
type clientFlags struct {
	server    string
	tokenFile string
	ca        string
}

func (f *clientFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "", "the daemon: unix:/path, host:port, http://… or https://… (default: the socket at its usual place, else 127.0.0.1:8080)")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with the token to show (default $EDGE_TOKEN, else none)")
	flags.StringVar(&f.ca, "ca", "", "PEM file of the certificate that a https server shows, or of its authority")
	cobra.CheckErr(cmd.MarkFlagFilename("ca", "pem", "crt"))
}

// daemonClient asks a running daemon.
type daemonClient struct {
	at    string // for people
	base  string // URL without a path
	token string
	http  *http.Client
}

// info is GET /api/info.
type daemonInfo struct {
	Version string       `json:"version"`
	Started time.Time    `json:"started"`
	Uptime  float64      `json:"uptime_seconds"`
	Ready   bool         `json:"ready"`
	Problem string       `json:"error,omitempty"`
	StandBy string       `json:"stand_by,omitempty"` // why nothing adapts there for now
	Machine machineState `json:"machine"`
}

// daemonState is all that is shown of a daemon at one moment.
type daemonState struct {
	Server string               `json:"server"`
	Info   daemonInfo           `json:"info"`
	Tasks  []runtime.TaskStatus `json:"tasks"`
	Update server.UpdateStatus  `json:"update"`
}

// connect finds the daemon that the flags name. It sends nothing but to find a
// socket that answers.
func (f *clientFlags) connect(ctx context.Context) (*daemonClient, error) {
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	c := &daemonClient{token: token, http: &http.Client{Timeout: 10 * time.Second}}
	address := f.server
	if address == "" {
		address = "127.0.0.1:8080"
		for _, path := range usualSockets() {
			if answers(ctx, path) {
				address = "unix:" + path
				break
			}
		}
	}
	return c, c.to(address, f.ca)
}

func (f *clientFlags) token() (string, error) {
	if f.tokenFile == "" {
		return os.Getenv("EDGE_TOKEN"), nil
	}
	data, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", device.InputError{Err: fmt.Errorf("token: %w", err)}
	}
	return strings.TrimSpace(string(data)), nil
}

// to makes c ask the daemon at address.
func (c *daemonClient) to(address, ca string) error {
	c.at = address
	transport := &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute}
	c.http.Transport = transport
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("redirected, which no daemon does") } // and the token stays here
	if u, err := url.Parse(address); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		c.base = u.Scheme + "://" + u.Host
		if ca == "" {
			return nil
		}
		if transport.TLSClientConfig, err = clienttls.Config(ca, "", ""); err != nil {
			return device.InputError{Err: err}
		}
		return nil
	}
	a, err := config.ParseAddress(address)
	if err != nil {
		return usageError{fmt.Errorf("--server %w", err), "edge status"}
	}
	c.base = "http://localhost"
	if a.Network == "tcp" {
		host, port, _ := net.SplitHostPort(a.Address) //nolint:errcheck // it has just been parsed
		if host == "" {
			host = "127.0.0.1"
		}
		c.base = "http://" + net.JoinHostPort(host, port)
		return nil
	}
	path := a.Address
	if path == "" {
		if path, err = usualSocket(); err != nil {
			return err
		}
	}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// get reads the JSON at path into v.
func (c *daemonClient) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		next := "is it running? edge run starts one; --server says where another one listens"
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			next = "name the certificate that it shows: --ca FILE; a self-made one is tls/self-made.crt beside the store"
		}
		return hint.Wrap(fmt.Errorf("ask the daemon at %s: %w", c.at, err), next)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask the daemon at %s: %w", c.at, err)
	}
	if resp.StatusCode != http.StatusOK {
		return c.refusal(resp.StatusCode, data)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return hint.Wrap(fmt.Errorf("what answers at %s is no edge: %w", c.at, err), "say where the daemon listens: --server")
	}
	return nil
}

func (c *daemonClient) refusal(code int, data []byte) error {
	var told struct{ Error, Hint string }
	if json.Unmarshal(data, &told) != nil || told.Error == "" {
		told.Error = http.StatusText(code)
	}
	err := fmt.Errorf("the daemon at %s answers %d: %s", c.at, code, told.Error)
	next := told.Hint
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		next = "give a token with --token-file or EDGE_TOKEN; edge token makes one"
	}
	if next == "" {
		return err
	}
	return hint.Wrap(err, next)
}

// state asks for everything.
func (c *daemonClient) state(ctx context.Context) (*daemonState, error) {
	s := &daemonState{Server: c.at}
	if err := c.get(ctx, "/api/info", &s.Info); err != nil {
		return nil, err
	}
	var tasks struct{ Tasks []runtime.TaskStatus }
	if err := c.get(ctx, "/api/tasks", &tasks); err != nil {
		return nil, err
	}
	s.Tasks = tasks.Tasks
	return s, nil
}
