package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/edge-adapt/edge/runtime/server/access"
)

// Updates looks for models over the air. The server shows how it is, and has it
// look when somebody asks.
type Updates interface {
	// Status says how it is.
	Status() UpdateStatus
	// Look has it look soon, and does not wait. The error says why it does not.
	Look() error
}

// UpdateStatus is how updates are.
type UpdateStatus struct {
	Enrolled bool   `json:"enrolled"`          // the device follows a repository
	Channel  string `json:"channel,omitempty"` // that it follows
	Running  bool   `json:"running"`           // it is looking, or applying
	Stage    string `json:"stage,omitempty"`   // of what runs
	Done     int64  `json:"done,omitempty"`
	Total    int64  `json:"total,omitempty"`
	// Looked is when it last looked, Next when it will by itself.
	Looked time.Time `json:"looked,omitzero"`
	Next   time.Time `json:"next,omitzero"`
	// Error is why the last look failed, Hint what to do.
	Error string       `json:"error,omitempty"`
	Hint  string       `json:"hint,omitempty"`
	Tasks []TaskUpdate `json:"tasks"`
}

// TaskUpdate is what became of one task.
type TaskUpdate struct {
	Task string `json:"task"`
	// Action is none, available, applied, refused or rolled_back.
	Action     string `json:"action"`
	Release    int    `json:"release,omitempty"`
	Generation int    `json:"generation,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

var errNoUpdates = errors.New("this device follows no repository")

func (s *Server) updateRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/api/update", scope: access.Read, handle: s.updates},
		{method: http.MethodPost, path: "/api/update", scope: access.Admin, handle: s.look},
	}
}

func (s *Server) updates(c *call) error { return c.updates(http.StatusOK) }

// look is a nudge.
func (s *Server) look(c *call) error {
	if s.options.Updates == nil {
		return refuse(http.StatusConflict, "edge update enrol URL --root root.json", "%v", errNoUpdates)
	}
	if err := s.options.Updates.Look(); err != nil {
		return refuse(http.StatusConflict, "edge update enrol URL --root root.json", "%v", err)
	}
	s.log.Info("a look for updates was asked for", "who", c.who.name, "request", c.id)
	return c.updates(http.StatusAccepted)
}

func (c *call) updates(status int) error {
	if c.s.options.Updates == nil {
		return c.json(status, UpdateStatus{Tasks: []TaskUpdate{}})
	}
	u := c.s.options.Updates.Status()
	if u.Tasks == nil {
		u.Tasks = []TaskUpdate{}
	}
	return c.json(status, u)
}
