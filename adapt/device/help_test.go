package device_test

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

func TestMain(m *testing.M) {
	tflite.TrialChild()
	os.Exit(m.Run())
}

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	under := tflite.TrialOptions{Launcher: strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER"))} // an emulator
	e, err := engine.New(engine.Options{Trial: func(ctx context.Context, path string) error { return tflite.Trial(ctx, path, under) }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// embedded prepares the base that edge brings along.
func embedded(t *testing.T) base.Source {
	t.Helper()
	source, err := base.Prepare(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// openEmbedded opens it, without a cache, until the test ends.
func openEmbedded(t *testing.T) *device.Base {
	t.Helper()
	b, err := device.OpenBase(t.Context(), newEngine(t), embedded(t), device.Cache{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

var classes = []string{"lamp_green", "lamp_red", "valve_open"}

// used is how many samples of each class photos has; the others are for asking.
const used = 10

// photos returns a folder of samples of classes.
func photos(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	samplelinks.Make(t, dir, used, classes...)
	return dir
}

// configured is an adaptation of a new store's task "bench", with nothing odd
// about it.
func configured(t *testing.T) device.Config {
	t.Helper()
	store, err := models.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	recipe := adapt.DefaultRecipe()
	recipe.Epochs = 20
	return device.Config{Store: store, Task: "bench", Dir: photos(t), Base: openEmbedded(t), Recipe: recipe, Version: "test"}
}

// tree is every file and folder below dir, with what is in it.
func tree(t *testing.T, dir string) map[string]digest.Digest {
	t.Helper()
	all := map[string]digest.Digest{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			all[path] = ""
			return err
		}
		all[path], _, err = digest.OfFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// untouched compares a store with what it was, and asks for its active generation.
func untouched(t *testing.T, store *models.Store, before map[string]digest.Digest, task string, active int) {
	t.Helper()
	if after := tree(t, store.Dir()); !maps.Equal(before, after) {
		t.Errorf("the store was\n%v\nand is\n%v", before, after)
	}
	if a, err := store.Active(task); err != nil || a.Current != active {
		t.Errorf("generation %d is in use, %v; want %d", a.Current, err, active)
	}
}

// nextStep fails the test unless err carries one.
func nextStep(t *testing.T, err error) {
	t.Helper()
	if hint.Of(err) == "" {
		t.Errorf("no next step: %v", err)
	}
}
