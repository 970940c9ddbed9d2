package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// Callers never see a failure, nor one generation's head on another one's base,
// while generations come and go.
func TestSwapsUnderLoad(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	numbers := []int{1}
	for i := range 8 { // two in a row share a base
		numbers = append(numbers, g.commit("shelf", (i/2+1)%4))
	}
	task := g.task("shelf")
	var done atomic.Bool
	var asked atomic.Int64
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			label := rgbLabels[i%3]
			img := picture(label)
			pixels, scores := make([]float32, 2*8*8*3), make([]float32, 2*3)
			for !done.Load() {
				a, err := task.Classify(context.Background(), img)
				if err != nil || a.Label != label || a.Score < 0.999 {
					t.Errorf("%+v, %v", a, err)
					return
				}
				m, err := task.Model()
				if err != nil || m.Preprocessing.Apply(pixels[:len(pixels)/2], img) != nil {
					t.Error(err)
					return
				}
				copy(pixels[len(pixels)/2:], pixels)
				if _, err := task.ClassifyPixels(context.Background(), scores, pixels, 2); err != nil || scores[i%3] < 0.999 || scores[3+i%3] < 0.999 {
					t.Error(scores, err)
					return
				}
				asked.Add(2)
			}
		})
	}
	swaps := 0
	for round := 0; round < 40 || asked.Load() < 200; round++ {
		n := numbers[round*5%len(numbers)]
		if err := task.Activate(t.Context(), n, "test"); err != nil {
			t.Fatal(err)
		}
		swaps++
	}
	done.Store(true)
	callers.Wait()
	if s := task.Status(); s.Counts.ImagesFailed != 0 {
		t.Errorf("%d of %d images failed", s.Counts.ImagesFailed, s.Counts.Images)
	}
	g.classify("shelf")
	g.pools.wait()
	if n := g.engine.open.Load(); n != 2 {
		t.Errorf("%d interpreters are open after %d swaps, want 2", n, swaps)
	}
}

func TestHeadSwapsOpenNoInterpreter(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	n := g.commit("shelf", 0)
	opened, embeds := g.engine.opened.Load(), g.engine.embeds.Load()
	for i := range 20 {
		if err := g.task("shelf").Activate(t.Context(), []int{n, 1}[i%2], "test"); err != nil {
			t.Fatal(err)
		}
	}
	if g.engine.opened.Load() != opened || g.engine.embeds.Load() != embeds {
		t.Errorf("%d interpreters were opened, %d forwards made", g.engine.opened.Load()-opened, g.engine.embeds.Load()-embeds)
	}
}

func TestTasksShareABase(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"}, TaskConfig{Name: "door"})
	if n := g.engine.open.Load(); n != 2 {
		t.Errorf("%d interpreters for two tasks on one base, want 2", n)
	}
	g.set(TaskConfig{Name: "door"})
	g.classify("door")
	if n := g.engine.open.Load(); n != 2 {
		t.Errorf("%d interpreters are left of a base in use, want 2", n)
	}
	g.set()
	eventually(t, "the base is closed", func() bool { return g.engine.open.Load() == 0 })
}

// What is in flight finishes on the generation that it began with, and that
// one's base stays until then.
func TestWhatIsInFlightFinishesOnTheOldGeneration(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	n := g.commit("shelf", 1)
	task := g.task("shelf")
	s, err := task.serving()
	if err != nil {
		t.Fatal(err)
	}
	it, err := s.pool.take(t.Context(), callers)
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Activate(t.Context(), n, "test"); err != nil {
		t.Fatal(err)
	}
	g.classify("shelf")
	g.pools.wait()
	if n := g.engine.open.Load(); n != 4 {
		t.Errorf("%d interpreters, want 2 of each base", n)
	}
	if err := it.embed(make([]float32, 3)); err != nil {
		t.Error(err)
	}
	s.pool.put(it)
	s.release()
	g.pools.wait()
	if n := g.engine.open.Load(); n != 2 {
		t.Errorf("%d interpreters, want 2 of the new base", n)
	}
}

func TestARefusedGenerationChangesNothing(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	task, w := g.task("shelf"), g.watch()
	bad := g.commit("shelf", 1)
	why := hint.Wrap(errors.New("it crashes"), "do not use it")
	g.engine.setRefuse(g.base(1).Digest, why)
	mismatched := g.store.Commit("shelf", g.base(0), rgbHead(0), []string{"red", "green"}, nil)
	damaged := g.commit("shelf", 0)
	path := filepath.Join(g.store.Dir(), "tasks", "shelf", "generations", "4", models.HeadName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{bad: "crashes", mismatched: "fit together", damaged: "damaged", 77: "not in the store"} {
		err := task.Activate(t.Context(), n, "test")
		if err == nil || !strings.Contains(err.Error(), want) || n != damaged && hint.Of(err) == "" {
			t.Errorf("generation %d: %v, want %q and a hint", n, err, want)
		}
		if e := w.next(KindRefused); e.Generation != n || !strings.Contains(e.Message, want) {
			t.Errorf("%+v", e)
		}
		if s := task.Status(); !s.Serving || s.Model.Generation != 1 || s.Problem == nil || s.Problem.Generation != n {
			t.Errorf("generation %d: %+v", n, s)
		}
		if a, err := g.store.Store.Active("shelf"); err != nil || a.Current != 1 {
			t.Errorf("active: %+v, %v", a, err)
		}
	}
	g.classify("shelf")
	if err := task.Activate(t.Context(), g.commit("shelf", 0), "test"); err != nil {
		t.Fatal(err)
	}
	if s := task.Status(); s.Problem != nil {
		t.Errorf("the problem outlives its end: %+v", s.Problem)
	}
}

func TestABrokenInterpreterIsReplaced(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	broken := errors.New("broken")
	g.engine.setBroken(g.base(0).Digest, broken)
	for range 2 {
		if _, err := g.task("shelf").Classify(t.Context(), picture("red")); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
	if n := g.engine.open.Load(); n != 0 {
		t.Errorf("%d broken interpreters are kept", n)
	}
	g.engine.setRefuse(g.base(0).Digest, broken)
	if _, err := g.task("shelf").Classify(t.Context(), picture("red")); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	g.engine.setRefuse(g.base(0).Digest, nil)
	g.engine.setBroken(g.base(0).Digest, nil)
	for range 2 {
		g.classify("shelf")
	}
}

func TestRollback(t *testing.T) {
	g := newRig(t)
	g.serve(TaskConfig{Name: "shelf"})
	task, w := g.task("shelf"), g.watch()
	if err := task.Rollback(t.Context(), "no"); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("back from the first generation: %v", err)
	}
	if err := task.MarkGood(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := w.next(KindGood); e.Generation != 1 {
		t.Errorf("%+v", e)
	}
	for range 2 {
		if err := task.Activate(t.Context(), g.commit("shelf", 1), "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := task.Rollback(t.Context(), "said so"); err != nil {
		t.Fatal(err)
	}
	if e := w.next(KindRollback); e.Generation != 1 || e.Message != "from generation 3: said so" {
		t.Errorf("%+v", e)
	}
	a, err := g.store.Store.Active("shelf")
	if err != nil || a.Current != 1 || task.active.generation() != 1 {
		t.Errorf("%+v, %v; generation %d serves", a, err, task.active.generation())
	}
	g.classify("shelf")
}

func TestOneOpeningForManyTasks(t *testing.T) {
	g := newRig(t)
	n := g.commit("shelf", 1)
	generation, err := g.store.Generation("shelf", n)
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	g.engine.setWait(hold)
	impatient, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	open := func(ctx context.Context) {
		pool, err := g.pools.get(ctx, generation)
		if err == nil {
			g.pools.release(pool)
		} else if ctx.Err() == nil {
			t.Error(err)
		}
	}
	for range 4 {
		all.Go(func() { open(t.Context()) })
	}
	all.Go(func() { open(impatient) })
	eventually(t, "somebody opens", func() bool { return g.engine.opened.Load() > 0 })
	cancel()
	close(hold)
	all.Wait()
	g.pools.wait()
	if n := g.engine.open.Load(); n != 0 {
		t.Errorf("%d interpreters are left", n)
	}
}

// A camera waits for one caller and not for all of them, and the other way round.
func TestLanesTakeTurns(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Workers = 1 })
	g.serve(TaskConfig{Name: "shelf"})
	pool := g.task("shelf").active.served.Load().pool
	it, err := pool.take(t.Context(), callers)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []lane
	var all sync.WaitGroup
	for _, l := range []lane{callers, cameras} {
		for range 6 {
			all.Go(func() {
				it, err := pool.take(t.Context(), l)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, l)
				mu.Unlock()
				pool.put(it)
			})
		}
	}
	// Nothing says that somebody waits but the stack.
	eventually(t, "all of them wait", func() bool {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:goruntime.Stack(stacks, true)]), "(*basePool).take(") == 12
	})
	pool.put(it)
	all.Wait()
	for i := 1; i < len(order); i++ {
		if order[i] == order[i-1] {
			t.Fatalf("not in turn: %v", order)
		}
	}
}
