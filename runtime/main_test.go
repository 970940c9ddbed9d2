package runtime_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

// scratch is where examples keep what is theirs.
var scratch struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	tflite.TrialChild()
	code := m.Run()
	if scratch.dir != "" {
		os.RemoveAll(scratch.dir)
	}
	os.Exit(code)
}

// exampleStore returns the folder of a store whose task "lamp" was trained on the
// samples that come with edge.
func exampleStore() string {
	scratch.once.Do(func() {
		var err error
		if scratch.dir, err = os.MkdirTemp("", "edge-example-"); err != nil {
			log.Fatal(err)
		}
		if err := train(context.Background(), scratch.dir); err != nil {
			log.Fatal(err)
		}
	})
	return filepath.Join(scratch.dir, "store")
}

func exampleFolder() string {
	folder, err := filepath.Abs(filepath.Join("..", "samples", "lamp_red"))
	if err != nil {
		log.Fatal(err)
	}
	return folder
}

func train(ctx context.Context, dir string) error {
	store, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	source, err := base.Prepare(ctx, "", filepath.Join(dir, "bases"))
	if err != nil {
		return err
	}
	e, err := engine.New(engine.Options{})
	if err != nil {
		return err
	}
	b, err := device.OpenBase(ctx, e, source, device.Cache{}, func(error) {})
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = device.Adapt(ctx, device.Config{
		Store: store, Task: "lamp", Dir: filepath.Join("..", "samples"), Base: b, Recipe: adapt.DefaultRecipe(), Version: "example",
	})
	return err
}
