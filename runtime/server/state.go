package server

import (
	_ "embed"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// OpenAPI is the description of the whole API, as /api/openapi.yaml serves it.
//
//go:embed openapi.yaml
var OpenAPI []byte

func (s *Server) stateRoutes() []route {
	metrics := promhttp.HandlerFor(s.rt.Metrics().Registry(), promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
	return []route{
		{method: http.MethodGet, path: "/healthz", kind: probe, handle: s.health},
		{method: http.MethodGet, path: "/readyz", kind: probe, handle: s.ready},
		{method: http.MethodGet, path: "/metrics", scope: access.Read, handle: func(c *call) error {
			metrics.ServeHTTP(c, c.r)
			return nil
		}},
		{method: http.MethodGet, path: "/api/info", scope: access.Read, handle: s.info},
		{method: http.MethodGet, path: "/api/openapi.yaml", scope: access.Read, handle: func(c *call) error {
			return c.body(http.StatusOK, []string{"application/yaml"}, OpenAPI)
		}},
	}
}

// health says that the process answers. A probe that gets no answer has it
// started anew.
func (s *Server) health(c *call) error {
	return c.json(http.StatusOK, map[string]bool{"live": true})
}

// readiness is whether every task serves, and if not, why.
type readiness struct {
	Ready bool `json:"ready"`
	// Error and Hint are for those who may know.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func (s *Server) readiness(mayKnow bool) readiness {
	err := s.rt.Ready()
	if s.isStopping() {
		err = hint.Wrap(errStopping, "wait until it has started again")
	}
	if err == nil {
		return readiness{Ready: true}
	}
	if !mayKnow {
		return readiness{}
	}
	return readiness{Error: err.Error(), Hint: hint.Of(err)}
}

func (s *Server) ready(c *call) error {
	r := s.readiness(c.who.scope.Allows(access.Read))
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	return c.json(status, r)
}

// info is what /api/info answers.
type info struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Uptime  float64   `json:"uptime_seconds"`
	Tasks   []string  `json:"tasks"`
	Scope   string    `json:"scope"`              // of who asks
	StandBy string    `json:"stand_by,omitempty"` // why nothing adapts for now
	Machine any       `json:"machine,omitempty"`  // as Options.Machine says
	readiness
}

func (s *Server) info(c *call) error {
	i := info{
		Version: s.options.Version, Started: s.started.UTC(), Uptime: time.Since(s.started).Seconds(), Tasks: []string{},
		Scope: string(c.who.scope), readiness: s.readiness(true),
	}
	for _, t := range s.rt.Tasks() {
		i.Tasks = append(i.Tasks, t.Name())
	}
	if err := s.rt.StandingBy(); err != nil {
		i.StandBy = err.Error()
	}
	if s.options.Machine != nil {
		i.Machine = s.options.Machine()
	}
	return c.json(http.StatusOK, i)
}

// profileRoutes are Go's profiles, where they are wanted. One that takes longer
// than Limits.Wait is cut off.
func (s *Server) profileRoutes() []route {
	if !s.options.Pprof {
		return nil
	}
	return []route{{method: http.MethodGet, path: "/debug/pprof/{profile}", scope: access.Admin, handle: func(c *call) error {
		switch name := c.r.PathValue("profile"); name {
		case "profile":
			pprof.Profile(c, c.r)
		case "trace":
			pprof.Trace(c, c.r)
		case "symbol":
			pprof.Symbol(c, c.r)
		default:
			pprof.Handler(name).ServeHTTP(c, c.r)
		}
		return nil
	}}}
}
