package runtime

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime/decide"
)

// frames waits until a task has classified n frames.
func (g *rig) frames(name string, n uint64) {
	g.tb.Helper()
	eventually(g.tb, "the frames are classified", func() bool { return g.task(name).Status().Counts.Frames >= n })
	if got := g.task(name).Status().Counts.Frames; got != n {
		g.tb.Errorf("task %s: %d frames, want %d", name, got, n)
	}
}

func TestEventsOnChangeOnly(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://user:secret@host/1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://user:secret@host/1"})
	g.run()
	source.show(t, "red", 10)
	source.show(t, "green", 2) // too short
	source.show(t, "red", 5)
	source.show(t, "green", 10)
	g.frames("shelf", 27)
	first, second := w.next(KindChange), w.next(KindChange)
	if first.Label != "red" || first.Previous != "" || first.Frame != 3 || first.Name != "red" || first.Task != "shelf" {
		t.Errorf("%+v", first)
	}
	if second.Label != "green" || second.Previous != "red" || second.Frame != 20 || second.Score < 0.999 || second.Generation != 1 || second.LatencyMS <= 0 {
		t.Errorf("%+v", second)
	}
	if first.ID >= second.ID || !first.Time.Before(second.Time) {
		t.Error("not in order")
	}
	for _, e := range []Event{first, second} {
		if strings.Contains(e.Source, "secret") || e.Source == "" {
			t.Errorf("source %q", e.Source)
		}
	}
	s := g.task("shelf").Status()
	if s.Decision == nil || s.Decision.Label != "green" || s.Source.State != camera.Running || s.Source.Frames != 27 || strings.Contains(s.Source.URI, "secret") {
		t.Errorf("%+v, %+v", s.Decision, s.Source)
	}
	if s.Timings.Latency.P50 <= 0 || s.LastEvent == nil || s.LastEvent.ID != second.ID {
		t.Errorf("%+v, %+v", s.Timings, s.LastEvent)
	}
	close(source.frames)
	if e := w.next(KindSourceEnded); e.Task != "shelf" {
		t.Errorf("%+v", e)
	}
}

func TestTasksShareAForward(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	left := Crop{Width: 0.5, Height: 1}
	g.serve(
		TaskConfig{Name: "a", Source: "fake://1"}, TaskConfig{Name: "b", Source: "fake://1"},
		TaskConfig{Name: "c", Source: "fake://1", Crop: left}, TaskConfig{Name: "d", Source: "fake://1", Crop: left},
		TaskConfig{Name: "api"},
	)
	g.run()
	before := g.engine.embeds.Load()
	source.show(t, "red", 10)
	for _, name := range []string{"a", "b", "c", "d"} {
		g.frames(name, 10)
	}
	if n := g.engine.embeds.Load() - before; n != 20 {
		t.Errorf("%d forwards for 10 frames and two crops, want 20", n)
	}
	if n := cameras.count("fake://1"); n != 1 {
		t.Errorf("the source was opened %d times", n)
	}
	// Another base for one of them, and they no longer share.
	if err := g.task("b").Activate(t.Context(), g.commit("b", 1), "test"); err != nil {
		t.Fatal(err)
	}
	before = g.engine.embeds.Load()
	source.show(t, "green", 10)
	for _, name := range []string{"a", "b", "c", "d"} {
		g.frames(name, 20)
		if d := g.task(name).Status().Decision; d == nil || d.Label != "green" {
			t.Errorf("task %s sees %+v", name, d)
		}
	}
	if n := g.engine.embeds.Load() - before; n != 30 {
		t.Errorf("%d forwards, want 30", n)
	}
}

// Two parts of one picture go through the base at the same time.
func TestPartsOfAFrameRunAtTheSameTime(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.serve(
		TaskConfig{Name: "left", Source: "fake://1", Crop: Crop{Width: 0.5, Height: 1}},
		TaskConfig{Name: "right", Source: "fake://1", Crop: Crop{X: 0.5, Width: 0.5, Height: 1}},
	)
	g.run()
	source.show(t, "red", 3)
	g.frames("right", 3)
	g.frames("left", 3)
	hold := make(chan struct{})
	g.engine.setWait(hold)
	source.show(t, "red", 1)
	pool := g.task("left").active.served.Load().pool
	eventually(t, "both interpreters are in use", func() bool { return len(pool.idle) == 0 })
	close(hold)
	g.frames("right", 4)
	g.frames("left", 4)
}

func TestCropsSeeTheirPart(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.serve(
		TaskConfig{Name: "left", Source: "fake://1", Crop: Crop{X: 0, Y: 0, Width: 0.5, Height: 1}},
		TaskConfig{Name: "right", Source: "fake://1", Crop: Crop{X: 0.5, Y: 0, Width: 0.5, Height: 1}},
		TaskConfig{Name: "corner", Source: "fake://1", Crop: Crop{X: 0.75, Y: 0.75, Width: 0.25, Height: 0.25}},
		TaskConfig{Name: "bottom", Source: "fake://1", Crop: Crop{Y: 0.75, Width: 1, Height: 0.25}},
	)
	g.run()
	quarter := func(img *pixel.RGB) { // red left, green right, blue below
		for y := range img.Height {
			for x := range img.Width {
				c := 0
				switch {
				case y >= img.Height*3/4:
					c = 2
				case x >= img.Width/2:
					c = 1
				}
				p := img.Pix[(y*img.Width+x)*3:][:3]
				clear(p)
				p[c] = 255
			}
		}
	}
	for range 4 {
		source.send(t, shown{paint: quarter})
	}
	for name, want := range map[string]string{"left": "red", "right": "green", "corner": "blue", "bottom": "blue"} {
		g.frames(name, 4)
		// Half of the pictures are three quarters one colour: sure enough.
		if d := g.task(name).Status().Decision; d == nil || d.Label != want {
			t.Errorf("task %s sees %+v, want %s", name, d, want)
		}
	}
}

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		name string
		live bool
		want uint64
	}{{"live", true, 10}, {"not live", false, 30}} {
		t.Run(c.name, func(t *testing.T) {
			cameras := newFakeCameras()
			source := cameras.add("fake://1", c.live)
			g := newRig(t, withCameras(cameras))
			g.serve(TaskConfig{Name: "shelf", Source: "fake://1", Interval: 100 * time.Millisecond}, TaskConfig{Name: "all", Source: "fake://1"})
			g.run()
			now := time.Now()
			// 30 frames a second with some jitter, one second.
			for i := range 30 {
				at := now.Add(time.Duration(i)*time.Second/30 + time.Duration(i%3-1)*time.Millisecond)
				source.send(t, shown{label: "red", at: at})
				g.frames("all", uint64(i+1)) // none is dropped on the way
			}
			g.frames("shelf", c.want)
			if s := g.task("shelf").Status().Counts; s.SkippedInterval != 30-c.want {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestMotion(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1", Motion: 0.02, Decide: decide.Options{InARow: 4, Window: 6}})
	g.run()
	source.show(t, "red", 50)
	g.frames("shelf", 1+6) // the first, and what a decision needs
	source.show(t, "green", 50)
	g.frames("shelf", 2*(1+6))
	if e := w.next(KindChange); e.Label != "red" {
		t.Errorf("%+v", e)
	}
	if e := w.next(KindChange); e.Label != "green" || e.Frame != 54 {
		t.Errorf("%+v", e)
	}
	eventually(t, "the rest is skipped", func() bool { return g.task("shelf").Status().Counts.SkippedStill == 100-14 })
}

func TestHeartbeat(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1", Heartbeat: 20 * time.Millisecond})
	g.run()
	if e := w.next(KindHeartbeat); e.Label != "" || e.Message == "" {
		t.Errorf("%+v", e)
	}
	source.show(t, "red", 3)
	w.next(KindChange)
	for range 2 {
		if e := w.next(KindHeartbeat); e.Label != "red" || e.Generation != 1 || e.Score < 0.999 || e.Task != "shelf" {
			t.Errorf("%+v", e)
		}
	}
	// Switched off while it runs.
	g.set(TaskConfig{Name: "shelf", Source: "fake://1"})
	eventually(t, "the heart stops", func() bool {
		before := g.task("shelf").Status().Counts.Events
		time.Sleep(50 * time.Millisecond)
		return g.task("shelf").Status().Counts.Events == before
	})
}

func TestASourceThatIsLostAndComesBack(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1"}, TaskConfig{Name: "door", Source: "fake://1"})
	g.run()
	source.show(t, "red", 5)
	gone := errors.New("unplugged")
	cameras.setFail("fake://1", gone)
	source.send(t, shown{err: gone})
	tasks := map[string]bool{}
	for range 2 {
		e := w.next(KindSourceLost)
		tasks[e.Task] = true
		if !strings.Contains(e.Message, "unplugged") {
			t.Errorf("%+v", e)
		}
	}
	source = cameras.add("fake://1", false)
	cameras.setFail("fake://1", nil)
	for range 2 {
		if e := w.next(KindSourceBack); !strings.Contains(e.Message, "without a frame") {
			t.Errorf("%+v", e)
		}
	}
	if len(tasks) != 2 {
		t.Errorf("lost for %v, want both tasks", tasks)
	}
	source.show(t, "green", 5)
	if e := w.next(KindChange); e.Label != "green" || e.Previous != "red" {
		t.Errorf("%+v", e)
	}
	lost := 0
	for _, e := range w.seen {
		if e.Kind == KindSourceLost {
			lost++
		}
	}
	if lost != 2 {
		t.Errorf("%d source_lost events for two tasks, want one each", lost)
	}
}

func TestASourceThatFailsForGood(t *testing.T) {
	g := newRig(t, withCameras(newFakeCameras()))
	w := g.watch()
	g.serve(TaskConfig{Name: "shelf", Source: "nonsense"})
	g.run()
	if e := w.next(KindSourceLost); !strings.Contains(e.Message, camera.ErrBadURI.Error()) {
		t.Errorf("%+v", e)
	}
	if s := g.task("shelf").Status(); s.Source.State != camera.Failed {
		t.Errorf("%+v", s.Source)
	}
	g.classify("shelf") // callers are served all the same
}

// Pictures that come once wait for a generation that can look at them.
func TestPicturesWaitForAGeneration(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.run()
	g.set(TaskConfig{Name: "shelf", Source: "fake://1"})
	source.show(t, "red", 1)
	time.Sleep(2 * modelWait)
	if s := g.task("shelf").Status(); s.Counts != (Counts{}) || s.Source.Frames != 1 {
		t.Errorf("%+v, %+v", s.Counts, s.Source)
	}
	g.store.Active("shelf", g.commit("shelf", 0), "test")
	source.show(t, "red", 5)
	g.frames("shelf", 6)
}

// While other tasks are added, changed and removed, a task sees every frame of
// the source that they share, in order.
func TestSetTasksLosesNoFrame(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	cameras.add("fake://2", true)
	g := newRig(t, withCameras(cameras))
	stays := TaskConfig{Name: "stays", Source: "fake://1"}
	moves := TaskConfig{Name: "moves", Source: "fake://1"}
	g.serve(stays, moves, TaskConfig{Name: "comes", Source: "fake://1"})
	g.run()
	const frames = 400
	var showing sync.WaitGroup
	showing.Go(func() {
		for i := range frames {
			source.show(t, rgbLabels[i/4%3], 1)
		}
	})
	task := g.task("stays")
	for i := 0; task.Status().Counts.Frames < frames; i++ {
		set := []TaskConfig{stays}
		switch i % 4 {
		case 0:
			set = append(set, moves)
		case 1:
			moved := moves
			moved.Source = "fake://2"
			set = append(set, moved)
		case 2:
			set = append(set, TaskConfig{Name: "comes", Source: "fake://1", Decide: decide.Options{InARow: 1 + i%5}})
		}
		g.set(set...)
		if g.task("stays") != task {
			t.Fatal("an untouched task is another one now")
		}
	}
	showing.Wait()
	g.frames("stays", frames)
	if n := cameras.count("fake://1"); n != 1 {
		t.Errorf("the source was opened %d times", n)
	}
}

func TestARemovedTaskIsSilent(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.serve(TaskConfig{Name: "stays", Source: "fake://1"}, TaskConfig{Name: "goes", Source: "fake://1"})
	g.run()
	source.show(t, "red", 3)
	g.frames("goes", 3)
	gone := g.task("goes")
	g.set(TaskConfig{Name: "stays", Source: "fake://1"})
	before := gone.Status().Counts
	source.show(t, "green", 10)
	g.frames("stays", 13)
	if after := gone.Status().Counts; after != before {
		t.Errorf("a removed task counts on: %+v", after)
	}
	if _, err := gone.Classify(t.Context(), picture("red")); !errors.Is(err, ErrNotServing) {
		t.Errorf("%v", err)
	}
	if err := gone.Activate(t.Context(), 1, "no"); !errors.Is(err, ErrNoTask) {
		t.Errorf("%v", err)
	}
	// The last one takes the source with it.
	g.set()
	select {
	case <-source.closed:
	case <-time.After(20 * time.Second):
		t.Error("the source is still open")
	}
}

func TestSetTasksRefuses(t *testing.T) {
	g := newRig(t, withCameras(newFakeCameras()))
	g.serve(TaskConfig{Name: "shelf"})
	for name, bad := range map[string][]TaskConfig{
		"name":      {{Name: "No Task"}},
		"twice":     {{Name: "a"}, {Name: "a"}},
		"crop":      {{Name: "a", Crop: Crop{X: 0.5, Width: 0.6, Height: 1}}},
		"motion":    {{Name: "a", Motion: 1}},
		"interval":  {{Name: "a", Interval: -1}},
		"heartbeat": {{Name: "a", Heartbeat: -1}},
		"decide":    {{Name: "a", Decide: decide.Options{Share: 2}}},
		"samples":   {{Name: "a", AdaptOnChange: true}},
		"adapt":     {{Name: "a", AdaptOnChange: true, Samples: t.TempDir()}},
	} {
		if err := g.SetTasks(t.Context(), bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	g.classify("shelf") // and nothing has changed
	none := newRig(t)
	if err := none.SetTasks(t.Context(), []TaskConfig{{Name: "a", Source: "fake://1"}}); err == nil {
		t.Error("a source without Options.OpenSource is taken")
	}
}

func TestFramesThatFail(t *testing.T) {
	cameras := newFakeCameras()
	source := cameras.add("fake://1", false)
	g := newRig(t, withCameras(cameras))
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1"})
	g.run()
	source.show(t, "red", 1)
	g.frames("shelf", 1)
	source.send(t, shown{paint: func(img *pixel.RGB) { img.Pix = img.Pix[:5] }}) // a driver that breaks its word
	source.show(t, "red", 2)
	g.frames("shelf", 3)
	if s := g.task("shelf").Status().Counts; s.Failed != 1 {
		t.Errorf("%+v", s)
	}
}

func TestRunCanRunAgain(t *testing.T) {
	cameras := newFakeCameras()
	g := newRig(t, withCameras(cameras))
	g.serve(TaskConfig{Name: "shelf", Source: "fake://1"})
	for i := range uint64(2) {
		source := cameras.add("fake://1", false)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- g.Run(ctx) }()
		source.show(t, "red", 3)
		g.frames("shelf", 3*(i+1))
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if s := g.task("shelf").Status(); s.Source.State != camera.Ended {
		t.Errorf("%+v", s.Source)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := g.SetTasks(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}
