package speed

import (
	"context"
	"fmt"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Extract is the way of a picture from its file to features, or a part of it.
type Extract struct {
	Pictures int   `json:"pictures"` // that were used, each time
	Skipped  int   `json:"skipped"`  // that cannot be
	Bytes    int64 `json:"bytes"`    // of their files, on average
	Timed
}

// Extracts times an extractor on the pictures of each folder, which holds a
// folder a class, in turn; of a folder with more than most pictures on as many,
// from all of it. Pictures with the same content count once. The extractor's
// cache is left out.
func Extracts(ctx context.Context, x adapt.Extractor, dirs []string, most int, e Effort) ([]Extract, error) {
	x.Cache = nil
	extracts := make([]Extract, len(dirs))
	turns := make([]Turn, len(dirs))
	for i, dir := range dirs {
		d, err := adapt.List(ctx, dir)
		if err != nil {
			return nil, err
		}
		d.Samples = spread(d.Samples, most)
		once := func(ctx context.Context) error {
			_, err := extract(ctx, x, d)
			return err
		}
		first, err := extract(ctx, x, d)
		if err != nil {
			return nil, err
		}
		if first.Pictures == 0 {
			return nil, hint.Wrap(fmt.Errorf("%s: none of %d files can be used", dir, len(d.Samples)), "edge adapt --dir says why, file by file")
		}
		extracts[i], turns[i] = first, Turn{Once: once, Units: first.Pictures}
	}
	timed, err := Alternate(ctx, e, turns)
	if err != nil {
		return nil, err
	}
	for i := range extracts {
		extracts[i].Timed = timed[i]
	}
	return extracts, nil
}

// Decoding is an extractor that reads, decodes and preprocesses pictures one
// after the other, and puts them through no base.
func Decoding(p pixel.Preprocessing, lim pixel.Limits) adapt.Extractor {
	return adapt.Extractor{Base: nowhere{}, Features: 1, Preprocessing: p, Limits: lim, Workers: 1}
}

// nowhere is the base of pictures whose features nobody wants.
type nowhere struct{}

func (nowhere) Embed([]float32, []float32) error { return nil }

// extract does it once, and leaves the dataset as it is.
func extract(ctx context.Context, x adapt.Extractor, d *adapt.Dataset) (Extract, error) {
	own := *d
	own.Samples = append([]adapt.Sample(nil), d.Samples...)
	f, err := x.Extract(ctx, &own, nil, nil)
	if err != nil {
		return Extract{}, err
	}
	listed := len(own.Samples)
	own.Prune()
	n := Extract{Pictures: f.Computed, Skipped: listed - len(own.Samples)}
	if n.Pictures == 0 {
		return n, nil
	}
	for _, s := range own.Samples {
		n.Bytes += s.Bytes
	}
	n.Bytes /= int64(len(own.Samples))
	return n, nil
}

// spread returns at most n samples, evenly from all of the list.
func spread(all []adapt.Sample, n int) []adapt.Sample {
	if len(all) <= n {
		return all
	}
	some := make([]adapt.Sample, n)
	for i := range some {
		some[i] = all[i*len(all)/n]
	}
	return some
}
