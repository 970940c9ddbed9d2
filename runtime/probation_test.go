package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/probation"
)

// watched is a task with a camera, whose first generation has served frames of
// every colour and was marked good.
func watched(t *testing.T, o probation.Options) (*rig, *fakeSource, *watcher) {
	t.Helper()
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1", Probation: o})
	g.run()
	if err := g.task("shelf").MarkGood(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.next(KindGood)
	return g, source, w
}

// showAll shows frames of every colour in turn.
func showAll(t *testing.T, source *fakeSource, rounds int) {
	t.Helper()
	for range rounds {
		for _, label := range rgbLabels {
			source.show(t, label, 4)
		}
	}
}

func (g *rig) active() models.Activation {
	g.tb.Helper()
	a, err := g.store.Store.Active("shelf")
	if err != nil {
		g.tb.Fatal(err)
	}
	return a
}

func TestAGoodGenerationPasses(t *testing.T) {
	g, source, w := watched(t, probation.Options{Frames: 60})
	n := g.commit("shelf", 0)
	g.store.Active("shelf", n, "test")
	g.serves("shelf", n)
	if s := g.task("shelf").Status().Probation; s == nil || s.Generation != n {
		t.Errorf("%+v", s)
	}
	showAll(t, source, 6)
	if e := w.next(KindGood); e.Generation != n || !strings.Contains(e.Message, "60 frames") {
		t.Errorf("%+v", e)
	}
	marks, err := g.store.Good("shelf")
	if err != nil || len(marks) != 2 || marks[1].Generation != n || !strings.Contains(marks[1].Why, "60 frames") {
		t.Errorf("%+v, %v", marks, err)
	}
	eventually(t, "the probation is over", func() bool { return g.task("shelf").Status().Probation == nil })
	if g.task("shelf").before.generation() != 0 {
		t.Error("the generation before still runs beside it")
	}
}

func TestACollapsedGenerationGoes(t *testing.T) {
	g, source, w := watched(t, probation.Options{})
	showAll(t, source, 10)
	bad := g.store.Commit("shelf", g.base(0), constantHead(2), rgbLabels, nil)
	g.store.Active("shelf", bad, "test")
	g.serves("shelf", bad)
	if n := g.task("shelf").before.generation(); n != 1 {
		t.Errorf("generation %d runs beside it, want 1", n)
	}
	showAll(t, source, 25)
	e := w.next(KindRollback)
	if e.Generation != 1 || !strings.Contains(e.Message, "from generation 2") {
		t.Errorf("%+v", e)
	}
	a := g.active()
	if a.Current != 1 || !strings.Contains(a.Why, "rolled back from generation 2") {
		t.Errorf("%+v", a)
	}
	g.classify("shelf")
}

// On another base there is only the record of what the generation before did.
func TestACollapsedGenerationOnAnotherBaseGoes(t *testing.T) {
	g, source, w := watched(t, probation.Options{})
	showAll(t, source, 30)
	bad := g.store.Commit("shelf", g.base(1), constantHead(2), rgbLabels, nil)
	g.store.Active("shelf", bad, "test")
	g.serves("shelf", bad)
	if n := g.task("shelf").before.generation(); n != 0 {
		t.Errorf("generation %d runs beside it at the cost of a forward", n)
	}
	showAll(t, source, 30)
	if e := w.next(KindRollback); e.Generation != 1 {
		t.Errorf("%+v", e)
	}
	g.serves("shelf", 1)
}

func TestAGenerationThatFailsGoes(t *testing.T) {
	g, source, w := watched(t, probation.Options{MaxErrors: 3})
	bad := g.commit("shelf", 1)
	g.store.Active("shelf", bad, "test")
	g.serves("shelf", bad)
	g.engine.setBroken(g.base(1).Digest, errors.New("the model failed to run"))
	source.show(t, "red", 4)
	e := w.next(KindRollback)
	if e.Generation != 1 || !strings.Contains(e.Message, "the model failed to run") {
		t.Errorf("%+v", e)
	}
	g.serves("shelf", 1)
	source.show(t, "red", 4)
	g.classify("shelf")
	if s := g.task("shelf").Status(); s.Counts.Failed < 3 || s.Problem != nil {
		t.Errorf("%+v, %+v", s.Counts, s.Problem)
	}
}

// A base that takes too long, where the one before it did not, goes by itself,
// and the store says why.
func TestASlowGenerationGoes(t *testing.T) {
	g, source, w := watched(t, probation.Options{LatencyFrames: 100, LatencySlack: 2 * time.Millisecond, Frames: 1000})
	showAll(t, source, 80) // so many that a busy machine does not make these slow too
	slow := g.commit("shelf", 1)
	g.engine.setSlow(g.base(1).Digest, 10*time.Millisecond)
	g.store.Active("shelf", slow, "test")
	g.serves("shelf", slow)
	showAll(t, source, 18) // two blocks and a little
	e := w.next(KindRollback)
	if e.Generation != 1 || !strings.Contains(e.Message, "from generation 2") || !strings.Contains(e.Message, "times generation 1's") {
		t.Errorf("%+v", e)
	}
	a := g.active()
	if a.Current != 1 || !strings.Contains(a.Why, "rolled back from generation 2") || !strings.Contains(a.Why, "twice in a row over 100 frames; allowed is 2 times") {
		t.Errorf("the store says %+v", a)
	}
	g.serves("shelf", 1)
	g.classify("shelf")
}

// When everything is slow, the new generation is not to blame.
func TestASlowMachineIsNoReason(t *testing.T) {
	g, source, w := watched(t, probation.Options{LatencyFrames: 100, LatencySlack: time.Millisecond, Frames: 250})
	showAll(t, source, 20)
	n := g.commit("shelf", 0) // beside it, on the same base, runs the one before
	g.store.Active("shelf", n, "test")
	g.serves("shelf", n)
	g.engine.setSlow(g.base(0).Digest, 4*time.Millisecond)
	showAll(t, source, 22)
	if e := w.next(KindGood); e.Generation != n {
		t.Errorf("%+v", e)
	}
	if a := g.active(); a.Current != n {
		t.Errorf("%+v", a)
	}
}

// A full or read-only disk keeps nobody from going back.
func TestRollbackWithoutAStore(t *testing.T) {
	g, source, w := watched(t, probation.Options{MaxErrors: 3})
	bad := g.commit("shelf", 1)
	g.store.Active("shelf", bad, "test")
	g.serves("shelf", bad)
	// What the store appends its marks to can no longer be written.
	marks := filepath.Join(g.store.Dir(), "tasks", "shelf", "marks.jsonl")
	if err := errors.Join(os.Rename(marks, marks+".away"), os.Mkdir(marks, 0o700)); err != nil {
		t.Fatal(err)
	}
	g.engine.setBroken(g.base(1).Digest, errors.New("the model failed to run"))
	source.show(t, "red", 4)
	if e := w.next(KindRollback); e.Generation != 1 {
		t.Errorf("%+v", e)
	}
	g.serves("shelf", 1)
	for range 3 { // and the store's word does not bring the bad one back
		g.task("shelf").catchUp(t.Context())
	}
	if a := g.active(); a.Current != bad || g.task("shelf").active.generation() != 1 {
		t.Errorf("%+v; generation %d serves", a, g.task("shelf").active.generation())
	}
	if s := g.task("shelf").Status(); s.Problem == nil || !strings.Contains(s.Problem.Message, "not on record") {
		t.Errorf("%+v", s.Problem)
	}
	g.classify("shelf")
}

func TestTheFirstGenerationHasNoWayBack(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1"})
	g.run()
	g.engine.setBroken(g.base(0).Digest, errors.New("the model failed to run"))
	source.show(t, "red", 4)
	eventually(t, "there is a problem", func() bool {
		p := g.task("shelf").Status().Problem
		return p != nil && p.Generation == 1 && strings.Contains(p.Message, "the model failed to run") && p.Hint != ""
	})
	g.task("shelf").catchUp(t.Context())
	if g.task("shelf").Status().Problem == nil {
		t.Error("the problem is forgotten while it lasts")
	}
	g.engine.setBroken(g.base(0).Digest, nil)
	source.show(t, "red", 4)
	g.classify("shelf") // it goes on serving as well as it can
}

func TestTheShadow(t *testing.T) {
	g, source, w := watched(t, probation.Options{Frames: 50, CollapseFrames: 40})
	task := g.task("shelf")
	same, worse, other := g.commit("shelf", 0), g.store.Commit("shelf", g.base(0), constantHead(0), rgbLabels, nil), g.commit("shelf", 1)
	if err := task.SetShadow(t.Context(), 1); err == nil {
		t.Error("the active generation runs in its own shadow")
	}
	embeds := g.engine.embeds.Load()
	if err := task.SetShadow(t.Context(), same); err != nil {
		t.Fatal(err)
	}
	showAll(t, source, 6)
	if e := w.next(KindShadow); e.Generation != same || !strings.Contains(e.Message, "runs beside") {
		t.Errorf("%+v", e)
	}
	if e := w.next(KindShadow); e.Generation != same || !strings.Contains(e.Message, "may be activated") {
		t.Errorf("%+v", e)
	}
	frames := task.Status().Counts.Frames
	if n := g.engine.embeds.Load() - embeds; n > int64(frames)+1 {
		t.Errorf("%d forwards for %d frames: the shadow costs some", n, frames)
	}
	if s := task.Status().Shadow; s == nil || s.Generation != same || s.Beside == nil || s.Beside.Agreement != 1 || s.Frames < 50 {
		t.Errorf("%+v", s)
	}
	if err := task.SetShadow(t.Context(), worse); err != nil {
		t.Fatal(err)
	}
	showAll(t, source, 30)
	w.next(KindShadow)
	if e := w.next(KindShadow); e.Generation != worse || !strings.Contains(e.Message, "must not be activated") {
		t.Errorf("%+v", e)
	}
	if s := task.Status().Shadow; s.Beside.Agreement > 0.5 || s.Verdict.Decision != probation.RollBack {
		t.Errorf("%+v", s)
	}
	if err := task.SetShadow(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	showAll(t, source, 2)
	eventually(t, "the shadow on another base is asked", func() bool {
		s := task.Status().Shadow
		return s.Generation == other && s.Frames >= 20 && s.Beside.Agreement == 1
	})
	if n := g.active().Current; n != 1 {
		t.Errorf("generation %d is active: a shadow decides nothing", n)
	}
	if err := task.SetShadow(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if s := task.Status().Shadow; s != nil {
		t.Errorf("%+v", s)
	}
	g.pools.wait()
	if n := g.engine.open.Load(); n != 2 {
		t.Errorf("%d interpreters, want 2: the shadow's base is still open", n)
	}
}

func TestNewGenerationsRunInTheShadowFirst(t *testing.T) {
	cameras := newFakeCameras()
	cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1", Shadow: true})
	g.run()
	n := g.commit("shelf", 0)
	if e := w.next(KindShadow); e.Generation != n {
		t.Errorf("%+v", e)
	}
	if err := g.task("shelf").Activate(t.Context(), n, "convinced"); err != nil {
		t.Fatal(err)
	}
	if s := g.task("shelf").Status(); s.Shadow != nil || s.Model.Generation != n {
		t.Errorf("%+v", s)
	}
	if err := g.task("shelf").Rollback(t.Context(), "not so good"); err != nil {
		t.Fatal(err)
	}
	g.task("shelf").catchUp(t.Context())
	if s := g.task("shelf").Status(); s.Shadow != nil || s.Model.Generation != 1 {
		t.Errorf("what was rolled back from is back in the shadow: %+v", s.Shadow)
	}
}

func TestTheShadowStaysWhenAnotherOneIsActivated(t *testing.T) {
	g, source, _ := watched(t, probation.Options{})
	task := g.task("shelf")
	shadow, next := g.commit("shelf", 0), g.commit("shelf", 0)
	if err := errors.Join(task.SetShadow(t.Context(), shadow), task.Activate(t.Context(), next, "test")); err != nil {
		t.Fatal(err)
	}
	showAll(t, source, 2)
	eventually(t, "the shadow is compared with the new one", func() bool {
		s := task.Status().Shadow
		return s != nil && s.Generation == shadow && s.Beside != nil && s.Beside.Generation == next && s.Beside.Frames > 10
	})
}

func TestCallersImagesCountForTheProbation(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "api", Probation: probation.Options{Frames: 30}})
	g.run()
	w := g.watch()
	for range 10 {
		g.classify("api")
	}
	if e := w.next(KindGood); e.Generation != 1 {
		t.Errorf("%+v", e)
	}
}
