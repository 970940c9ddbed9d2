package finetune

import (
	"context"
	"time"

	"github.com/edge-adapt/edge/adapt/head"
)

// feed prepares the batches of an epoch in a goroutine of its own, one or two
// ahead of the training.
type feed struct {
	batches chan *batch
	free    chan *batch
	err     error   // of preparing, valid once batches is closed
	seconds float64 // of preparing, likewise
}

// ahead is how many batches exist at once: one that trains, and those prepared.
const ahead = 3

// feed starts the batches of steps. It ends when they are used up or ctx is
// done. Each batch must be handed back through free.
func (r *run) feed(ctx context.Context, epoch int, steps []step) *feed {
	f := &feed{batches: make(chan *batch, ahead), free: make(chan *batch, ahead)}
	for range ahead {
		f.free <- &batch{}
	}
	masks := head.NewRandom(r.Recipe.Seed, stream(streamDropout, epoch, 0))
	go func() {
		defer close(f.batches)
		for _, s := range steps {
			var b *batch
			select {
			case b = <-f.free:
			case <-ctx.Done():
				return
			}
			start := time.Now()
			r.shape(b, s.task, len(s.rows))
			if r.Recipe.Dropout > 0 && r.Recipe.Hidden > 0 {
				b.keep = grown(b.keep, b.n*r.Recipe.Hidden)
				masks.Dropout(b.keep, r.Recipe.Dropout)
			}
			if f.err = r.source.fill(b, r.data[s.task], epoch, s.rows); f.err != nil {
				return
			}
			f.seconds += time.Since(start).Seconds()
			f.batches <- b // never waits: there are no more than its capacity
		}
	}()
	return f
}

// shape gives a batch memory for n images of a task, targets zero.
func (r *run) shape(b *batch, task, n int) {
	b.task, b.n, b.keep = task, n, b.keep[:0]
	if b.frontier == nil {
		b.frontier = make([][]float32, len(r.frontiers.sizes))
	}
	for i, size := range r.frontiers.sizes {
		b.frontier[i] = grown(b.frontier[i], n*size)
	}
	b.targets = grown(b.targets, n*len(r.data[task].dataset.Labels))
	clear(b.targets)
}

func grown(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
