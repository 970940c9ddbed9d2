package server

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/edge-adapt/edge/runtime/server/access"
)

// fakeUpdates has one task, and an error if told so.
type fakeUpdates struct {
	looks int
	err   error
}

func (f *fakeUpdates) Status() UpdateStatus {
	return UpdateStatus{
		Enrolled: true, Channel: "stable", Running: f.looks > 0, Stage: "base", Done: 1, Total: 2,
		Looked: time.Unix(1_700_000_000, 0).UTC(), Next: time.Unix(1_700_020_000, 0).UTC(), Error: "no network", Hint: "plug it in",
		Tasks: []TaskUpdate{{Task: "lamps", Action: "refused", Release: 7, Generation: 1, Reason: "it is worse here"}},
	}
}

func (f *fakeUpdates) Look() error {
	f.looks++
	return f.err
}

func TestUpdates(t *testing.T) {
	f := &fakeUpdates{}
	var tokens map[access.Scope]string
	g := newRig(t, func(o *Options) { o.Updates = f; tokens = keys(t, o) })
	as := func(method string, scope access.Scope) answer {
		return g.do(ask{method: method, path: "/api/update", header: map[string]string{"Authorization": "Bearer " + tokens[scope]}})
	}
	g.want(as(http.MethodGet, access.Read), http.StatusOK, `"reason":"it is worse here"`)
	g.want(as(http.MethodPost, access.Label), http.StatusForbidden, "admin")
	if f.looks != 0 {
		t.Error("it looked for somebody who may not ask")
	}
	g.want(as(http.MethodPost, access.Admin), http.StatusAccepted, `"running":true`)
	if f.looks != 1 {
		t.Errorf("it looked %d times, want once", f.looks)
	}
	f.err = errors.New("nobody may look now")
	g.want(as(http.MethodPost, access.Admin), http.StatusConflict, "nobody may look now")
}

func TestNoUpdates(t *testing.T) {
	g := newRig(t)
	g.want(g.get("/api/update"), http.StatusOK, `"enrolled":false`)
	g.want(g.do(ask{method: http.MethodPost, path: "/api/update"}), http.StatusConflict, "edge update enrol")
}
