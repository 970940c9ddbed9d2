package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestStandBy(t *testing.T) {
	a := newFakeAdapting(t)
	g := newRig(t, a.set)
	dir := t.TempDir()
	sample(t, dir, "red", "1.jpg", "1")
	old := time.Now().Add(-time.Hour)
	age := func() { // all of it is older than any generation
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "red", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(files, filepath.Join(dir, "red"), dir) {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	age()
	g.StandBy(hint.Wrap(errors.New("another has it"), "ask that one"))
	g.serve(TaskConfig{Name: "shelf", Samples: dir, AdaptOnChange: true, Debounce: 20 * time.Millisecond})
	g.run()
	refused := func() {
		t.Helper()
		err := g.task("shelf").Adapt(t.Context())
		if !errors.Is(err, ErrStandBy) || !strings.Contains(err.Error(), "another has it") || hint.Of(err) != "ask that one" {
			t.Errorf("%v (%s)", err, hint.Of(err))
		}
	}
	refused()
	g.classify("shelf") // it serves all the same

	// The one that adapts meanwhile has adapted to this change.
	sample(t, dir, "red", "2.jpg", "2")
	age()
	n := g.commit("shelf", 0)
	g.store.Active("shelf", n, "the other one adapted")
	g.task("shelf").nudge()
	g.serves("shelf", n)
	time.Sleep(100 * time.Millisecond) // several debounces
	refused()
	g.StandBy(nil)
	if err := g.StandingBy(); err != nil {
		t.Errorf("%v", err)
	}
	eventually(t, "the samples were looked at", func() bool {
		task := g.task("shelf")
		task.mu.Lock()
		defer task.mu.Unlock()
		return task.adapted.Files == 2
	})
	if len(a.began) != 0 {
		t.Fatal("it adapts to what the other one has adapted to")
	}
	sample(t, dir, "red", "3.jpg", "3")
	a.next()
	a.results <- nil
	eventually(t, "it has ended", func() bool { return g.task("shelf").Status().Adapting == nil })

	// A change that nobody has adapted to is caught up with.
	g.StandBy(errors.New("not now"))
	sample(t, dir, "green", "1.jpg", "1")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "green", "1.jpg"), later, later); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // several debounces
	if len(a.began) != 0 {
		t.Fatal("it adapts while it stands by")
	}
	g.StandBy(nil)
	a.next()
	a.results <- nil
}
