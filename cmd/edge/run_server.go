package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/server"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// newServer makes what answers on the listeners.
func (d *daemon) newServer(c *config.Loaded) (*server.Server, error) {
	keys, err := access.OpenKeys(tokensOf(c.Config, d.dir), d.log)
	if err != nil {
		return nil, err
	}
	certificate, err := d.certificate(c)
	if err != nil {
		return nil, err
	}
	switch far := beyond(c.Listen); {
	case far && c.Insecure:
		d.log.Warn("everybody who reaches this machine may do everything", "key", "insecure")
	case far && !keys.Exist(): // the server says so too, but only once it serves
		return nil, hint.Wrap(fmt.Errorf("listen on %s: beyond this machine, edge serves nobody without a token", strings.Join(c.Listen, ", ")),
			"make one: edge token add NAME; or listen on 127.0.0.1; or let everyone in with --insecure")
	}
	l := c.Limits
	return server.New(d.rt, server.Options{
		Version: version, Log: d.log, Store: d.store, Keys: keys, Certificate: certificate,
		Insecure: c.Insecure, Hosts: c.Hosts, Pprof: c.Pprof, Busy: d.memory.busy, Machine: d.machine, Updates: d.updates,
		Grace:  c.Grace.D() / 2, // the other half is for the events on their way
		Limits: server.Limits{Body: int64(l.Body), Memory: int64(l.Memory), Pictures: l.Pictures, Requests: l.Requests, Rate: l.Rate, Burst: l.Burst},
	})
}

// certificate is what the configuration says connections are encrypted with, nil
// for nothing.
func (d *daemon) certificate(c *config.Loaded) (*access.Certificate, error) {
	switch {
	case c.TLS.Cert != "":
		return access.LoadCertificate(c.TLS.Cert, c.TLS.Key, d.log)
	case c.TLS.SelfMade:
		made, err := access.SelfMade(filepath.Join(filepath.Dir(d.dir), "tls"), c.Hosts, d.log)
		if err == nil {
			d.log.Info("connections are encrypted with a self-made certificate", "sha256", made.Fingerprint())
		}
		return made, err
	}
	return nil, nil //nolint:nilnil // as the server wants it
}

// beyond reports whether one of the addresses reaches beyond this machine.
func beyond(addresses []string) bool {
	for _, text := range addresses {
		if a, err := config.ParseAddress(text); err == nil && !a.Loopback() {
			return true
		}
	}
	return false
}

// machine is what /api/info says of the machine.
func (d *daemon) machine() any {
	return d.machineReader.read(context.Background(), d.memory)
}

// closeAll closes listeners that nobody serves.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close() //nolint:errcheck // nobody was served
	}
}

// hinted logs err with its next step.
func (d *daemon) hinted(message string, err error) {
	d.log.Error(message, "error", err, "hint", hint.Of(err))
}
