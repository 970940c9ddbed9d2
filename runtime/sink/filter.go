package sink

import (
	"context"
	"slices"

	"github.com/edge-adapt/edge/runtime"
)

// Filter passes on events of some kinds and tasks.
type Filter struct {
	Sink  runtime.Sink
	Kinds []runtime.Kind // empty: all
	Tasks []string       // empty: all; events of no task always pass
}

// Deliver implements runtime.Sink. An event that does not pass is no error.
func (f *Filter) Deliver(ctx context.Context, e runtime.Event) error {
	if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) ||
		len(f.Tasks) > 0 && e.Task != "" && !slices.Contains(f.Tasks, e.Task) {
		return nil
	}
	return f.Sink.Deliver(ctx, e)
}

// Close closes the sink behind f.
func (f *Filter) Close() error { return f.Sink.Close() }
