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

	store, err := models.Open(exampleStore())
	if err != nil {
		log.Fatal(err)
	}
	bases, err := engine.New(engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cameras := func(ctx context.Context, uri string) (camera.Source, error) {
		return open.Open(ctx, uri, open.Options{})
	}
	rt, err := runtime.New(runtime.Options{Store: store, Engine: bases, OpenSource: cameras})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close() // ends Run too

	ctx := context.Background()
	if err := rt.SetTasks(ctx, []runtime.TaskConfig{{Name: "lamp", Source: "file://" + exampleFolder()}}); err != nil {
		log.Fatal(err)
	}
	events := rt.Events().Subscribe(16)
	go rt.Run(ctx) //nolint:errcheck // ended by Close
	for e := range events.C {
		if e.Kind == runtime.KindChange {
			fmt.Println(e.Label)
			break
		}
	}
	// Output: lamp_red
}
