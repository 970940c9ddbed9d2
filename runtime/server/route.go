package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// route is one method on one path.
type route struct {
	method  string
	path    string // as openapi.yaml has it
	pattern string // as http.ServeMux has it, where that is another
	scope   access.Scope
	style   style
	kind    kind
	handle  func(*call) error
}

// style is how errors are written.
type style int

const (
	styleAPI   style = iota // {"error", "hint"}
	stylePlain              // {"error"}, as both inference protocols have it
)

// kind is what a request costs.
type kind int

const (
	light  kind = iota // answered at once
	probe              // answered even when there is no room for requests, and to anyone
	heavy              // refused while Options.Busy says so
	stream             // goes on until somebody ends it
)

// allRoutes lists the whole API.
func (s *Server) allRoutes() []route {
	var all []route
	for _, some := range [][]route{
		s.stateRoutes(), s.taskRoutes(), s.imageRoutes(), s.sampleRoutes(), s.generationRoutes(),
		s.updateRoutes(), s.predictRoutes(), s.inferRoutes(), s.profileRoutes(),
	} {
		all = append(all, some...)
	}
	return all
}

// mux joins the routes. What fits none of them is answered here too, so that its
// error looks like all others.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	var methods []string
	for _, r := range s.routes {
		pattern := r.pattern
		if pattern == "" {
			pattern = r.path
		}
		if !slices.Contains(methods, r.method) {
			methods = append(methods, r.method)
		}
		mux.Handle(r.method+" "+pattern, s.guard(r))
	}
	slices.Sort(methods)
	mux.Handle("/", s.guard(route{path: "other", handle: func(c *call) error {
		var allowed []string
		for _, method := range methods {
			other := &http.Request{Method: method, URL: c.r.URL, Host: c.r.Host}
			if _, pattern := mux.Handler(other); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return refuse(http.StatusNotFound, "GET /api/openapi.yaml lists what there is", "there is no %s", c.r.URL.Path)
		}
		list := strings.Join(allowed, ", ")
		c.Header().Set("Allow", list)
		return refuse(http.StatusMethodNotAllowed, "use "+list, "%s is not for %s", c.r.Method, c.r.URL.Path)
	}}))
	return mux
}

// call is one request.
type call struct {
	http.ResponseWriter
	r      *http.Request
	s      *Server
	id     string
	who    identity
	style  style
	status int // 0: nothing was written yet
	bytes  int64

	reserved int64 // of the memory for bodies, until the request ends
}

// WriteHeader notes the status. It makes call an http.ResponseWriter.
func (c *call) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write counts what is written.
func (c *call) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Values of headers, which are the same every time and must not be changed.
var (
	typeJSON   = []string{"application/json"}
	typeBinary = []string{"application/octet-stream"}
)

// json answers with v.
func (c *call) json(status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return c.body(status, typeJSON, append(data, '\n'))
}

// body answers with data, of a type given as the header has it.
func (c *call) body(status int, contentType []string, data []byte) error {
	h := c.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	c.WriteHeader(status)
	c.Write(data) //nolint:errcheck // the client is gone: nobody to tell
	return nil
}

// fail answers with err, unless an answer has begun.
func (c *call) fail(err error) {
	status := statusOf(err)
	if c.status != 0 || status == statusGone {
		c.status = max(c.status, status)
		return
	}
	h := c.Header()
	if retry := retryAfter(err, status); retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((retry+time.Second-1)/time.Second)))
	}
	body := struct {
		Error string `json:"error"`
		Hint  string `json:"hint,omitempty"`
	}{err.Error(), hint.Of(err)}
	if c.style == stylePlain {
		if body.Hint != "" {
			body.Error += " (" + body.Hint + ")"
		}
		body.Hint = ""
	}
	if status == http.StatusInternalServerError {
		c.s.log.Error("request failed", "request", c.id, "method", c.r.Method, "path", c.r.URL.Path, "error", err)
	}
	c.json(status, body) //nolint:errcheck // strings can be marshalled
}

// decode reads a small JSON object from the body into v, of which unknown fields
// are refused. No body leaves v alone.
func (c *call) decode(v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(c, c.r.Body, 64<<10))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	switch {
	case err == nil && !dec.More():
		return nil
	case err == nil:
		return refuse(http.StatusBadRequest, "send one JSON object", "more than one value in the body")
	case err.Error() == "EOF":
		return nil
	}
	if statusOf(err) == http.StatusRequestEntityTooLarge {
		return err
	}
	return refuse(http.StatusBadRequest, "GET /api/openapi.yaml says what belongs into it", "the body: %v", err)
}
