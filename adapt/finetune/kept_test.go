package finetune

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// oneByOne is a base that counts its pictures.
type oneByOne struct {
	adapt.Base
	pictures int
	inside   bool
}

func (c *oneByOne) Embed(dst, pixels []float32) error {
	if c.inside {
		return errors.New("two pictures at once")
	}
	c.inside = true
	defer func() { c.inside = false }()
	c.pictures++
	return c.Base.Embed(dst, pixels)
}

// checkReplay measures with and without the kept pictures, of which some are
// missing: the measures are the same, and every picture went through the base.
func checkReplay(t *testing.T, tuned *Tuned, e adapt.Extractor, want *adapt.Result) {
	t.Helper()
	images := len(tuned.Tasks[0].Before.Dataset.Samples)
	if n := len(tuned.kept.index); n != images {
		t.Errorf("%d of %d pictures are kept", n, images)
	}
	dropped := 0
	for image := range tuned.kept.index {
		if dropped++; dropped <= 7 {
			delete(tuned.kept.index, image)
		}
	}
	for _, state := range []string{"some kept", "none kept"} {
		counted := &oneByOne{Base: e.Base}
		through := e
		through.Base = counted
		r, err := tuned.Measure(t.Context(), 0, through, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		if !reflect.DeepEqual(r.Val, want.Val) || !reflect.DeepEqual(r.Train, want.Train) {
			t.Errorf("%s: measured %+v, want %+v", state, r.Val, want.Val)
		}
		if counted.pictures != images || r.Features.Computed != images || r.Features.Hits != 0 {
			t.Errorf("%s: %d of %d pictures went through the base, it says %+v", state, counted.pictures, images, r.Features)
		}
		tuned.Close()
	}
}

// TestMeasureNoticesChange changes an image between training and measuring: that
// its picture is kept does not hide it.
func TestMeasureNoticesChange(t *testing.T) {
	c := small(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(c.Tasks[0].Dir)); err != nil {
		t.Skip(err) // links
	}
	c.Tasks[0].Dir = dir
	tuned, err := runWith(t.Context(), c, newHeadTop)
	if err != nil {
		t.Fatal(err)
	}
	defer tuned.Close()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(paths[0])
	if err := os.WriteFile(paths[0], append(data, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tuned.Measure(context.Background(), 0, c.Base.Extractor, nil, nil); err == nil {
		t.Error("another image was measured, or the old picture in its place")
	}
}

func TestKept(t *testing.T) {
	p := pixel.Preprocessing{Width: 2, Height: 1}
	of := func(v float32) []float32 { return []float32{v, v, v, v, v, v} }
	name := func(s string) digest.Digest { return digest.Of([]byte(s)) }
	k := newKept(t.TempDir(), p)
	k.limit = 2
	k.add(name("a"), of(1))
	k.add(name("a"), of(9)) // is there
	k.add(name("b"), of(2))
	k.add(name("c"), of(3)) // too many
	for image, want := range map[string]float32{"a": 1, "b": 2, "c": 0} {
		if ok := k.read(name(image)); ok != (want > 0) || ok && k.row[5] != want {
			t.Errorf("%s: %v, %v", image, ok, k.row)
		}
	}
	k.close()
	k.add(name("d"), of(4))
	if k.read(name("a")) || k.read(name("d")) {
		t.Error("something is kept behind the end")
	}
	k.close()
	nowhere := newKept(filepath.Join(t.TempDir(), "nowhere"), p)
	nowhere.add(name("a"), of(1))
	if nowhere.read(name("a")) {
		t.Error("kept without a disk")
	}
	nowhere.close()
}
