package runtime

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// open makes a generation ready to serve, with the caller as its only user. What
// is read is what the manifest names, to the byte. If the base is open already,
// nothing of it is touched; otherwise it is verified, opened and tried.
func (r *Runtime) open(ctx context.Context, g models.Generation) (*served, error) {
	s, err := r.openGeneration(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("open generation %d: %w", g.Generation, err)
	}
	return s, nil
}

func (r *Runtime) openGeneration(ctx context.Context, g models.Generation) (*served, error) {
	data, err := readVerified(g, models.HeadName)
	if err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, err
	}
	if h.Features != g.Features || h.Classes != len(g.Labels) {
		return nil, hint.Wrap(fmt.Errorf("it does not fit together: the base gives %d features, the head takes %d and knows %d classes of %d labels",
			g.Features, h.Features, h.Classes, len(g.Labels)), "activate another generation, or train a new one: edge adapt")
	}
	c, err := readCalibration(g, h)
	if err != nil {
		return nil, err
	}
	pool, err := r.pools.get(ctx, g)
	if err != nil {
		return nil, err
	}
	s := &served{
		model: Model{
			Generation: g.Generation, Labels: slices.Clone(g.Labels), Preprocessing: g.Preprocessing,
			Base: g.Base, Features: g.Features, Calibrated: c != nil, Created: g.Created,
		},
		head: h, calibration: c, pool: pool, good: r.isGood(g),
	}
	s.users.Store(1)
	if o := s.score(pool.sample, new(scoring)); o.score != o.score {
		s.release()
		return nil, hint.Wrap(fmt.Errorf("its scores of a grey picture: %w", errNotFinite), "activate another generation, or train a new one: edge adapt")
	}
	return s, nil
}

// readVerified returns a generation's file, which is compared with its digest:
// the bytes that are used are the ones that are compared.
func readVerified(g models.Generation, name string) ([]byte, error) {
	want, ok := g.File(name)
	if !ok {
		return nil, fmt.Errorf("%s is %w", name, models.ErrNotFound)
	}
	f, err := os.Open(g.Path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, want.Bytes+1))
	if err != nil {
		return nil, err
	}
	if digest.Of(data) != want.Digest {
		return nil, fmt.Errorf("%s is %w: digest %s, want %s", name, models.ErrDamaged, digest.Of(data).Short(), want.Digest.Short())
	}
	return data, nil
}
