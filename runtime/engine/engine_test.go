package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

func TestMain(m *testing.M) {
	tflite.TrialChild()
	os.Exit(m.Run())
}

// model is a test model of package tflite: "map" is a base of 8x8 pixels
// and 16 features.
func model(name string) string {
	return filepath.Join("..", "..", "tflite", "testdata", name+".tflite")
}

func newEngine(t *testing.T, o engine.Options) *engine.Engine {
	t.Helper()
	if launcher := strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER")); o.Trial == nil && len(launcher) > 0 {
		o.Trial = func(ctx context.Context, path string) error { // under an emulator, which has to be named
			return tflite.Trial(ctx, path, tflite.TrialOptions{Launcher: launcher})
		}
	}
	e, err := engine.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// trials counts the trials that an Engine makes, and decides how they end.
type trials struct {
	n   atomic.Int64
	err error
}

func (t *trials) run(context.Context, string) error {
	t.n.Add(1)
	return t.err
}

func digestOf(t *testing.T, path string) digest.Digest {
	t.Helper()
	d, _, err := digest.OfFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheEmbeddedBaseNeedsNoTrial(t *testing.T) {
	s := teststore.New(t)
	b := s.Embedded()
	n := s.Commit("shelf", b, head.New(b.Features, 0, 2, 1), []string{"a", "b"}, nil)
	g, err := s.Generation("shelf", n)
	if err != nil {
		t.Fatal(err)
	}
	var tr trials
	opened, err := newEngine(t, engine.Options{Trial: tr.run}).Open(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	features, pixels := make([]float32, b.Features), make([]float32, b.Preprocessing.Len())
	if err := opened.Embed(features, pixels); err != nil {
		t.Error(err)
	}
	if n := tr.n.Load(); n != 0 {
		t.Errorf("%d trials", n)
	}
}

func TestAnUnknownBaseIsTriedOnce(t *testing.T) {
	path, dir := model("map"), t.TempDir()
	d := digestOf(t, path)
	var tr trials
	e := newEngine(t, engine.Options{Trial: tr.run, Tried: dir})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			b, err := e.OpenBase(t.Context(), path, d)
			if err != nil {
				t.Error(err)
				return
			}
			b.Close()
		})
	}
	wg.Wait()
	if n := tr.n.Load(); n != 1 {
		t.Errorf("%d trials of one base by 8 at the same time", n)
	}
	if err := newEngine(t, engine.Options{Trial: tr.run, Tried: dir}).Try(t.Context(), path, d); err != nil || tr.n.Load() != 1 {
		t.Errorf("the next Engine does not remember: %v, %d trials", err, tr.n.Load())
	}
	if err := newEngine(t, engine.Options{Trial: tr.run}).Try(t.Context(), path, d); err != nil || tr.n.Load() != 2 {
		t.Errorf("an Engine without a folder remembers: %v, %d trials", err, tr.n.Load())
	}
}

func TestAFailedTrialIsNotRemembered(t *testing.T) {
	path := model("map")
	tr := trials{err: errors.New("it breaks")}
	e := newEngine(t, engine.Options{Trial: tr.run, Tried: t.TempDir()})
	for range 2 {
		if _, err := e.OpenBase(t.Context(), path, digestOf(t, path)); !errors.Is(err, tr.err) {
			t.Errorf("%v, want %v", err, tr.err)
		}
	}
	if n := tr.n.Load(); n != 2 {
		t.Errorf("%d trials, want 2", n)
	}
}

func TestTheFolderCannotBeWritten(t *testing.T) {
	path := model("map")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var tr trials
	e := newEngine(t, engine.Options{Trial: tr.run, Tried: file})
	for range 2 {
		if err := e.Try(t.Context(), path, digestOf(t, path)); err != nil {
			t.Error(err)
		}
	}
	if n := tr.n.Load(); n != 1 {
		t.Errorf("%d trials, want 1: memory is left", n)
	}
}

func TestTheTrialIsReal(t *testing.T) {
	e := newEngine(t, engine.Options{Tried: t.TempDir()})
	if err := e.Try(t.Context(), model("map"), digestOf(t, model("map"))); err != nil {
		t.Error(err)
	}
	err := e.Try(t.Context(), model("not_finite"), digestOf(t, model("not_finite")))
	if err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("a base whose output is not finite: %v", err)
	}
}

func TestWaitingForATrialEndsWithTheContext(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	e := newEngine(t, engine.Options{Trial: func(context.Context, string) error {
		close(began)
		<-release
		return nil
	}})
	var first sync.WaitGroup
	first.Go(func() { _ = e.Try(t.Context(), model("map"), digestOf(t, model("map"))) })
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Try(ctx, model("int8"), digestOf(t, model("int8"))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	close(release)
	first.Wait()
}

func TestAGenerationThatDoesNotFitItsBase(t *testing.T) {
	s := teststore.New(t)
	for _, c := range []struct {
		name            string
		features, width int
	}{{"features", 7, 8}, {"width", 16, 9}} {
		b := s.File(model("map"), c.features, pixel.Preprocessing{Width: c.width, Height: 8, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear})
		n := s.Commit(c.name, b, head.New(b.Features, 0, 2, 1), []string{"a", "b"}, nil)
		g, err := s.Generation(c.name, n)
		if err != nil {
			t.Fatal(err)
		}
		var tr trials
		opened, err := newEngine(t, engine.Options{Trial: tr.run}).Open(t.Context(), g)
		if err == nil {
			opened.Close()
			t.Errorf("%s: opened", c.name)
		} else if hint.Of(err) == "" {
			t.Errorf("%s: %v has no next step", c.name, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, threads := range []int{-1, 1025} {
		if _, err := engine.New(engine.Options{Threads: threads}); err == nil {
			t.Errorf("%d threads are taken", threads)
		}
	}
}
