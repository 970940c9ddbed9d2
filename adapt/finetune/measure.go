package finetune

import (
	"context"
	"fmt"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/hint"
)

// Measure measures the trained head of a task over a base that is opened from
// its file, on the same images as before: what anyone who runs the two files
// will find. The history is that of the whole run.
//
// e runs the new base; progress may be nil.
func (t *Tuned) Measure(ctx context.Context, task int, e adapt.Extractor, progress func(done, total int), warn func(error)) (*adapt.Result, error) {
	defer sparing()()
	of := t.Tasks[task]
	d := copied(of.Before.Dataset)
	e, replayed := t.kept.replay(e)
	f, err := e.Extract(ctx, d, progress, warn)
	if err != nil {
		return nil, err
	}
	f.Hits, f.Computed = f.Hits-replayed.count, f.Computed+replayed.count
	for _, s := range of.Before.Dataset.Samples {
		if f.Row(s.Digest) == nil {
			return nil, hint.Wrap(fmt.Errorf("%s: %s has changed while the training ran", d.Dir, s.Path),
				"put it back and go on with --resume, or begin anew with another --out")
		}
	}
	var history []adapt.Epoch
	for _, epoch := range t.History {
		if epoch.Tasks != nil {
			history = append(history, epoch.Tasks[task])
		} else {
			history = append(history, epoch.Epoch)
		}
	}
	return measured(of.Before.Dataset, f, of.Head, history, t.Best), nil
}
