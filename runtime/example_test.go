package runtime_test

import (
	"context"
	"fmt"
	"log"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

// A program that watches a folder of pictures and says what they show. The
// store holds what `edge adapt --task lamp --dir ./samples` has trained.
func Example() {
	tflite.TrialChild() // the first call of main: unknown bases are tried in a child of this program
	if err := watch(context.Background(), exampleStore(), "file://"+exampleFolder()); err != nil {
		log.Fatal(err)
	}
	// Output: lamp_red
}

func watch(ctx context.Context, dir, source string) error {
	store, err := models.Open(dir)
	if err != nil {
		return err
	}
	bases, err := engine.New(engine.Options{})
	if err != nil {
		return err
	}
	cameras := func(ctx context.Context, uri string) (camera.Source, error) {
		return open.Open(ctx, uri, open.Options{})
	}
	rt, err := runtime.New(runtime.Options{Store: store, Engine: bases, OpenSource: cameras})
	if err != nil {
		return err
	}
	defer rt.Close() // ends Run too
	events := rt.Events().Subscribe(16)
	if err := rt.SetTasks(ctx, []runtime.TaskConfig{{Name: "lamp", Source: source}}); err != nil {
		return err
	}
	go rt.Run(ctx)
	for e := range events.C {
		if e.Kind == runtime.KindChange {
			fmt.Println(e.Label)
			return nil
		}
	}
	return rt.Ready()
}
