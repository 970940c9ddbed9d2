package server

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
)

func (s *Server) generationRoutes() []route {
	const (
		all = "/api/tasks/{task}/generations"
		one = all + "/{generation}"
	)
	return []route{
		{method: http.MethodGet, path: all, scope: access.Read, handle: s.generations},
		{method: http.MethodGet, path: one, scope: access.Read, handle: s.generation},
		{method: http.MethodPost, path: one + "/activate", scope: access.Admin, handle: s.activate},
		{method: http.MethodPost, path: one + "/mark-good", scope: access.Admin, handle: s.markGood},
		{method: http.MethodPost, path: one + "/shadow", scope: access.Admin, handle: s.setShadow},
		{method: http.MethodPost, path: all + "/rollback", scope: access.Admin, handle: s.rollback},
		{method: http.MethodDelete, path: all + "/shadow", scope: access.Admin, handle: s.endShadow},
	}
}

// generation is a generation and how it stands.
type generation struct {
	models.Manifest
	Serving  bool `json:"serving"`  // it answers now
	Current  bool `json:"current"`  // it is the store's active one
	Previous bool `json:"previous"` // it was before
	Shadow   bool `json:"shadow"`   // it runs beside the one that serves
	Good     bool `json:"good"`     // it was marked good
}

// standing is what is known of a task's generations together.
type standing struct {
	active          models.Activation
	good            map[int]bool
	serving, shadow int
}

func (s *Server) standing(t *runtime.Task) (standing, error) {
	active, err := s.options.Store.Active(t.Name())
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return standing{}, err
	}
	marks, err := s.options.Store.Good(t.Name())
	if err != nil {
		return standing{}, err
	}
	st := standing{active: active, good: map[int]bool{}}
	for _, m := range marks {
		st.good[m.Generation] = true
	}
	status := t.Status()
	if status.Model != nil {
		st.serving = status.Model.Generation
	}
	if status.Shadow != nil {
		st.shadow = status.Shadow.Generation
	}
	return st, nil
}

func (st standing) of(m models.Manifest) generation {
	n := m.Generation
	return generation{
		Manifest: m, Serving: n == st.serving, Current: n == st.active.Current, Previous: n == st.active.Previous,
		Shadow: n == st.shadow, Good: st.good[n],
	}
}

// generations lists the generations of a task, the newest first.
func (s *Server) generations(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	st, err := s.standing(t)
	if err != nil {
		return err
	}
	stored, trouble := s.options.Store.Generations(t.Name())
	if trouble != nil && len(stored) == 0 {
		return trouble
	}
	answer := struct {
		Task        string       `json:"task"`
		Generations []generation `json:"generations"`
		Problem     string       `json:"problem,omitempty"` // of those that cannot be read
	}{Task: t.Name(), Generations: []generation{}}
	if trouble != nil {
		answer.Problem = trouble.Error()
	}
	for i := len(stored) - 1; i >= 0; i-- {
		answer.Generations = append(answer.Generations, st.of(stored[i].Manifest))
	}
	return c.json(http.StatusOK, answer)
}

// numbered returns the task and the generation that the path names.
func (c *call) numbered() (*runtime.Task, int, error) {
	t, err := c.asked()
	if err != nil {
		return nil, 0, err
	}
	text := c.r.PathValue("generation")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || strconv.Itoa(n) != text {
		return nil, 0, refuse(http.StatusNotFound, "a generation is a number from 1", "%.40q is no generation", text)
	}
	return t, n, nil
}

func (s *Server) generation(c *call) error {
	t, n, err := c.numbered()
	if err != nil {
		return err
	}
	return s.answerGeneration(c, t, n)
}

func (s *Server) answerGeneration(c *call, t *runtime.Task, n int) error {
	g, err := s.options.Store.Generation(t.Name(), n)
	if err != nil {
		return err
	}
	st, err := s.standing(t)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, st.of(g.Manifest))
}

// why returns the reason that the body gives for a change, and who asks for it.
func (c *call) why() (string, error) {
	var body struct {
		Why string `json:"why"`
	}
	if err := c.decode(&body); err != nil {
		return "", err
	}
	if body.Why == "" {
		body.Why = "asked for"
	}
	return body.Why + " (over HTTP: " + c.who.name + ")", nil
}

// numberedWhy is numbered and why in one.
func (c *call) numberedWhy() (t *runtime.Task, n int, why string, err error) {
	if t, n, err = c.numbered(); err == nil {
		why, err = c.why()
	}
	return t, n, why, err
}

func (s *Server) activate(c *call) error {
	t, n, why, err := c.numberedWhy()
	if err != nil {
		return err
	}
	if err := t.Activate(c.r.Context(), n, why); err != nil {
		return err
	}
	return s.answerGeneration(c, t, n)
}

func (s *Server) rollback(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	why, err := c.why()
	if err != nil {
		return err
	}
	if err := t.Rollback(c.r.Context(), why); err != nil {
		return err
	}
	m, err := t.Model()
	if err != nil {
		return err
	}
	return s.answerGeneration(c, t, m.Generation)
}

// markGood marks a generation good. For the one that serves that ends its
// probation.
func (s *Server) markGood(c *call) error {
	t, n, why, err := c.numberedWhy()
	if err != nil {
		return err
	}
	if m, failed := t.Model(); failed == nil && m.Generation == n {
		err = t.MarkGood(c.r.Context())
	} else {
		err = s.options.Store.MarkGood(c.r.Context(), t.Name(), n, why)
	}
	if err != nil {
		return err
	}
	return s.answerGeneration(c, t, n)
}

func (s *Server) setShadow(c *call) error {
	t, n, err := c.numbered()
	if err != nil {
		return err
	}
	if err := t.SetShadow(c.r.Context(), n); err != nil {
		return err
	}
	return s.answerGeneration(c, t, n)
}

func (s *Server) endShadow(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	if err := t.SetShadow(c.r.Context(), 0); err != nil {
		return err
	}
	c.WriteHeader(http.StatusNoContent)
	return nil
}
