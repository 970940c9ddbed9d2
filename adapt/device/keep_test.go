package device_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/models"
)

// trained returns everything that Keep needs, for a store whose task has a
// generation in use, and a way to have it once more.
func trained(t *testing.T) (device.Config, func() device.Keeping) {
	t.Helper()
	c := configured(t)
	if _, err := device.Adapt(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	result, err := adapt.Run(t.Context(), adapt.Config{Dir: c.Dir, Extractor: c.Base.Extractor(), Recipe: c.Recipe})
	if err != nil {
		t.Fatal(err)
	}
	return c, func() device.Keeping {
		draft, err := c.Store.Begin(c.Task)
		if err != nil {
			t.Fatal(err)
		}
		r, b := *result, *c.Base
		return device.Keeping{
			Store: c.Store, Draft: draft, Dir: c.Dir, Base: &b, Result: &r, Run: device.Describe(c.Task, &b, &r, "test"),
		}
	}
}

// TestKeep keeps a generation of the task that the draft is of.
func TestKeep(t *testing.T) {
	c, next := trained(t)
	k := next()
	if err := k.Draft.Discard(); err != nil {
		t.Fatal(err)
	}
	var err error
	if k.Draft, err = c.Store.Begin("another"); err != nil {
		t.Fatal(err)
	}
	if err := device.Keep(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	for task, want := range map[string]int{"bench": 1, "another": 1} {
		if all, err := c.Store.Generations(task); err != nil || len(all) != want {
			t.Errorf("%d generations of %s, %v", len(all), task, err)
		}
		if a, err := c.Store.Active(task); err != nil || a.Current != 1 {
			t.Errorf("%s: generation %d, %v", task, a.Current, err)
		}
	}
	if k.Run.Generation != 1 || k.Run.Calibration == nil {
		t.Errorf("%+v", k.Run)
	}
}

// TestKeepExemplars: features of training images alone, or none with a word.
func TestKeepExemplars(t *testing.T) {
	c, next := trained(t)
	k := next()
	k.Exemplars = true
	must(t, device.Keep(t.Context(), k))
	g, err := c.Store.Generation(c.Task, k.Run.Generation)
	must(t, err)
	must(t, g.Verify(t.Context()))
	data, err := os.ReadFile(g.Path(rebase.ExemplarsName))
	must(t, err)
	e, err := rebase.ParseExemplars(data)
	must(t, err)
	of := func(split adapt.Split) adapt.Set {
		return k.Result.Dataset.Set(k.Result.Features, func(s adapt.Sample) bool { return s.Split == split })
	}
	want, err := rebase.NewExemplars(g.Base.Digest, of(adapt.SplitTrain), len(classes), rebase.DefaultExemplars)
	must(t, err)
	if !reflect.DeepEqual(e, want) || e.Set.Len() == 0 || of(adapt.SplitVal).Len() == 0 {
		t.Errorf("%d exemplars, want %d", e.Set.Len(), want.Set.Len())
	}

	k = next()
	k.Exemplars, k.Learned = true, &device.Learned{Train: of(adapt.SplitTrain), Val: of(adapt.SplitVal)}
	k.Learned.Train.Features = slices.Clone(k.Learned.Train.Features)
	k.Learned.Train.Features[0] = 1e6 // no half holds it
	must(t, device.Keep(t.Context(), k))
	g, err = c.Store.Generation(c.Task, k.Run.Generation)
	must(t, err)
	if _, ok := g.File(rebase.ExemplarsName); ok || !strings.Contains(strings.Join(k.Run.Warnings, "\n"), "no samples of") {
		t.Errorf("exemplars: %v, warnings %q", ok, k.Run.Warnings)
	}
}

// TestKeepRefuses spoils one thing at a time. What was in use stays, and once the
// draft is discarded the store is what it was.
func TestKeepRefuses(t *testing.T) {
	c, next := trained(t)
	before := tree(t, c.Store.Dir())
	other := filepath.Join(t.TempDir(), "other.tflite")
	if err := os.WriteFile(other, []byte("another base"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The store has this base by now, and takes the bytes on trust; one that has not is asked.
	fresh, err := models.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct {
		spoil func(*device.Keeping)
		want  string
	}{
		"a draft that has ended": {func(k *device.Keeping) { k.Draft.Discard() }, "draft has ended"},
		"a base that is gone":    {func(k *device.Keeping) { k.Base.Source.Path = filepath.Join(other, "gone") }, "keep the base"},
		"a base that was replaced": {func(k *device.Keeping) {
			k.Store, k.Base.Source.Path = fresh, other
		}, "keep the base"},
		"a head of another base": {func(k *device.Keeping) { k.Result.Head = head.New(16, 0, len(classes), 1) }, "takes 16 features"},
		"a head of other classes": {func(k *device.Keeping) {
			k.Result.Head = head.New(k.Base.Source.Features, 0, len(classes)+1, 1)
		}, "knows 4 classes"},
		"a bad digest": {func(k *device.Keeping) { k.Base.Source.Digest = "sha256:12" }, "digest"},
		"a label twice": {func(k *device.Keeping) {
			d := *k.Result.Dataset
			d.Labels = []string{"a", "b", "a"}
			k.Result.Dataset = &d
		}, "stands twice"},
		"a preprocessing that is none": {func(k *device.Keeping) { k.Base.Source.Preprocessing.Colour = "infrared" }, "infrared"},
	} {
		t.Run(name, func(t *testing.T) {
			k := next()
			s.spoil(&k)
			err := device.Keep(t.Context(), k)
			if err == nil || !strings.Contains(err.Error(), s.want) {
				t.Errorf("%v; want %q", err, s.want)
			}
			if k.Run.Generation != 0 {
				t.Errorf("it says that it kept generation %d", k.Run.Generation)
			}
			if err := k.Draft.Discard(); err != nil {
				t.Fatal(err)
			}
			untouched(t, c.Store, before, c.Task, 1)
			if blobs, err := filepath.Glob(filepath.Join(fresh.Dir(), "blobs", "sha256", "*")); err != nil || len(blobs) != 0 {
				t.Errorf("the other store has %v, %v", blobs, err)
			}
		})
	}
}

// TestKeepCalledOff commits nothing that could not be put in use.
func TestKeepCalledOff(t *testing.T) {
	c, next := trained(t)
	before := tree(t, c.Store.Dir())
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	k := next()
	if err := device.Keep(ctx, k); !errors.Is(err, enough) {
		t.Errorf("%v; want the context's", err)
	}
	if err := k.Draft.Discard(); err != nil {
		t.Fatal(err)
	}
	untouched(t, c.Store, before, c.Task, 1)
}
