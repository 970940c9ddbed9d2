// Package receiver takes in what devices report (models/fleet), shows the state of
// the fleet as a page, as JSON and to Prometheus, and halts a roll-out when too many
// devices go back from it.
//
// # Who may do what
//
// Devices prove who they are with their key, on /v1/reports, and need an enrolment
// token once, on /v1/enrol. People need a token to read (/api/…, /metrics) and one of
// the scope admin to block or forget a device. The page itself holds nothing and is
// given to anybody; it asks for a token when it is told to.
//
// As in the daemon, a request from this machine needs no token while there is no file
// of tokens, unless a proxy stands between or the header Host is a name that anybody
// could point here. Beyond this machine nothing is served without TLS unless Plain is
// set, and nobody gets in without a token.
package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/models/fleet/records"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// Options of a Receiver. Records must be given.
type Options struct {
	Records *records.Records
	// Halt halts a roll-out in the repository, and does nothing if it is halted. Nil:
	// what should be halted is shown, and nothing is done.
	Halt HaltFunc
	Rule Rule

	Keys      *access.Keys // tokens of people. Nil: none
	Enrolment *access.Keys // tokens of devices that enrol, of whatever scope. Nil: none

	Certificate *access.Certificate // nil: without TLS
	Plain       bool                // serve beyond this machine without TLS: a proxy does it
	Hosts       []string            // names of this machine, beside localhost

	// Window is how far the date of a device's signature may be off. Zero: 10 minutes.
	Window time.Duration
	// Silent is after how long without a report a device counts as silent. Zero: 1 hour.
	Silent time.Duration
	// Keep is how long rollbacks, and releases that are no longer active, are kept. Zero:
	// 180 days.
	Keep time.Duration
	// Grace is how long requests in flight may take when the receiver ends. Zero: 10 s.
	Grace  time.Duration
	Limits Limits

	Version string           // of this program, for the page
	Log     *slog.Logger     // nil: nobody
	Now     func() time.Time // nil: time.Now
}

// Limits bound what clients can cost. Zero values are the defaults.
type Limits struct {
	Requests    int     // served at once. 256
	Connections int     // of each listener; more wait. 1024
	Rate        float64 // requests a second of one address (IPv6: of 64 bits of it); this machine has none. 50
	Burst       int     // at once. 200
	// Every is the mean time between reports of one device, and Reports how many may come
	// at once. 10 s, and 20
	Every   time.Duration
	Reports int
}

// Receiver serves a fleet. Its methods may be called concurrently.
type Receiver struct {
	o        Options
	log      *slog.Logger
	hosts    map[string]bool
	handler  http.Handler
	origins  *http.CrossOriginProtection
	requests chan struct{}
	clients  *throttle // by address
	devices  *throttle // by ID
	halter   *halter
	measures *measures

	mu   sync.Mutex // held while the overview is made, so that it is made once
	last Fleet
}

// New returns a Receiver. It starts nothing; see Serve.
func New(o Options) (*Receiver, error) {
	if o.Records == nil {
		return nil, errors.New("fleet's receiver: no records given")
	}
	if o.Window < 0 || o.Silent < 0 || o.Keep < 0 || o.Grace < 0 || o.Limits.below() {
		return nil, errors.New("fleet's receiver: a time or limit below zero")
	}
	if err := o.Rule.check(); err != nil {
		return nil, fmt.Errorf("fleet's receiver: %w", err)
	}
	o.Rule = o.Rule.orDefault()
	set(&o.Window, 10*time.Minute)
	set(&o.Silent, time.Hour)
	set(&o.Keep, 180*24*time.Hour)
	set(&o.Grace, 10*time.Second)
	set(&o.Limits.Requests, 256)
	set(&o.Limits.Connections, 1024)
	set(&o.Limits.Rate, 50)
	set(&o.Limits.Burst, 200)
	set(&o.Limits.Every, 10*time.Second)
	set(&o.Limits.Reports, 20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Receiver{
		o: o, log: o.Log, origins: http.NewCrossOriginProtection(), hosts: map[string]bool{"localhost": true},
		requests: make(chan struct{}, o.Limits.Requests),
		clients:  newThrottle(4096, o.Limits.Rate, o.Limits.Burst),
		devices:  newThrottle(16384, 1/o.Limits.Every.Seconds(), o.Limits.Reports),
	}
	for _, h := range o.Hosts {
		r.hosts[strings.TrimSuffix(strings.ToLower(h), ".")] = true
	}
	r.halter = newHalter(o.Records, o.Rule, o.Halt, o.Log, o.Now)
	r.measures = newMeasures(r)
	r.handler = r.routes()
	return r, nil
}

func set[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

func (l Limits) below() bool {
	return l.Requests < 0 || l.Connections < 0 || l.Rate < 0 || l.Burst < 0 || l.Every < 0 || l.Reports < 0
}

// Handler returns what Serve serves, for programs with a server of their own. Roll-outs
// are watched while Serve or Watch runs.
func (r *Receiver) Handler() http.Handler { return r.handler }
