package main

import (
	"context"
	"errors"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
)

// currentBase, in the place of a base's name, is the base and the preprocessing
// of the generation that the task uses; the default's for a task without any.
const currentBase = "current"

// openBaseOrCurrent opens the base that the flags name.
func (a *app) openBaseOrCurrent(ctx context.Context, store *models.Store, f baseFlags) (*device.Base, error) {
	if f.ref != currentBase {
		return a.openBase(ctx, f)
	}
	g, err := store.Current(a.task)
	switch {
	case errors.Is(err, models.ErrNotFound):
		f.ref = ""
		return a.openBase(ctx, f)
	case err != nil:
		return nil, device.InputError{Err: err}
	}
	if err := g.Verify(ctx); err != nil {
		return nil, device.InputError{Err: err}
	}
	return a.runBase(ctx, base.Source{
		Name: g.Base.Name, Path: g.BasePath(), Digest: g.Base.Digest,
		Preprocessing: g.Preprocessing, Features: g.Features,
	}, f)
}
