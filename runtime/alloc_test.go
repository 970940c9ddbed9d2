package runtime

import (
	"context"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
)

// handPipeline returns a pipeline for the tasks that a test feeds by hand.
func (g *rig) handPipeline(names ...string) *pipeline {
	g.tb.Helper()
	var views []*view
	for _, name := range names {
		views = append(views, g.task(name).view)
	}
	p := newPipeline(g.Runtime, views[0].config.Source)
	p.setViews(views)
	p.live = true
	return p
}

// A frame costs no memory: not with several tasks and crops, not on probation,
// not with a shadow, and not behind closed gates.
func TestFramesDoNotAllocate(t *testing.T) {
	g := newRig(t, withCameras(newFakeCameras()))
	crop := Crop{X: 0.1, Y: 0.1, Width: 0.7, Height: 0.8}
	g.serve(
		TaskConfig{Name: "a", Source: "fake://1"}, TaskConfig{Name: "b", Source: "fake://1", Crop: crop},
		TaskConfig{Name: "c", Source: "fake://1", Motion: 0.02}, TaskConfig{Name: "d", Source: "fake://1", Interval: time.Hour},
	)
	if err := g.task("a").Activate(t.Context(), g.commit("a", 0), "with the one before beside it"); err != nil {
		t.Fatal(err)
	}
	for task, base := range map[string]int{"a": 0, "b": 1} { // on the same base, on another one
		if err := g.task(task).SetShadow(t.Context(), g.commit(task, base)); err != nil {
			t.Fatal(err)
		}
	}
	p := g.handPipeline("a", "b", "c", "d")
	f := &camera.Frame{Image: *picture("red")}
	work := func() {
		f.Number++
		f.Captured = time.Now()
		p.work(context.Background(), f)
	}
	for range 100 {
		work()
	}
	if n := testing.AllocsPerRun(300, work); n != 0 && !raced {
		t.Errorf("%v allocations a frame", n)
	}
	s := g.task("a").Status()
	if s.Counts.Frames < 400 || s.Probation == nil || s.Probation.Beside == nil || s.Shadow == nil || s.Shadow.Frames < 400 {
		t.Errorf("not what was to be measured: %+v, %+v, %+v", s.Counts, s.Probation, s.Shadow)
	}
	if s := g.task("b").Status(); s.Shadow.Frames < 400 || s.Shadow.Beside.Agreement != 1 {
		t.Errorf("%+v", s.Shadow)
	}
}

func TestCut(t *testing.T) {
	src := pixel.NewRGB(7, 5)
	for i := range src.Pix {
		src.Pix[i] = byte(i)
	}
	var buffer pixel.RGB
	for _, r := range []rect{{0, 0, 7, 5}, {0, 1, 7, 3}, {2, 0, 3, 5}, {6, 4, 1, 1}} {
		got := cut(&buffer, src, r)
		if got.Width != r.width || got.Height != r.height || len(got.Pix) != r.width*r.height*3 {
			t.Fatalf("%+v: %dx%d, %d bytes", r, got.Width, got.Height, len(got.Pix))
		}
		for y := range r.height {
			for x := range r.width * 3 {
				if got.Pix[y*r.width*3+x] != src.Pix[(r.y+y)*21+r.x*3+x] {
					t.Fatalf("%+v: byte %d of row %d is wrong", r, x, y)
				}
			}
		}
	}
}

func TestCropInPixels(t *testing.T) {
	for _, c := range []struct {
		crop          Crop
		width, height int
		want          rect
	}{
		{Crop{}, 640, 480, rect{0, 0, 640, 480}},
		{Crop{0, 0, 1, 1}, 640, 480, rect{0, 0, 640, 480}},
		{Crop{0.25, 0.5, 0.5, 0.5}, 640, 480, rect{160, 240, 320, 240}},
		{Crop{0.999, 0.999, 0.001, 0.001}, 10, 10, rect{9, 9, 1, 1}},
		{Crop{0.3, 0.3, 0.001, 0.001}, 10, 10, rect{3, 3, 1, 1}},
		{Crop{0.7, 0.1, 0.3, 0.9}, 3, 3, rect{2, 0, 1, 3}},
		{Crop{0.5, 0.5, 0.5, 0.5}, 1, 1, rect{0, 0, 1, 1}},
	} {
		if err := c.crop.Validate(); err != nil {
			t.Errorf("%+v: %v", c.crop, err)
		}
		if got := c.crop.of(c.width, c.height); got != c.want {
			t.Errorf("%+v of %dx%d: %+v, want %+v", c.crop, c.width, c.height, got, c.want)
		}
	}
	// Whatever the crop, it stays inside the picture.
	for i := range 50 {
		for j := range 50 - i {
			c := Crop{X: float64(i) / 50, Y: float64(j) / 50, Width: float64(j+1) / 50, Height: float64(i+1) / 50}
			if c.Validate() != nil {
				continue
			}
			for _, n := range []int{1, 2, 3, 7, 13, 640} {
				if r := c.of(n, n); r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.x+r.width > n || r.y+r.height > n {
					t.Fatalf("%+v of %d: %+v", c, n, r)
				}
			}
		}
	}
}
