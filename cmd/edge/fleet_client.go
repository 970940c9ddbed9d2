package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet"
)

// fleetClient asks a receiver.
type fleetClient struct {
	flags clientFlags
	asks  daemonClient // its address, transport and token
}

func (c *fleetClient) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.flags.server, "server", "127.0.0.1:8090", "the receiver: host:port, http://… or https://…, unix:/path")
	flags.StringVar(&c.flags.tokenFile, "token-file", "", "file with the token to show (default $EDGE_FLEET_TOKEN, else none)")
	flags.StringVar(&c.flags.ca, "ca", "", "PEM file of the certificate that a https receiver shows, or of its authority")
	cobra.CheckErr(cmd.MarkFlagFilename("ca", "pem", "crt"))
}

// connect reads the flags. It sends nothing.
func (c *fleetClient) connect() error {
	c.asks = daemonClient{token: os.Getenv("EDGE_FLEET_TOKEN"), http: &http.Client{Timeout: 30 * time.Second}}
	if c.flags.tokenFile != "" {
		var err error
		if c.asks.token, err = c.flags.token(); err != nil {
			return err
		}
	}
	return c.asks.to(c.flags.server, c.flags.ca)
}

// ask sends what, if it is not nil, as JSON, and reads the answer into v.
func (c *fleetClient) ask(ctx context.Context, method, path string, what, v any) error {
	var body io.Reader
	if what != nil {
		data, err := json.Marshal(what)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.asks.base+path, body)
	if err != nil {
		return err
	}
	if c.asks.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.asks.token)
	}
	resp, err := c.asks.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return hint.Wrap(fmt.Errorf("ask the fleet at %s: %w", c.asks.at, err), "edge fleet serve starts a receiver; --server says where another one listens, --ca what certificate it shows")
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("ask the fleet at %s: %w", c.asks.at, err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(data, v); err != nil {
			return hint.Wrap(fmt.Errorf("what answers at %s is no fleet's receiver: %w", c.asks.at, err), "say where it listens: --server")
		}
		return nil
	}
	var told fleet.Answer
	if json.Unmarshal(data, &told) != nil || told.Error == "" {
		told.Error = http.StatusText(resp.StatusCode)
	}
	err = fmt.Errorf("the fleet at %s answers %d: %s", c.asks.at, resp.StatusCode, told.Error)
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		told.Hint = "give a token with --token-file or EDGE_FLEET_TOKEN; edge fleet token add makes one"
	case http.StatusNotFound:
		err = device.InputError{Err: err}
	}
	if told.Hint == "" {
		return err
	}
	return hint.Wrap(err, told.Hint)
}
