package main

import (
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/runtime/server"
)

func TestUpdateNotes(t *testing.T) {
	now := time.Now()
	for want, u := range map[string]server.UpdateStatus{
		"":                            {},
		"follows stable":              {Enrolled: true, Channel: "stable"},
		"follows stable, looking":     {Enrolled: true, Channel: "stable", Running: true},
		"follows stable, base 1 of 2": {Enrolled: true, Channel: "stable", Running: true, Stage: "base", Done: 1, Total: 2},
		"follows canary, looked 2m0s ago\nit failed: no network":                        {Enrolled: true, Channel: "canary", Looked: now.Add(-2 * time.Minute), Error: "no network"},
		"follows stable\nlamps: rolled back, release 7: release 7 was revoked: no good": {Enrolled: true, Channel: "stable", Tasks: []server.TaskUpdate{{Task: "lamps", Action: "rolled_back", Release: 7, Reason: "release 7 was revoked: no good"}, {Task: "doors", Action: "none"}}},
	} {
		if got := strings.Join(updateNotes(u, now), "\n"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
