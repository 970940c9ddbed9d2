package speed

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/camera/pixel"
)

// Base is a base that can be closed.
type Base interface {
	adapt.Base
	io.Closer
}

// Forward is the base's forward alone, from pixels to features, of one picture.
type Forward struct {
	Threads int `json:"threads"`
	Batch   int `json:"batch"` // pictures that go through together
	Timed
}

// Bases says which base Forwards times, and how.
type Bases struct {
	// Open opens the base anew; Forwards closes it.
	Open          func(ctx context.Context, threads int) (Base, error)
	Preprocessing pixel.Preprocessing
	Features      int   // a picture
	Threads       []int // each with every batch
	Batches       []int
}

// Forwards times the base with every number of threads and every batch, in that
// order. All are open at once.
func (b Bases) Forwards(ctx context.Context, e Effort) (_ []Forward, err error) {
	var forwards []Forward
	var turns []Turn
	for _, threads := range b.Threads {
		for _, batch := range b.Batches {
			if batch < 1 {
				return nil, fmt.Errorf("measure speed: a batch of %d pictures", batch)
			}
			base, err := b.Open(ctx, threads)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, base.Close()) }()
			forwards = append(forwards, Forward{Threads: threads, Batch: batch})
			turns = append(turns, b.turn(base, batch))
		}
	}
	timed, err := Alternate(ctx, e, turns)
	if err != nil {
		return nil, fmt.Errorf("the base's forward: %w", err)
	}
	for i := range forwards {
		forwards[i].Timed = timed[i]
	}
	return forwards, nil
}

func (b Bases) turn(base Base, batch int) Turn {
	pixels := make([]float32, batch*b.Preprocessing.Len())
	for i := range pixels { // bytes of all values
		pixels[i] = float32(i*7919%256)*b.Preprocessing.Scale + b.Preprocessing.Offset
	}
	features := make([]float32, batch*b.Features)
	once := func(context.Context) error { return base.Embed(features, pixels) }
	return Turn{Ready: once, Once: once, Units: batch}
}
