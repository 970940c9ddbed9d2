package adapt

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// Base is the frozen feature extractor.
type Base interface {
	// Embed writes the features of one or more images into dst, [n, F], from
	// pixels, [n, height, width, 3] as the base's preprocessing makes them.
	// It is called by one goroutine at a time and keeps neither slice.
	Embed(dst, pixels []float32) error
}

// FeatureCache remembers features between runs. It may be called concurrently.
type FeatureCache interface {
	// Get fills dst, [F], and reports whether it knew the image.
	Get(image digest.Digest, dst []float32) (bool, error)
	// Put remembers features, [F], which it copies.
	Put(image digest.Digest, features []float32) error
}

// Extractor turns the images of a dataset into features.
type Extractor struct {
	Base          Base
	Features      int // F: features an image
	Preprocessing pixel.Preprocessing
	Limits        pixel.Limits // what an image may be; zero values mean pixel's
	Cache         FeatureCache // nil: compute everything
	Workers       int          // images read and decoded at once; zero: one a processor
}

// Features are the features of a dataset's images, found by content: one row
// for all copies of an image.
type Features struct {
	Hits     int // images the cache knew
	Computed int // images that went through the base

	rows map[digest.Digest][]float32
}

// Row returns the features, [F], of the image with this digest, or nil. The
// caller must not change them.
func (f *Features) Row(image digest.Digest) []float32 { return f.rows[image] }

// outcome is what became of one sample.
type outcome struct {
	sample   int
	digest   digest.Digest
	features []float32 // set when the cache knew it
	pixels   []float32 // set when it must go through the base
	reason   error     // set when it cannot be used
	copy     bool      // another sample has the same content and carries the rest
}

// Extract reads every sample of d once, tells d its digest or why it cannot be
// used, and returns the features of all that can.
//
// Reading, decoding and preprocessing run on Workers goroutines beside the
// base; at most Workers decoded images exist at a time. progress is called
// from the calling goroutine after each image, and may be nil. A cache that
// fails is given up for the rest of the run: warn, which may be nil too, is
// told once. An error of the base or a cancelled context ends the extraction;
// features already computed stay in the cache.
func (e *Extractor) Extract(ctx context.Context, d *Dataset, progress func(done, total int), warn func(error)) (*Features, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	workers := e.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	r := &reading{Extractor: e, dir: d.Dir, claimed: map[digest.Digest]bool{}, warn: warn}
	r.free.New = func() any { s := make([]float32, e.Preprocessing.Len()); return &s }

	samples := make(chan int)
	outcomes := make(chan outcome)
	go func() {
		defer close(samples)
		for i := range d.Samples {
			select {
			case samples <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	var pool sync.WaitGroup
	for range workers {
		pool.Add(1)
		go func() {
			defer pool.Done()
			for i := range samples {
				select {
				case outcomes <- r.read(i, d.Samples[i].Path):
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	go func() {
		pool.Wait()
		close(outcomes)
	}()

	f, all, err := r.collect(ctx, outcomes, len(d.Samples), progress)
	if err != nil {
		cancel()
		for range outcomes { // let the workers go
		}
		return nil, err
	}
	settleOutcomes(d, all)
	return f, nil
}

// collect runs the base over what the workers hand in.
func (r *reading) collect(ctx context.Context, outcomes <-chan outcome, total int, progress func(done, total int)) (*Features, []outcome, error) {
	f := &Features{rows: make(map[digest.Digest][]float32, total)}
	all := make([]outcome, 0, total)
	for o := range outcomes {
		switch {
		case o.features != nil:
			f.Hits++
			f.rows[o.digest] = o.features
		case o.pixels != nil:
			row := make([]float32, r.Features)
			if err := r.Base.Embed(row, o.pixels); err != nil {
				return nil, nil, fmt.Errorf("features of an image: %w", err)
			}
			pixels := o.pixels
			r.free.Put(&pixels)
			f.Computed++
			f.rows[o.digest] = row
			r.remember(o.digest, row)
		}
		o.features, o.pixels = nil, nil
		all = append(all, o)
		if progress != nil {
			progress(len(all), total)
		}
	}
	return f, all, ctx.Err()
}

// settleOutcomes tells the dataset what became of its samples. Copies of an
// image that could not be used cannot be used either.
func settleOutcomes(d *Dataset, all []outcome) {
	bad := map[digest.Digest]error{}
	for _, o := range all {
		if o.reason != nil && o.digest != "" {
			bad[o.digest] = o.reason
		}
	}
	for _, o := range all {
		if o.reason == nil && o.copy {
			o.reason = bad[o.digest]
		}
		if o.reason != nil {
			d.Reject(o.sample, o.reason)
		} else {
			d.Read(o.sample, o.digest)
		}
	}
}

// reading is the state that the workers of one extraction share.
type reading struct {
	*Extractor
	dir  string
	free sync.Pool // *[]float32 of the preprocessing's length

	mu      sync.Mutex
	claimed map[digest.Digest]bool
	warn    func(error)
	broken  bool // the cache failed
}

// read takes one sample as far as it gets without the base.
func (r *reading) read(sample int, path string) outcome {
	o := outcome{sample: sample}
	var data []byte
	data, o.reason = pixel.ReadFile(filepath.Join(r.dir, path), r.Limits)
	if o.reason != nil {
		return o
	}
	o.digest = digest.Of(data)
	if o.copy = !r.claim(o.digest); o.copy {
		return o
	}
	if row, ok := r.recall(o.digest); ok {
		o.features = row
		return o
	}
	pixels := r.free.Get().(*[]float32)
	if o.reason = r.Preprocessing.Read(*pixels, data, r.Limits); o.reason != nil {
		r.free.Put(pixels)
		return o
	}
	o.pixels = *pixels
	return o
}

// claim reports whether the caller is the first with this content.
func (r *reading) claim(d digest.Digest) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.claimed[d]
	r.claimed[d] = true
	return first
}

func (r *reading) recall(d digest.Digest) ([]float32, bool) {
	if r.Cache == nil || r.cacheBroken() {
		return nil, false
	}
	row := make([]float32, r.Features)
	ok, err := r.Cache.Get(d, row)
	if err != nil {
		r.giveUp(err)
	}
	return row, ok
}

func (r *reading) remember(d digest.Digest, row []float32) {
	if r.Cache == nil || r.cacheBroken() {
		return
	}
	if err := r.Cache.Put(d, row); err != nil {
		r.giveUp(err)
	}
}

func (r *reading) cacheBroken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

func (r *reading) giveUp(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.broken && r.warn != nil {
		r.warn(err)
	}
	r.broken = true
}
