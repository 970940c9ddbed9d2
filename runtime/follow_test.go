package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
)

// quick polls so often that notices do not matter.
func quick(o *Options) { o.Poll = 5 * time.Millisecond }

func TestTheStoreIsWatched(t *testing.T) {
	g := newRig(t) // which polls once an hour
	g.serve(TaskConfig{Name: "shelf"})
	g.run()
	w := g.watch()
	for i := range 3 {
		n := g.commit("shelf", i)
		g.store.Active("shelf", n, "by another process")
		if e := w.next(KindGeneration); e.Generation != n || e.Message != "by another process" {
			t.Errorf("%+v", e)
		}
		g.classify("shelf")
	}
}

func TestTheStoreIsPolled(t *testing.T) {
	g := newRig(t, quick)
	g.serve(TaskConfig{Name: "shelf"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // what Run does, without notices
		defer close(ended)
		g.task("shelf").follow(ctx)
	}()
	n := g.commit("shelf", 1)
	g.store.Active("shelf", n, "by another process")
	g.serves("shelf", n)
	cancel()
	<-ended
}

func TestTheStoreAppearsLater(t *testing.T) {
	g := newRig(t)
	g.set(TaskConfig{Name: "shelf"})
	g.run()
	if _, err := os.Stat(g.store.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("somebody has made the store: %v", err)
	}
	g.store.Active("shelf", g.commit("shelf", 0), "first")
	g.serves("shelf", 1)
	g.classify("shelf")
	if err := g.Ready(); err != nil {
		t.Error(err)
	}
}

func TestARefusedGenerationLeavesTheOldOneServing(t *testing.T) {
	g := newRig(t, quick)
	g.serve(TaskConfig{Name: "shelf"})
	g.run()
	w := g.watch()
	bad := g.commit("shelf", 1)
	g.engine.setRefuse(g.base(1).Digest, errors.New("it crashes"))
	g.store.Active("shelf", bad, "test")
	if e := w.next(KindRefused); e.Generation != bad || !strings.Contains(e.Message, "crashes") {
		t.Errorf("%+v", e)
	}
	g.classify("shelf")
	if s := g.task("shelf").Status(); s.Model.Generation != 1 || s.Problem == nil || s.Problem.Generation != bad {
		t.Errorf("%+v", s)
	}
	// It is not tried again and again, but is when somebody activates it anew.
	g.engine.setRefuse(g.base(1).Digest, nil)
	opened := g.engine.opened.Load()
	g.task("shelf").catchUp(t.Context())
	if g.engine.opened.Load() != opened {
		t.Error("a refused generation is tried again")
	}
	g.store.Active("shelf", 1, "back")
	eventually(t, "the problem is gone", func() bool { return g.task("shelf").Status().Problem == nil })
	g.store.Active("shelf", bad, "another try")
	g.serves("shelf", bad)
}

func TestThreeFailedStartsGoBack(t *testing.T) {
	g := newRig(t, quick)
	good, bad := g.commit("shelf", 0), g.commit("shelf", 1)
	g.store.Active("shelf", good, "test")
	g.store.Active("shelf", bad, "test")
	g.engine.setRefuse(g.base(1).Digest, errors.New("it crashes"))
	w := g.watch()
	g.set(TaskConfig{Name: "shelf"})
	if g.Ready() == nil {
		t.Error("ready without a generation")
	}
	g.run()
	e := w.next(KindRollback)
	if e.Generation != good || !strings.Contains(e.Message, "3 starts failed") {
		t.Errorf("%+v", e)
	}
	refused := 0
	for _, e := range w.seen {
		if e.Kind == KindRefused {
			refused++
		}
	}
	if refused != models.MaxFailedStarts {
		t.Errorf("%d failed starts, want %d", refused, models.MaxFailedStarts)
	}
	if marks, err := g.store.RolledBack("shelf"); err != nil || len(marks) != 1 || marks[0].By != models.ByStarts {
		t.Errorf("on record: %+v, %v", marks, err)
	}
	if a, err := g.store.Store.Active("shelf"); err != nil || a.Current != good || !strings.Contains(a.Why, "starts failed") {
		t.Errorf("%+v, %v", a, err)
	}
	g.classify("shelf")
}

// A generation that takes the process along is counted by the store: here the
// process ends in the middle of three starts.
func TestStartsThatEndedTheProcessGoBack(t *testing.T) {
	g := newRig(t)
	good, bad := g.commit("shelf", 0), g.commit("shelf", 1)
	g.store.Active("shelf", good, "test")
	g.store.Active("shelf", bad, "test")
	for range models.MaxFailedStarts {
		if _, err := g.store.Starting(t.Context(), "shelf"); err != nil {
			t.Fatal(err)
		}
	}
	g.set(TaskConfig{Name: "shelf"})
	if n := g.task("shelf").active.generation(); n != good {
		t.Errorf("generation %d serves, want %d", n, good)
	}
}

func TestAStartIsConfirmed(t *testing.T) {
	starts := func(s *teststore.Store) int {
		data, err := os.ReadFile(filepath.Join(s.Dir(), "tasks", "shelf", "starts.json"))
		if err != nil {
			return 0
		}
		return strings.Count(string(data), `"starts":1`)
	}
	t.Run("by an image", func(t *testing.T) {
		g := newRig(t)
		g.serve(TaskConfig{Name: "shelf"})
		if n := starts(g.store); n != 1 {
			t.Errorf("%d starts are open, want 1", n)
		}
		g.classify("shelf")
		eventually(t, "the start is confirmed", func() bool { return starts(g.store) == 0 })
	})
	t.Run("by Close", func(t *testing.T) {
		g := newRig(t)
		g.serve(TaskConfig{Name: "shelf"})
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if n := starts(g.store); n != 0 {
			t.Errorf("%d starts are open after Close", n)
		}
	})
}

func TestADamagedPointerIsAProblem(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	if err := os.WriteFile(filepath.Join(g.store.Dir(), "tasks", "shelf", "active.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.task("shelf").catchUp(t.Context())
	if s := g.task("shelf").Status(); !s.Serving || s.Problem == nil || s.Problem.Hint == "" {
		t.Errorf("%+v", s)
	}
	if err := g.task("shelf").Activate(t.Context(), 1, "repair"); err != nil {
		t.Error(err)
	}
	g.task("shelf").catchUp(t.Context())
	if s := g.task("shelf").Status(); s.Problem != nil {
		t.Errorf("%+v", s.Problem)
	}
}
