package runtime

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestClassify(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	a := g.classify("shelf")
	if a.Task != "shelf" || a.Generation != 1 || a.Unknown || a.Score < 0.999 {
		t.Errorf("%+v", a)
	}
	sum := float32(0)
	for i, s := range a.Top {
		sum += s.Score
		if i > 0 && s.Score > a.Top[i-1].Score {
			t.Errorf("not in order: %v", a.Top)
		}
	}
	if len(a.Top) != 3 || math.Abs(float64(sum)-1) > 1e-5 || a.Top[0] != (Score{a.Label, a.Score}) {
		t.Errorf("top %v", a.Top)
	}
	s := g.task("shelf").Status()
	if s.Counts.Images != 3 || !s.Serving || s.Model.Generation != 1 || s.Timings.Base.P50 <= 0 || s.Problem != nil {
		t.Errorf("%+v", s)
	}
}

func TestClassifyWithoutAGeneration(t *testing.T) {
	g := newRig(t)
	g.set(TaskConfig{Name: "shelf"})
	_, err := g.task("shelf").Classify(t.Context(), picture("red"))
	if !errors.Is(err, ErrNotServing) || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if err := g.Ready(); !errors.Is(err, ErrNotServing) {
		t.Errorf("Ready: %v", err)
	}
	if s := g.task("shelf").Status(); s.Serving || s.Problem == nil || s.Counts.ImagesFailed != 1 {
		t.Errorf("%+v", s)
	}
}

func TestClassifyABadPicture(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	if _, err := g.task("shelf").Classify(t.Context(), &pixel.RGB{Width: 4, Height: 4}); err == nil {
		t.Error("a picture without pixels is classified")
	}
	g.classify("shelf")
}

func TestTaskNames(t *testing.T) {
	g := newRig(t)
	if _, err := g.Task("shelf"); !errors.Is(err, ErrNoTask) {
		t.Errorf("%v", err)
	}
	g.serve(TaskConfig{Name: "door"}, TaskConfig{Name: "attic"})
	_, err := g.Task("shelf")
	if !errors.Is(err, ErrNoTask) || !strings.Contains(hint.Of(err), "attic, door") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if all := g.Tasks(); len(all) != 2 || all[0].Name() != "attic" {
		t.Errorf("%v", all)
	}
}

func TestWaitingForAnInterpreterEndsWithTheContext(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	hold := make(chan struct{})
	g.engine.setWait(hold)
	var busy sync.WaitGroup
	before := g.engine.embeds.Load()
	for range 2 {
		busy.Go(func() { g.classify("shelf") })
	}
	pool := g.task("shelf").active.served.Load().pool
	eventually(t, "both interpreters are taken", func() bool { return len(pool.idle) == 0 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.task("shelf").Classify(ctx, picture("red")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := g.engine.embeds.Load(); n != before {
		t.Errorf("%d forwards", n-before)
	}
	close(hold)
	busy.Wait()
}

func TestClassifyPixels(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	task := g.task("shelf")
	m, err := task.Model()
	if err != nil {
		t.Fatal(err)
	}
	size, classes := m.Preprocessing.Len(), len(m.Labels)
	const n = 9
	pixels, scores := make([]float32, n*size), make([]float32, n*classes)
	for i := range n {
		if err := m.Preprocessing.Apply(pixels[i*size:][:size], picture(rgbLabels[i%3])); err != nil {
			t.Fatal(err)
		}
	}
	generation, err := task.ClassifyPixels(t.Context(), scores, pixels, n)
	if err != nil || generation != 1 {
		t.Fatal(generation, err)
	}
	for i := range n {
		if class, score := likeliest(scores[i*classes:][:classes]); class != i%3 || score < 0.999 {
			t.Errorf("picture %d: class %d with %v", i, class, score)
		}
	}
	for _, c := range []struct{ scores, pixels, n int }{
		{n * classes, n * size, 0}, {n * classes, n * size, -1}, {n * classes, n * size, n + 1},
		{n*classes - 1, n * size, n}, {n * classes, n*size - 1, n}, {0, 0, 0},
	} {
		if _, err := task.ClassifyPixels(t.Context(), scores[:c.scores], pixels[:c.pixels], c.n); !errors.Is(err, ErrShape) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if s := task.Status().Counts; s.Images != n || s.ImagesFailed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestClassifyPixelsFails(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	broken := errors.New("broken")
	g.engine.setBroken(g.base(0).Digest, broken)
	const n = 8
	if _, err := g.task("shelf").ClassifyPixels(t.Context(), make([]float32, n*3), make([]float32, n*8*8*3), n); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.engine.setBroken(g.base(0).Digest, nil)
	if _, err := g.task("shelf").ClassifyPixels(ctx, make([]float32, n*3), make([]float32, n*8*8*3), n); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	g.classify("shelf") // broken interpreters were replaced
}

func TestScoresThatAreNotNumbers(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	s := g.task("shelf").active.served.Load()
	s.head.B2[0] = float32(math.NaN()) // no file can hold it, features could make it
	if _, err := g.task("shelf").Classify(t.Context(), picture("red")); !errors.Is(err, errNotFinite) {
		t.Errorf("%v", err)
	}
}
