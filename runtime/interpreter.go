package runtime

import (
	"context"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/internal/hint"
)

// interpreter is a place in a pool: a Base, and memory for one image. It is used
// by whoever took it out of the pool.
type interpreter struct {
	pool *basePool
	base Base // nil: not open, or failed

	pixels        []float32 // [H,W,3]
	features      []float32 // [F], made when first used
	answer, other scoring
}

// open opens the base and runs it once on a grey picture, whose features it
// writes into dst: the first run allocates, finds what the model's file hides, and
// shows whether base, preprocessing and manifest fit together.
func (it *interpreter) open(ctx context.Context, dst []float32) error {
	base, err := it.pool.pools.engine.Open(ctx, it.pool.generation)
	if err != nil {
		return err
	}
	p := it.pool.key.preprocessing
	for i := range it.pixels {
		it.pixels[i] = float32(127.5)*p.Scale + p.Offset
	}
	err = base.Embed(dst, it.pixels)
	if err == nil && !finite(dst) {
		err = hint.Wrap(errNotFinite, "the weights are damaged, or training diverged: activate another generation")
	}
	if err != nil {
		_ = base.Close() // the first error counts
		return fmt.Errorf("try the base on a grey picture of %dx%d pixels, for %d features: %w", p.Width, p.Height, len(dst), err)
	}
	it.base = base
	it.pool.pools.gauge.Inc()
	return nil
}

// embed computes the features of the picture in it.pixels into dst.
func (it *interpreter) embed(dst []float32) error { return it.embedFrom(dst, it.pixels) }

// embedFrom is Base.Embed. A base that fails is closed: what state it is in,
// nobody knows.
func (it *interpreter) embedFrom(dst, pixels []float32) error {
	err := it.base.Embed(dst, pixels)
	if err != nil {
		it.close()
	}
	return err
}

func (it *interpreter) close() {
	if it.base == nil {
		return
	}
	_ = it.base.Close() // nothing can be done about it
	it.base = nil
	it.pool.pools.gauge.Dec()
}

// finite reports whether no value is NaN or infinite.
func finite(values []float32) bool {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
