package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/metrics"
)

// Options says what a Runtime works with.
type Options struct {
	// Store is where generations come from. It must be given.
	Store *models.Store
	// Engine opens bases. It must be given.
	Engine Engine
	// Log gets what an operator wants to read. Zero: nothing is logged.
	Log *slog.Logger
	// Metrics is where measurements go. Zero: a registry of its own.
	Metrics *metrics.Metrics
	// Workers is how many interpreters each base gets, and so how many images
	// are classified at once. Zero: one for each processor the program may use.
	Workers int
	// Poll is how often the store is looked at besides being told of changes.
	// Zero: 2 s.
	Poll time.Duration
	// OpenSource opens the source that a URI names. Zero: there are no cameras.
	OpenSource func(ctx context.Context, uri string) (camera.Source, error)
	// Adapt trains a task's head on its samples and commits a generation to the
	// store. It is called for one task at a time. Zero: nothing adapts.
	Adapt func(ctx context.Context, r AdaptRequest) error
}

// AdaptRequest is what Options.Adapt is asked to do.
type AdaptRequest struct {
	Task, Samples string
	// Activate says whether the new generation is to become the active one. It
	// is false for tasks whose new generations run in the shadow first.
	Activate bool
	// Progress may be called from any goroutine. total is 0 if it is not known.
	Progress func(stage string, done, total int)
}
