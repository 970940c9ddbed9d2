// Package server is a runtime's interface to the network: a JSON API of its own
// under /api, TensorFlow Serving's REST API under /v1, the Open Inference
// Protocol under /v2, and metrics. openapi.yaml says what there is; a test holds
// it against the handlers.
//
// # Who may do what
//
// Beyond this machine nothing is served without tokens (access.Keys), unless
// Options.Insecure says so. A token has a scope, and every route needs one.
// On loopback, as long as there is no file of tokens, whoever reaches the server
// may do everything; over a unix socket, always: the socket's mode says who that is.
//
// Such trust in where a request comes from is what browsers and proxies abuse.
// So a request that a page of another site has sent is refused if it changes
// anything; one without a token must ask for this machine by an IP address or a
// name it is known by, which a rebound DNS name is not; and one without a token
// must not have come through a proxy. No answer may be read by another site.
//
// # What one client can cost
//
// Memory that bodies take is bounded together (Limits.Memory) and reserved before
// it is taken; pictures are decoded a few at a time; connections, requests and
// event streams are counted; clients of the network have a rate. What is beyond
// that is 413, 429 or 503 with Retry-After, and every wait has an end.
package server

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
	"github.com/edge-adapt/edge/runtime/server/samples"
)

// Options says how a Server serves.
type Options struct {
	// Version is the program's, for /api/info.
	Version string
	// Log gets what an operator wants to read; every request at level debug. Zero:
	// nothing is logged.
	Log *slog.Logger
	// Store is the runtime's, from which generations are listed. It must be given.
	Store *models.Store
	// Keys are the tokens that open the server. Zero: there are none.
	Keys *access.Keys
	// Certificate is shown on TCP listeners. Zero: they speak plain HTTP.
	Certificate *access.Certificate
	// Insecure serves beyond this machine without tokens, everyone as an
	// administrator.
	Insecure bool
	// Hosts are names, beside localhost and the machine's own, by which requests
	// without a token may ask for this server.
	Hosts []string
	// Limits bounds what clients may ask for.
	Limits Limits
	// Grace is how long requests in flight have when Serve's context ends. Zero: 10 s.
	Grace time.Duration
	// Pprof serves Go's profiles under /debug/pprof, to administrators.
	Pprof bool
	// Busy returns why work is refused at the moment, nil otherwise. Zero: it never
	// is.
	Busy func() error
	// Updates looks for models over the air. Zero: nothing does.
	Updates Updates
	// Machine returns what /api/info says of the machine, to be marshalled. Zero:
	// nothing.
	Machine func() any
}

// Server serves a runtime. It keeps no goroutine between requests.
type Server struct {
	rt      *runtime.Runtime
	options Options
	limits  Limits
	log     *slog.Logger
	handler http.Handler
	routes  []route
	started time.Time

	origins   *http.CrossOriginProtection
	hosts     map[string]bool
	clients   *clients
	memory    *semaphore.Weighted // bytes that bodies take
	decoding  chan struct{}       // a token a picture being decoded
	requests  chan struct{}       // a token a request
	streams   chan struct{}       // a token an event stream
	measures  *measures
	ids       ids
	predicts  sync.Pool // of *predictWork
	infers    sync.Pool // of *inferWork
	canvases  sync.Pool // of *pixel.RGB, at most maxKept bytes each
	stopping  chan struct{}
	stopOnce  sync.Once
	serving   atomic.Bool
	folders   map[string]*samples.Folder // by path
	foldersMu sync.Mutex
}

// New returns a server of rt. It registers its instruments with rt's metrics, so
// there can be one server a runtime.
func New(rt *runtime.Runtime, o Options) (*Server, error) {
	if rt == nil || o.Store == nil {
		return nil, errors.New("new server: no runtime or no store given")
	}
	limits, err := o.Limits.orDefault()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	s := &Server{
		rt: rt, options: o, limits: limits, log: o.Log, started: time.Now(),
		origins: http.NewCrossOriginProtection(), hosts: hostNames(o.Hosts), clients: newClients(limits.Rate, limits.Burst),
		memory: semaphore.NewWeighted(limits.Memory), decoding: make(chan struct{}, limits.Decoding),
		requests: make(chan struct{}, limits.Requests), streams: make(chan struct{}, limits.Streams),
		ids: newIDs(), stopping: make(chan struct{}), folders: map[string]*samples.Folder{},
	}
	s.routes = s.allRoutes()
	if s.measures, err = newMeasures(rt.Metrics().Registry()); err != nil {
		return nil, err
	}
	s.handler = s.mux()
	return s, nil
}

// Handler returns the whole API, for another http.Server than Serve's. That must
// bound connections and times itself.
func (s *Server) Handler() http.Handler { return s.handler }

// stop ends event streams, and lets /readyz say no.
func (s *Server) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

// isStopping reports whether stop was called.
func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// hostNames returns the names that requests without a token may ask for, in
// lower case.
func hostNames(more []string) map[string]bool {
	names := map[string]bool{"localhost": true}
	if own, err := os.Hostname(); err == nil && own != "" {
		names[strings.ToLower(own)] = true
		names[strings.ToLower(own)+".local"] = true // as multicast DNS has it
	}
	for _, name := range more {
		names[strings.ToLower(name)] = true
	}
	return names
}
