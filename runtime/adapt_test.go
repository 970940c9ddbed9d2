package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// fakeAdapting is an Options.Adapt whose end a test decides.
type fakeAdapting struct {
	began   chan AdaptRequest
	results chan error
	running atomic.Int64
	tb      testing.TB
}

func newFakeAdapting(tb testing.TB) *fakeAdapting {
	return &fakeAdapting{began: make(chan AdaptRequest, 16), results: make(chan error), tb: tb}
}

func (a *fakeAdapting) run(ctx context.Context, r AdaptRequest) error {
	if a.running.Add(1) > 1 {
		a.tb.Error("two adaptations run at once")
	}
	defer a.running.Add(-1)
	a.began <- r
	select {
	case err := <-a.results:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *fakeAdapting) next() AdaptRequest {
	a.tb.Helper()
	select {
	case r := <-a.began:
		return r
	case <-time.After(20 * time.Second):
		a.tb.Fatal("no adaptation began")
		return AdaptRequest{}
	}
}

func (a *fakeAdapting) set(o *Options) { o.Adapt = a.run }

func TestAdapt(t *testing.T) {
	a := newFakeAdapting(t)
	g := newRig(t, a.set)
	w := g.watch()
	samples := t.TempDir()
	g.serve(TaskConfig{Name: "shelf", Samples: samples}, TaskConfig{Name: "door", Samples: samples, Shadow: true}, TaskConfig{Name: "none"})
	task := g.task("shelf")
	if err := task.Adapt(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("%v", err)
	}
	g.run()
	if err := task.Adapt(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
	r := a.next()
	if r.Task != "shelf" || r.Samples != samples || !r.Activate {
		t.Errorf("%+v", r)
	}
	if err := task.Adapt(t.Context()); !errors.Is(err, ErrAdapting) {
		t.Errorf("%v", err)
	}
	r.Progress("extract", 3, 10)
	if s := task.Status().Adapting; s == nil || s.Stage != "extract" || s.Done != 3 || s.Total != 10 {
		t.Errorf("%+v", s)
	}
	// Another task's waits.
	if err := g.task("door").Adapt(t.Context()); err != nil {
		t.Error(err)
	}
	if err := g.task("none").Adapt(t.Context()); err == nil || hint.Of(err) == "" {
		t.Errorf("a task without samples adapts: %v", err)
	}
	if s := g.task("door").Status().Adapting; s == nil || s.Stage != "waiting" {
		t.Errorf("%+v", s)
	}
	n := g.commit("shelf", 0)
	g.store.Active("shelf", n, "adapted")
	a.results <- nil
	if e := w.next(KindAdaptDone); e.Task != "shelf" {
		t.Errorf("%+v", e)
	}
	g.serves("shelf", n)
	if r := a.next(); r.Task != "door" || r.Activate {
		t.Errorf("%+v", r)
	}
	a.results <- hint.Wrap(errors.New("too few samples"), "take more")
	if e := w.next(KindAdaptFailed); e.Task != "door" || e.Message != "too few samples" || e.Hint != "take more" {
		t.Errorf("%+v", e)
	}
	if s := g.task("door").Status(); s.Adapting != nil {
		t.Errorf("%+v", s.Adapting)
	}
	// One that runs when everything ends is ended.
	if err := task.Adapt(t.Context()); err != nil {
		t.Error(err)
	}
	a.next()
}

// Whoever finds a task may have it adapt, from the first moment on.
func TestAdaptFromTheFirstMoment(t *testing.T) {
	a := newFakeAdapting(t)
	g := newRig(t, a.set)
	first := TaskConfig{Name: "first", Samples: t.TempDir()}
	g.serve(first)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait, err := g.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.task("first").Adapt(t.Context()); err != nil {
		t.Errorf("when it has started: %v", err)
	}
	if _, err := g.Start(t.Context()); err == nil {
		t.Error("it was started twice")
	}
	configs := []TaskConfig{first}
	for i := range 50 {
		c := first
		c.Name = fmt.Sprintf("more-%d", i)
		configs = append(configs, c)
		asked := make(chan error, 1)
		go func() {
			for {
				if task, err := g.Task(c.Name); err == nil {
					asked <- task.Adapt(t.Context())
					return
				}
			}
		}()
		g.set(configs...)
		if err := <-asked; err != nil {
			t.Fatalf("when it was added: %v", err)
		}
	}
	cancel()
	if err := wait(); err != nil {
		t.Error(err)
	}
	if err := g.task("first").Adapt(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("when it has ended: %v", err)
	}
}

// sample writes a file into a class's folder.
func sample(t *testing.T, dir, label, name, content string) {
	t.Helper()
	folder := filepath.Join(dir, label)
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestAdaptOnChange(t *testing.T) {
	a := newFakeAdapting(t)
	g := newRig(t, a.set)
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	sample(t, dir, "red", "1.jpg", "1")
	for _, path := range []string{filepath.Join(dir, "red", "1.jpg"), filepath.Join(dir, "red"), dir} {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	g.serve(TaskConfig{Name: "shelf", Samples: dir, AdaptOnChange: true, Debounce: 30 * time.Millisecond})
	g.run()
	task := g.task("shelf")
	eventually(t, "the samples were looked at", func() bool {
		task.mu.Lock()
		defer task.mu.Unlock()
		return task.adapted.Files == 1
	})
	if n := len(a.began); n != 0 {
		t.Fatal("it adapts to samples that are older than the generation")
	}
	// A change in a class that is there, a new class, a file that goes.
	for i, change := range []func(){
		func() { sample(t, dir, "red", "2.jpg", "2") },
		func() { sample(t, dir, "green", "1.jpg", "1") },
		func() {
			if err := os.Remove(filepath.Join(dir, "red", "1.jpg")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		change()
		a.next()
		a.results <- []error{nil, errors.New("failed"), nil}[i]
		eventually(t, "it has ended", func() bool { return task.Status().Adapting == nil })
	}
	time.Sleep(100 * time.Millisecond) // several debounces
	if n := len(a.began); n != 0 {
		t.Errorf("%d adaptations without a change", n)
	}
	// Hidden files are no samples: editors and copies in progress make them.
	if err := os.WriteFile(filepath.Join(dir, "red", ".part"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A change while one runs is adapted to afterwards.
	sample(t, dir, "red", "3.jpg", "3")
	a.next()
	sample(t, dir, "red", "4.jpg", "4")
	a.results <- nil
	a.next()
	a.results <- nil
}

func TestSamplesThatAreYoungerThanTheGeneration(t *testing.T) {
	a := newFakeAdapting(t)
	g := newRig(t, a.set)
	g.store.Active("shelf", g.commit("shelf", 0), "test")
	dir := filepath.Join(t.TempDir(), "comes", "later")
	g.set(TaskConfig{Name: "shelf", Samples: dir, AdaptOnChange: true, Debounce: 20 * time.Millisecond})
	g.run()
	sample(t, dir, "red", "1.jpg", "1")
	future := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "red", "1.jpg"), future, future); err != nil {
		t.Fatal(err)
	}
	a.next()
	a.results <- nil
}
