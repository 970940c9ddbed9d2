package adapt

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

// resettled is the folder of files, resettled after was, by path.
func resettled(t *testing.T, files map[string]string, was map[string]Split) *Dataset {
	t.Helper()
	d := listed(t, tree(t, files))
	read(t, d)
	by := map[digest.Digest]Split{}
	for path, split := range was {
		by[digest.Of([]byte(files[path]))] = split
	}
	if err := d.Resettle(SplitOptions{Seed: 1}, by); err != nil {
		t.Fatal(err)
	}
	return d
}

// sides are the splits of a dataset's samples, by path.
func sides(d *Dataset) map[string]Split {
	m := map[string]Split{}
	for _, s := range d.Samples {
		m[s.Path] = s.Split
	}
	return m
}

// TestResettleOfNothing: who knows of no other head gets what Settle gives.
func TestResettleOfNothing(t *testing.T) {
	files := many(11, "cat", "dog")
	d := listed(t, tree(t, files))
	read(t, d)
	if err := d.Settle(SplitOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if again := resettled(t, files, nil); !maps.Equal(sides(again), sides(d)) {
		t.Errorf("resettled %v\nsettled %v", sides(again), sides(d))
	}
}

func TestResettleKeepsSides(t *testing.T) {
	files := many(10, "cat", "dog")
	first := sides(resettled(t, files, nil))
	// Twice as many images, and another seed's choice would be another.
	more := many(20, "cat", "dog")
	d := resettled(t, more, first)
	for path, split := range first {
		if got := sides(d)[path]; got != split {
			t.Errorf("%s was in %s and is in %s", path, split, got)
		}
	}
	if n := d.Count(SplitVal); n != 8 {
		t.Errorf("%d of 40 images are held back, want 8", n)
	}
}

// TestResettleNeverMeasuresTraining: what was trained with is trained with, even
// if nothing is left to measure then, or if it lies in a val folder now.
func TestResettleNeverMeasuresTraining(t *testing.T) {
	files := many(5, "cat", "dog")
	was := map[string]Split{}
	for path := range files {
		was[path] = SplitTrain
	}
	if n := resettled(t, files, was).Count(SplitVal); n != 0 {
		t.Errorf("%d images that were trained with are held back", n)
	}
	folders := many(4, "train/cat", "val/cat", "test/cat")
	d := resettled(t, folders, map[string]Split{"val/cat/01.jpg": SplitTrain, "test/cat/02.jpg": SplitTrain, "train/cat/03.jpg": SplitTest})
	got := sides(d)
	if got["val/cat/01.jpg"] != SplitTrain || got["test/cat/02.jpg"] != SplitTrain || got["train/cat/03.jpg"] != SplitTest {
		t.Errorf("%v", got)
	}
}

func TestResettleOfFewImages(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		was    map[string]Split
		labels string
		counts Images
	}{
		{"one image a class", many(1, "cat", "dog"), nil, "[cat dog]", Images{Total: 2, Train: 2}},
		{"one class", many(5, "cat"), nil, "[cat]", Images{Total: 5, Train: 4, Val: 1}},
		{"none left but those held back", many(2, "cat"), map[string]Split{"cat/00.jpg": SplitVal, "cat/01.jpg": SplitVal}, "[cat]", Images{Total: 2, Train: 1, Val: 1}},
		{"one left, held back", many(1, "cat"), map[string]Split{"cat/00.jpg": SplitVal}, "[cat]", Images{Total: 1, Train: 1}},
		{"a class in test alone", with(many(4, "train/cat"), "test/ant/1.jpg", "ant"), nil, "[cat]", Images{Total: 5, Train: 3, Val: 1, Skipped: 1}},
		{"unreadable", map[string]string{"ant/1.jpg": unreadable, "cat/1.jpg": "1", "cat/2.jpg": "2"}, nil, "[cat]", Images{Total: 3, Train: 1, Val: 1, Skipped: 1}},
		{"nothing usable", map[string]string{"ant/1.jpg": unreadable}, nil, "[]", Images{Total: 1, Skipped: 1}},
	} {
		d := resettled(t, c.files, c.was)
		if got := fmt.Sprint(d.Labels); got != c.labels || d.Images() != c.counts {
			t.Errorf("%s: %s, %+v", c.name, got, d.Images())
		}
		for _, s := range d.Samples {
			if s.Label >= len(d.Labels) {
				t.Errorf("%s: %s has label %d", c.name, s.Path, s.Label)
			}
		}
		if err := d.Relabel(append(slices.Clone(d.Labels), "more")); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestResettleRefuses(t *testing.T) {
	d := listed(t, tree(t, many(2, "cat")))
	if err := d.Resettle(SplitOptions{}, nil); err == nil {
		t.Error("nothing was read")
	}
	if err := d.Resettle(SplitOptions{ValFraction: 2}, nil); err == nil {
		t.Error("more than all are held back")
	}
}
