package finetune

import (
	"context"

	"github.com/edge-adapt/edge/adapt/augment"
)

// source fills the frontier of a batch, [n, …] a tensor, and its targets,
// [n, classes], for training images of a task, whose numbers are rows.
type source interface {
	fill(b *batch, t *taskData, epoch int, rows []int) error
	close()
}

// openSource prepares where the training pictures of phase 2 come from.
func (r *run) openSource(ctx context.Context) (err error) {
	if !r.Recipe.Fresh() {
		r.source = cached{r.frontiers, r.Recipe.LabelSmoothing}
		return nil
	}
	r.source, err = r.openFresh(ctx)
	return err
}

// cached is the source of pictures that are the same in every epoch.
type cached struct {
	frontiers *frontiers
	smoothing float64
}

func (c cached) fill(b *batch, t *taskData, _ int, rows []int) error {
	classes := len(t.dataset.Labels)
	for i, row := range rows {
		label := t.train.labels[row]
		augment.Targets(b.targets[i*classes:][:classes], label, label, 1, c.smoothing)
	}
	return c.frontiers.read(b.frontier, t.train.of(rows))
}

func (c cached) close() {}
