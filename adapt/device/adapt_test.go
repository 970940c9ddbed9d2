package device_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
)

// TestAdapt goes from a folder to a generation, and asks that generation for the
// samples that it was not trained on.
func TestAdapt(t *testing.T) {
	c := configured(t)
	stages := map[adapt.Stage]int{}
	c.Progress = func(p adapt.Progress) { stages[p.Stage]++ }
	c.Warn = func(err error) { t.Errorf("a warning: %v", err) }
	run, err := device.Adapt(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if run.Generation != 1 || run.Task != "bench" || run.Version != "test" || run.Base.Digest != c.Base.Source.Digest {
		t.Errorf("%+v", run)
	}
	if n := used * len(classes); stages[adapt.StageFeatures] != n || stages[adapt.StageTrain] == 0 {
		t.Errorf("progress of %d images and %d epochs", stages[adapt.StageFeatures], stages[adapt.StageTrain])
	}
	g, err := c.Store.Current(c.Task)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{models.HeadName, calibrate.FileName, device.ReceiptName, device.ReportName} {
		if info, err := os.Stat(g.Path(name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	receipt, err := os.ReadFile(g.Path(device.ReceiptName))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(receipt), "\n"); lines != used*len(classes)+1 {
		t.Errorf("the receipt has %d lines:\n%s", lines, receipt)
	}
	if run.Report != g.Path(device.ReportName) || run.Path != filepath.Dir(run.Report) {
		t.Errorf("report %s in %s", run.Report, run.Path)
	}
	right, asked := classify(t, c.Store, c.Task, 1)
	if asked < 60 || right < asked*9/10 {
		t.Errorf("%d of %d images are right", right, asked)
	}
}

// classify has a runtime say what the samples show that photos left out.
func classify(t *testing.T, store *models.Store, task string, generation int) (right, asked int) {
	t.Helper()
	r, err := runtime.New(runtime.Options{Store: store, Engine: newEngine(t), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.SetTasks(t.Context(), []runtime.TaskConfig{{Name: task}}); err != nil {
		t.Fatal(err)
	}
	of, err := r.Task(task)
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range classes {
		files, err := filepath.Glob(filepath.Join("..", "..", "samples", class, "*.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files[used:] {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := pixel.Decode(data, pixel.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			a, err := of.Classify(t.Context(), picture)
			if err != nil {
				t.Fatal(err)
			}
			if a.Generation != generation {
				t.Fatalf("generation %d answers", a.Generation)
			}
			asked++
			if a.Label == class {
				right++
			}
		}
	}
	return right, asked
}

// TestAdaptAgain keeps a second generation, and leaves the first in use if told
// so. With the same images and seed the head is the same.
func TestAdaptAgain(t *testing.T) {
	c := configured(t)
	var heads []string
	for _, noActivate := range []bool{false, true, false} {
		c.NoActivate = noActivate
		run, err := device.Adapt(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		active, err := c.Store.Active(c.Task)
		if err != nil {
			t.Fatal(err)
		}
		if noActivate == (active.Current == run.Generation) {
			t.Errorf("generation %d is in use after %d, NoActivate %t", active.Current, run.Generation, noActivate)
		}
		head, err := os.ReadFile(filepath.Join(run.Path, models.HeadName))
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, string(head))
	}
	if heads[0] != heads[1] || heads[1] != heads[2] {
		t.Error("the same images gave another head")
	}
}

// TestBadFolders adapts to what cannot be adapted to, over a generation in use.
func TestBadFolders(t *testing.T) {
	c := configured(t)
	if _, err := device.Adapt(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	before := tree(t, c.Store.Dir())
	for name, f := range map[string]struct {
		fill func(dir string) error
		want string
	}{
		"missing":    {os.Remove, "no such file"},
		"a file":     {func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o644)) }, "not a"},
		"empty":      {func(string) error { return nil }, "no class folder"},
		"no images":  {func(dir string) error { return write(dir, "notes/a.txt", "notes/b.txt") }, "no class folder"},
		"one class":  {func(dir string) error { return link(dir, "lamp_red") }, "one class only"},
		"no file":    {func(dir string) error { return errors.Join(link(dir, "lamp_red"), os.Mkdir(dir+"/dark", 0o755)) }, "empty class"},
		"unreadable": {func(dir string) error { return write(dir, "on/1.jpg", "on/2.jpg", "off/1.jpg", "off/2.jpg") }, "no image"},
		"half unreadable": {func(dir string) error {
			return errors.Join(link(dir, "lamp_red"), write(dir, "off/1.jpg", "off/2.jpg"))
		}, `"off"`},
		"the same images twice": {func(dir string) error {
			return errors.Join(link(dir, "lamp_red"), os.Symlink(dir+"/lamp_red", dir+"/lamp_green"))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.Dir = filepath.Join(t.TempDir(), "photos")
			if err := errors.Join(os.Mkdir(c.Dir, 0o755), f.fill(c.Dir)); err != nil {
				t.Fatal(err)
			}
			run, err := device.Adapt(t.Context(), c)
			if run != nil || !errors.As(err, &device.InputError{}) || !strings.Contains(err.Error(), f.want) {
				t.Errorf("run %v, error %v; want an InputError with %q", run, err, f.want)
			}
			nextStep(t, err)
			untouched(t, c.Store, before, c.Task, 1)
		})
	}
}

// write writes files that are no images.
func write(dir string, names ...string) error {
	for i, name := range names {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, fmt.Appendf(nil, "nothing to see %d", i), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// link links to the samples of a class.
func link(dir, class string) error {
	samples, err := filepath.Abs(filepath.Join("..", "..", "samples", class))
	if err != nil {
		return err
	}
	return os.Symlink(samples, filepath.Join(dir, class))
}

// TestAdaptCalledOff ends the context before the start, between two images, and
// between two epochs.
func TestAdaptCalledOff(t *testing.T) {
	c := configured(t)
	if _, err := device.Adapt(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	before := tree(t, c.Store.Dir())
	enough := errors.New("enough")
	for _, at := range []struct {
		stage adapt.Stage
		step  int
	}{{"", 0}, {adapt.StageFeatures, 1}, {adapt.StageFeatures, used * len(classes)}, {adapt.StageTrain, 2}} {
		t.Run(fmt.Sprint(at.stage, at.step), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if at.stage == "" {
				cancel(enough)
			}
			c := c
			c.Progress = func(p adapt.Progress) {
				if p.Stage == at.stage && p.Done == at.step {
					cancel(enough)
				}
			}
			run, err := device.Adapt(ctx, c)
			if run != nil || !errors.Is(err, enough) || errors.As(err, &device.InputError{}) {
				t.Errorf("run %v, error %v; want the context's", run, err)
			}
			untouched(t, c.Store, before, c.Task, 1)
		})
	}
}

// TestAdaptNothingWrong fails for reasons that the images are not to blame for.
func TestAdaptNothingWrong(t *testing.T) {
	c := configured(t)
	bad := c
	bad.Task = "../bench"
	if run, err := device.Adapt(t.Context(), bad); run != nil || err == nil || errors.As(err, &device.InputError{}) {
		t.Errorf("a task's bad name: run %v, error %v", run, err)
	}
	bad = c
	bad.Recipe.Epochs = -1
	if run, err := device.Adapt(t.Context(), bad); run != nil || err == nil || errors.As(err, &device.InputError{}) {
		t.Errorf("a bad recipe: run %v, error %v", run, err)
	}
	if _, err := c.Store.Current(c.Task); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("there is a generation: %v", err)
	}
}
