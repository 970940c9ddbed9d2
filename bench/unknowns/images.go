package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/internal/digest"
)

// names are the sets. electronics5 gives far unknowns alone.
var names = []string{"grocery10", "sign_digits10", "imagenette10", "electronics5"}

const (
	classes = 10 // of each set that is measured
	leftOut = 3
	folds   = 3
)

// photos is one set of pictures, with their features.
type photos struct {
	name     string
	dir      string
	base     digest.Digest
	extract  adapt.Extractor
	features *adapt.Features
}

// extract gives all sets their features on one base.
func extract(ctx context.Context, data, ref string) ([]*photos, error) {
	source, b, err := openBase(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var sets []*photos
	for _, name := range names {
		p := &photos{
			name: name, dir: filepath.Join(data, name), base: source.Digest,
			extract: adapt.Extractor{Base: b, Features: source.Features, Preprocessing: source.Preprocessing, Cache: &featurecache.Memory{}},
		}
		d, err := adapt.List(ctx, p.dir)
		if err != nil {
			return nil, err
		}
		if p.features, err = p.extract.Extract(ctx, d, nil, nil); err != nil {
			return nil, err
		}
		sets = append(sets, p)
	}
	return sets, nil
}

// settled divides the set as `edge adapt` does with that seed.
func (p *photos) settled(ctx context.Context, seed uint64) (*adapt.Dataset, error) {
	d, err := adapt.List(ctx, p.dir)
	if err != nil {
		return nil, err
	}
	if _, err := p.extract.Extract(ctx, d, nil, nil); err != nil { // tells d the digests
		return nil, err
	}
	return d, d.Settle(adapt.SplitOptions{Seed: seed, ValFraction: 0.2})
}

// of returns the images of one split whose classes are wanted, which get the
// numbers 0, 1, … in their order.
func (p *photos) of(d *adapt.Dataset, split adapt.Split, wanted []int) adapt.Set {
	s := d.Set(p.features, func(s adapt.Sample) bool { return s.Split == split && slices.Contains(wanted, s.Label) })
	for i, label := range s.Labels {
		s.Labels[i] = int32(slices.Index(wanted, int(label)))
	}
	return s
}

// divide returns the classes that fold leaves out, and the others.
func divide(fold int) (known, unknown []int) {
	for c := range classes {
		if c/leftOut == fold {
			unknown = append(unknown, c)
		} else {
			known = append(known, c)
		}
	}
	return known, unknown
}

// join puts sets of one base together; labels do not count any more.
func join(sets ...adapt.Set) (adapt.Set, error) {
	var all adapt.Set
	for _, s := range sets {
		if all.F != 0 && s.F != all.F {
			return all, fmt.Errorf("features of %d and of %d numbers", all.F, s.F)
		}
		all.F = s.F
		all.Features = append(all.Features, s.Features...)
		all.Labels = append(all.Labels, s.Labels...)
	}
	return all, nil
}
