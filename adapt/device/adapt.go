package device

import (
	"context"
	"encoding/json"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/models"
)

// Config says what Adapt adapts, and how.
type Config struct {
	Store *models.Store
	Task  string
	Dir   string // of labelled images, a folder a class
	// Base gives the features. The caller closes it.
	Base   *Base
	Recipe adapt.TrainConfig // adapt.DefaultRecipe() is a good one
	Split  adapt.SplitOptions
	// NoActivate keeps the new generation without putting it in use.
	NoActivate bool
	Version    string // of the program, for the manifest

	// Progress is told how far a stage is, from the calling goroutine; nil means
	// nobody asks.
	Progress func(adapt.Progress)
	// Warn is told what went wrong without ending the run; nil means nobody asks.
	Warn func(error)
}

// Adapt trains a head on a folder of images and makes it the task's next
// generation, in use from then on. Until it returns the generation before is in
// use, and after an error still.
//
// What the images or the folder are to blame for is an InputError; other errors
// are those of the recipe, of the store, and the context's.
func Adapt(ctx context.Context, c Config) (*report.Run, error) {
	if err := c.Recipe.Validate(); err != nil {
		return nil, err
	}
	// Begun before the work, so that a store that cannot be written to shows now.
	draft, err := c.Store.Begin(c.Task)
	if err != nil {
		return nil, err
	}
	defer draft.Discard()
	if c.Warn == nil {
		c.Warn = func(error) {}
	}
	result, err := adapt.Run(ctx, adapt.Config{
		Dir: c.Dir, Extractor: c.Base.Extractor(), Split: c.Split, Recipe: c.Recipe, Progress: c.Progress, Warn: c.Warn,
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, InputOr(err)
	}
	if err := c.Base.CloseCache(); err != nil {
		c.Warn(err)
	}
	run := Describe(c.Task, c.Base, result, c.Version)
	if run.Recipe, err = json.Marshal(c.Recipe); err != nil {
		return nil, err
	}
	return run, Keep(ctx, Keeping{
		Store: c.Store, Draft: draft, Dir: c.Dir, Base: c.Base, Result: result, Run: run, NoActivate: c.NoActivate,
	})
}

// Describe puts what a run did into the form in which it is shown; the recipe
// and what Keep fills in are left out.
func Describe(task string, b *Base, r *adapt.Result, version string) *report.Run {
	run := report.NewRun(r)
	run.Task = task
	run.Base = report.Base{Name: b.Source.Name, Digest: b.Source.Digest}
	run.PeakRSSMiB = PeakRSS()
	run.Created = time.Now().UTC().Truncate(time.Second)
	run.Version = version
	if w := b.Warning(); w != "" {
		run.Warnings = append(run.Warnings, w)
	}
	return run
}
