package finetune

import (
	"errors"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
)

// recorder sits where an adapt.Extractor expects a base and its cache, and so
// sees every picture once, decoded and preprocessed: it lets the base compute
// the features, and keeps what the frozen part of the base makes of the picture.
//
// The extractor hands a picture to Embed, and then its digest to Put, from one
// goroutine. Get knows nothing, or some pictures would not come along.
type recorder struct {
	base   adapt.Base
	cache  adapt.FeatureCache // that is told the features too; nil: none
	warn   func(error)        // is told once that the cache fails
	prefix *prefix
	into   *frontiers
	kept   *kept

	row     []float32 // of the picture that Embed saw
	pixels  []float32 // of it; the extractor takes its own back
	pending bool      // and Put has not named
	err     error     // of keeping a row
	seconds float64   // in prefix
}

func newRecorder(e adapt.Extractor, p *prefix, into *frontiers, k *kept, warn func(error)) *recorder {
	return &recorder{base: e.Base, cache: e.Cache, warn: warn, prefix: p, into: into, kept: k,
		row: make([]float32, into.length()), pixels: make([]float32, e.Preprocessing.Len())}
}

func (r *recorder) Embed(dst, pixels []float32) error {
	if r.err != nil {
		return r.err
	}
	if err := r.base.Embed(dst, pixels); err != nil {
		return err
	}
	start := time.Now()
	if err := r.prefix.run(r.into.split(r.row, 1), pixels); err != nil {
		return err
	}
	r.seconds += time.Since(start).Seconds()
	copy(r.pixels, pixels)
	r.pending = true
	return nil
}

func (r *recorder) Get(digest.Digest, []float32) (bool, error) { return false, nil }

func (r *recorder) Put(image digest.Digest, features []float32) error {
	if !r.pending {
		r.err = errors.New("an image has features but no picture")
		return r.err
	}
	r.pending = false
	if r.err = r.into.add(image, r.row); r.err != nil {
		return r.err
	}
	r.kept.add(image, r.pixels)
	if r.cache != nil {
		if err := r.cache.Put(image, features); err != nil {
			r.cache = nil
			if r.warn != nil {
				r.warn(err)
			}
		}
	}
	return nil
}
