package server

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/server/access"
	"github.com/edge-adapt/edge/runtime/server/samples"
)

const (
	usualPage = 100
	maxPage   = 1000
)

func (s *Server) sampleRoutes() []route {
	const (
		all    = "/api/tasks/{task}/samples"
		one    = "/api/tasks/{task}/samples/{label}/{name}"
		labels = "/api/tasks/{task}/labels"
		label  = "/api/tasks/{task}/labels/{label}"
		// A name may have folders in it.
		oneOf = "/api/tasks/{task}/samples/{label}/{name...}"
	)
	return []route{
		{method: http.MethodGet, path: all, scope: access.Label, handle: s.listSamples},
		{method: http.MethodPost, path: all, scope: access.Label, kind: heavy, handle: s.addSamples},
		{method: http.MethodGet, path: one, pattern: oneOf, scope: access.Label, handle: s.sample},
		{method: http.MethodPatch, path: one, pattern: oneOf, scope: access.Label, handle: s.moveSample},
		{method: http.MethodDelete, path: one, pattern: oneOf, scope: access.Label, handle: s.removeSample},
		{method: http.MethodGet, path: labels, scope: access.Read, handle: s.listLabels},
		{method: http.MethodPost, path: labels, scope: access.Label, handle: s.addLabel},
		{method: http.MethodPatch, path: label, scope: access.Label, handle: s.renameLabel},
		{method: http.MethodDelete, path: label, scope: access.Label, handle: s.removeLabel},
	}
}

func errNoSamples(task string) error {
	return refuse(http.StatusConflict, "set tasks."+task+".samples in the configuration", "task %q has no folder of samples", task)
}

// folder returns the samples of the task that the path names.
func (c *call) folder() (*samples.Folder, error) {
	t, err := c.asked()
	if err != nil {
		return nil, err
	}
	dir := t.Config().Samples
	if dir == "" {
		return nil, errNoSamples(t.Name())
	}
	dir = filepath.Clean(dir)
	s := c.s
	s.foldersMu.Lock()
	defer s.foldersMu.Unlock()
	f := s.folders[dir] // tasks that share a folder share its lock
	if f == nil {
		f = samples.New(dir, s.limits.Picture)
		s.folders[dir] = f
	}
	return f, nil
}

// labelBody is the body that names a label.
type labelBody struct {
	Label string `json:"label"`
}

// folderAndLabel returns the samples of the task that the path names, and the
// label that the body names.
func (c *call) folderAndLabel() (f *samples.Folder, label labelBody, err error) {
	if f, err = c.folder(); err == nil {
		err = c.decode(&label)
	}
	return f, label, err
}

func (s *Server) listSamples(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	limit := usualPage
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return refuse(http.StatusBadRequest, "follow next from page to page", "limit %.20q is no number from 1 to %d", text, maxPage)
		}
	}
	page, err := f.List(c.r.Context(), q.Get("label"), q.Get("after"), limit)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, page)
}

// addSamples stores the picture in the body, or the files of a form, under a
// label. Each stands by itself: one that cannot be used does not keep others out.
func (s *Server) addSamples(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	label := c.r.URL.Query().Get("label")
	if err := samples.CheckLabel(label); err != nil {
		if label == "" {
			return refuse(http.StatusBadRequest, "add ?label=LABEL", "no label is given")
		}
		return err
	}
	added, failed := []samples.Added{}, []fileError{}
	_, err = c.pictures(func(_ string, data []byte) error {
		// Decoding is what takes memory; storing waits for the disk alone.
		select {
		case s.decoding <- struct{}{}:
			defer func() { <-s.decoding }()
		case <-c.r.Context().Done():
			return c.r.Context().Err()
		}
		a, err := f.Add(c.r.Context(), label, data)
		if err == nil {
			added = append(added, a)
		}
		return err
	}, func(name string, err error) {
		failed = append(failed, fileError{File: name, Error: err.Error(), Hint: hint.Of(err)})
	})
	if len(added) > 0 {
		s.log.Info("samples added", "task", c.r.PathValue("task"), "label", label, "samples", len(added), "who", c.who.name, "request", c.id)
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, struct {
		Added  []samples.Added `json:"added"`
		Failed []fileError     `json:"failed,omitempty"`
	}{added, failed})
}

// sample answers with a picture.
func (s *Server) sample(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	file, format, err := f.Open(c.r.PathValue("label"), c.r.PathValue("name"))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	c.Header().Set("Content-Type", "image/"+format)
	c.Header().Set("Cache-Control", "private, no-cache") // asked again each time, sent again when changed
	http.ServeContent(c, c.r, "", info.ModTime(), file)
	return nil
}

func (s *Server) moveSample(c *call) error {
	f, to, err := c.folderAndLabel()
	if err != nil {
		return err
	}
	moved, err := f.Move(c.r.PathValue("label"), c.r.PathValue("name"), to.Label)
	if err != nil {
		return err
	}
	s.changedSamples(c, "sample moved", "label", to.Label)
	return c.json(http.StatusOK, moved)
}

func (s *Server) removeSample(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	if err := f.Remove(c.r.PathValue("label"), c.r.PathValue("name")); err != nil {
		return err
	}
	s.changedSamples(c, "sample removed", "label", c.r.PathValue("label"))
	c.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listLabels(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	list, err := f.Labels(c.r.Context())
	if err != nil {
		return err
	}
	if list == nil {
		list = []samples.Label{}
	}
	return c.json(http.StatusOK, map[string]any{"labels": list})
}

func (s *Server) addLabel(c *call) error {
	f, label, err := c.folderAndLabel()
	if err != nil {
		return err
	}
	if err := f.AddLabel(label.Label); err != nil {
		return err
	}
	s.changedSamples(c, "label added", "label", label.Label)
	return c.json(http.StatusCreated, samples.Label{Label: label.Label})
}

func (s *Server) renameLabel(c *call) error {
	f, to, err := c.folderAndLabel()
	if err != nil {
		return err
	}
	if err := f.RenameLabel(c.r.PathValue("label"), to.Label); err != nil {
		return err
	}
	s.changedSamples(c, "label renamed", "label", c.r.PathValue("label"), "to", to.Label)
	return c.json(http.StatusOK, to)
}

// removeLabel removes a label, and with ?samples=remove its samples.
func (s *Server) removeLabel(c *call) error {
	f, err := c.folder()
	if err != nil {
		return err
	}
	which := c.r.URL.Query().Get("samples")
	if which != "" && which != "remove" {
		return refuse(http.StatusBadRequest, "samples=remove removes them with their label", "samples=%.20q is not understood", which)
	}
	label := c.r.PathValue("label")
	if strings.Contains(label, "/") {
		return samples.ErrNotFound
	}
	if err := f.RemoveLabel(label, which == "remove"); err != nil {
		return err
	}
	s.changedSamples(c, "label removed", "label", label)
	c.WriteHeader(http.StatusNoContent)
	return nil
}

// changedSamples logs who changed samples.
func (s *Server) changedSamples(c *call, what string, more ...any) {
	s.log.Info(what, append([]any{"task", c.r.PathValue("task"), "who", c.who.name, "request", c.id}, more...)...)
}
