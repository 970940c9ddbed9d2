package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/engine"
)

// The daemon keeps what its configuration says, and nothing while another one keeps
// the store.
func TestDaemonTidies(t *testing.T) {
	store := teststore.New(t)
	base := store.Fake("base", 3)
	for range 5 {
		store.Commit("lamps", base, &head.Head{Features: 3, Classes: 2, W2: make([]float32, 6), B2: make([]float32, 2)}, []string{"off", "on"}, nil)
	}
	store.Active("lamps", 1, "test")
	store.Active("lamps", 2, "test")
	e, err := engine.New(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.New(runtime.Options{Store: store.Store, Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	var log bytes.Buffer
	loaded := &config.Loaded{Config: config.Default()}
	d := &daemon{store: store.Store, rt: rt, loaded: loaded, log: slog.New(slog.NewTextHandler(&log, nil))}
	left := func() int {
		all, err := store.Generations("lamps")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	loaded.GC.Newest = 0
	d.collect(t.Context())
	if n := left(); n != 5 {
		t.Errorf("%d generations are left though nothing is to be removed", n)
	}
	loaded.GC.Newest = 1
	rt.StandBy(errKept)
	d.collect(t.Context())
	if n := left(); n != 5 {
		t.Errorf("%d generations are left of a store that another daemon keeps", n)
	}
	rt.StandBy(nil)
	d.collect(t.Context())
	if n := left(); n != 3 { // the one in use, the one before, the newest
		t.Errorf("%d generations are left, want 3", n)
	}
	if !strings.Contains(log.String(), "the store is tidied") {
		t.Errorf("the log says %s", log.String())
	}
}
