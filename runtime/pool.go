package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
)

// poolKey is what generations have in common that share interpreters.
type poolKey struct {
	base          digest.Digest
	preprocessing pixel.Preprocessing
}

func keyOf(g models.Generation) poolKey { return poolKey{g.Base.Digest, g.Preprocessing} }

// pools holds the bases that are open, one basePool each, while anybody uses
// them. Its methods may be called concurrently.
type pools struct {
	engine  Engine
	workers int
	gauge   prometheus.Gauge // open interpreters

	mu      sync.Mutex
	open    map[poolKey]*basePool
	closing sync.WaitGroup
}

func newPools(engine Engine, workers int, gauge prometheus.Gauge) *pools {
	return &pools{engine: engine, workers: workers, gauge: gauge, open: map[poolKey]*basePool{}}
}

// get returns the pool of g's base, opened and warm. Whoever gets it releases it
// once. Two that ask for the same base at the same time wait for one opening.
func (p *pools) get(ctx context.Context, g models.Generation) (*basePool, error) {
	for {
		pool, first := p.claim(g)
		if first {
			return pool, p.openFirst(ctx, pool)
		}
		select {
		case <-pool.opened:
		case <-ctx.Done():
			p.release(pool)
			return nil, context.Cause(ctx)
		}
		if pool.err == nil {
			return pool, nil
		}
		p.release(pool)
		// Another one's patience was at its end, not ours: try ourselves.
		if errors.Is(pool.err, errGaveUp) && ctx.Err() == nil {
			continue
		}
		return nil, pool.err
	}
}

// errGaveUp marks an opening that failed because of the opener's context.
var errGaveUp = errors.New("opening was called off")

// claim returns the pool of g with a reference for the caller; first says that
// it is new and the caller has to open it.
func (p *pools) claim(g models.Generation) (pool *basePool, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(g)
	if pool = p.open[key]; pool == nil {
		first = true
		pool = &basePool{
			pools: p, key: key, generation: g, opened: make(chan struct{}), idle: make(chan *interpreter, p.workers),
			lanes: [2]chan *interpreter{make(chan *interpreter), make(chan *interpreter)},
		}
		p.open[key] = pool
	}
	pool.refs++
	return pool, first
}

func (p *pools) openFirst(ctx context.Context, pool *basePool) error {
	err := pool.fill(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errGaveUp, err)
		}
		pool.err = err
		p.mu.Lock()
		delete(p.open, pool.key) // whoever comes next tries anew
		p.mu.Unlock()
	}
	close(pool.opened)
	if err != nil {
		p.release(pool)
	}
	return err
}

// release gives a reference back. The last one closes the interpreters, which
// are all idle then, in a goroutine of its own: the last user may be in a hurry.
func (p *pools) release(pool *basePool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pool.refs--; pool.refs > 0 {
		return
	}
	if p.open[pool.key] == pool {
		delete(p.open, pool.key)
	}
	p.closing.Go(pool.close)
}

// wait waits until every pool that nobody uses any more is closed.
func (p *pools) wait() { p.closing.Wait() }

// basePool holds the interpreters of one base.
type basePool struct {
	pools      *pools
	key        poolKey
	generation models.Generation // one that names this base
	refs       int               // guarded by pools.mu

	opened chan struct{} // closed when fill has ended
	err    error         // of fill
	sample []float32     // the features of a grey picture

	idle  chan *interpreter    // those that nobody waits for
	lanes [2]chan *interpreter // hand over to those who wait
	last  atomic.Int32         // the lane that was served last
}

// lane is a queue for interpreters. Both are served in turn, so that a camera
// waits for one caller and not for all, and callers are not shut out by cameras.
type lane int

const (
	cameras lane = iota
	callers
)

// fill opens and warms all interpreters, or none.
func (p *basePool) fill(ctx context.Context) error {
	if err := p.generation.Verify(ctx); err != nil {
		return err
	}
	p.sample = make([]float32, p.generation.Features)
	for range cap(p.idle) {
		it := &interpreter{pool: p, pixels: make([]float32, p.key.preprocessing.Len())}
		if err := it.open(ctx, p.sample); err != nil {
			p.close()
			return err
		}
		p.idle <- it
	}
	return nil
}

// close frees the interpreters that are idle.
func (p *basePool) close() {
	for {
		select {
		case it := <-p.idle:
			it.close()
		default:
			return
		}
	}
}

// take waits in a lane for an interpreter, which the caller puts back.
func (p *basePool) take(ctx context.Context, l lane) (*interpreter, error) {
	var it *interpreter
	select {
	case it = <-p.idle:
	default:
		select {
		case it = <-p.idle:
		case it = <-p.lanes[l]:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if it.base == nil { // it failed; its successor is opened by whoever needs it
		if err := it.open(ctx, make([]float32, len(p.sample))); err != nil {
			p.put(it)
			return nil, err
		}
	}
	return it, nil
}

// tryTake returns an idle interpreter that works, or nil.
func (p *basePool) tryTake() *interpreter {
	select {
	case it := <-p.idle:
		if it.base != nil {
			return it
		}
		p.put(it)
	default:
	}
	return nil
}

// put hands an interpreter to who waits, in the other lane than the last time if
// somebody waits there, or keeps it. Who comes to wait meanwhile finds it in idle.
func (p *basePool) put(it *interpreter) {
	last := p.last.Load()
	for _, l := range [2]int32{1 - last, last} {
		select {
		case p.lanes[l] <- it:
			p.last.Store(l)
			return
		default:
		}
	}
	p.idle <- it
}
