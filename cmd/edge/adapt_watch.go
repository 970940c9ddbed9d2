package main

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/adapt/watch"
)

// adaptWatching adapts now and each time the folder has changed, until ctx ends,
// which is how it is meant to end. A run that fails is told of, and the next
// change tries again.
func (a *app) adaptWatching(ctx context.Context, f *adaptFlags, recipe adapt.TrainConfig) error {
	o := watch.Options{Dir: f.dir, Settle: f.settle, Warn: func(err error) { a.warn("%v", err) }}
	err := watch.Run(ctx, o, func() {
		run, err := a.adaptOnce(ctx, f, recipe)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			a.fail(ctx, err)
		default:
			a.tell(run, f.noActivate)
		}
	})
	if err != nil {
		return device.InputError{Err: err}
	}
	return nil
}

// tell prints a line about a run.
func (a *app) tell(run *report.Run, idle bool) {
	if a.json {
		a.print(run) //nolint:errcheck // there is nobody to tell
		return
	}
	fresh, use := "", ""
	if run.Cache != nil {
		fresh = fmt.Sprintf(" (%d new)", run.Cache.Misses)
	}
	if idle {
		use = ", not in use"
	}
	fmt.Fprintf(a.stdout, "%s  generation %d%s: validation %.1f %% of %d, %d images%s, %.1f s\n",
		time.Now().Format("15:04:05"), run.Generation, use, 100*run.Val.Accuracy, run.Val.Images, run.Images.Total, fresh, run.Seconds.Total)
}
