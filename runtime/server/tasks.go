package server

import (
	"net/http"

	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
)

func (s *Server) taskRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/api/tasks", scope: access.Read, handle: s.tasks},
		{method: http.MethodGet, path: "/api/tasks/{task}", scope: access.Read, handle: s.task},
		{method: http.MethodGet, path: "/api/tasks/{task}/events", scope: access.Read, kind: stream, handle: s.taskEvents},
		{method: http.MethodGet, path: "/api/events", scope: access.Read, kind: stream, handle: s.events},
		{method: http.MethodPost, path: "/api/tasks/{task}/adapt", scope: access.Admin, kind: heavy, handle: s.adapt},
		{method: http.MethodGet, path: "/api/tasks/{task}/adapt", scope: access.Read, handle: s.adapting},
	}
}

// asked returns the task that the path names.
func (c *call) asked() (*runtime.Task, error) { return c.s.rt.Task(c.r.PathValue("task")) }

func (s *Server) tasks(c *call) error {
	list := []runtime.TaskStatus{}
	for _, t := range s.rt.Tasks() {
		list = append(list, t.Status())
	}
	return c.json(http.StatusOK, map[string]any{"tasks": list})
}

func (s *Server) task(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, t.Status())
}

// adaptation is how far an adaptation is, if one runs.
type adaptation struct {
	Task     string               `json:"task"`
	Running  bool                 `json:"running"`
	Progress *runtime.AdaptStatus `json:"progress,omitempty"`
}

// adapt starts an adaptation.
func (s *Server) adapt(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	if t.Config().Samples == "" {
		return errNoSamples(t.Name())
	}
	if err := t.Adapt(c.r.Context()); err != nil {
		return err
	}
	s.log.Info("adaptation asked for", "task", t.Name(), "who", c.who.name, "request", c.id)
	return c.adaptation(http.StatusAccepted, t)
}

func (s *Server) adapting(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	return c.adaptation(http.StatusOK, t)
}

func (c *call) adaptation(status int, t *runtime.Task) error {
	progress := t.Status().Adapting
	return c.json(status, adaptation{t.Name(), progress != nil, progress})
}
