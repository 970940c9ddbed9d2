package finetune

import (
	"sync"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/finetune/rows"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// maxKept is how many bytes of prepared pictures are kept: 2,700 of 128 pixels.
// Those beyond are decoded once more.
const maxKept = 512 << 20

// kept are pictures as the base is fed, on disk, from their reading until the
// written files are measured: what came out is measured on the same images, and
// decoding them takes longer than the base does. They are a convenience: a disk
// that fails or is full ends the keeping and nothing else.
type kept struct {
	of    pixel.Preprocessing
	limit int // pictures

	mu    sync.Mutex
	rows  *rows.Rows[float32] // nil: nothing more is kept, or was
	index map[digest.Digest]int
	row   []float32
}

func newKept(dir string, p pixel.Preprocessing) *kept {
	k := &kept{of: p, limit: maxKept / (4 * p.Len()), index: map[digest.Digest]int{}, row: make([]float32, p.Len())}
	k.rows, _ = rows.New[float32](dir, p.Len()) // nil without one
	return k
}

// add keeps a picture, of several with the same digest one.
func (k *kept) add(image digest.Digest, pixels []float32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.index[image]; ok || k.rows == nil || len(k.index) >= k.limit {
		return
	}
	i, err := k.rows.Append(pixels)
	if err != nil {
		k.drop()
		return
	}
	k.index[image] = i
}

// drop forgets everything and gives the disk's space back.
func (k *kept) drop() {
	if k.rows != nil {
		_ = k.rows.Close() // the space is free whatever it says
	}
	k.rows, k.index = nil, map[digest.Digest]int{}
}

func (k *kept) close() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop()
}

// replay returns e, which takes the kept pictures instead of decoding the files
// again, and what counts them. The files are still read: their digests decide.
func (k *kept) replay(e adapt.Extractor) (adapt.Extractor, *replay) {
	r := &replay{kept: k, base: e.Base, cache: e.Cache}
	if k == nil || k.of != e.Preprocessing {
		return e, r
	}
	e.Base, e.Cache = r, r
	return e, r
}

// replay is the base and the cache of an extractor whose pictures may be kept.
type replay struct {
	kept  *kept
	base  adapt.Base
	cache adapt.FeatureCache // nil: there is none

	mu    sync.Mutex // one picture at a time through the base, whoever has it
	count int        // kept pictures that went through the base
}

func (r *replay) Embed(dst, pixels []float32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.base.Embed(dst, pixels)
}

// Get has the base compute the features of a kept picture.
func (r *replay) Get(image digest.Digest, dst []float32) (bool, error) {
	if r.cache != nil {
		if ok, err := r.cache.Get(image, dst); ok || err != nil {
			return ok, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.kept.read(image) {
		return false, nil
	}
	if err := r.base.Embed(dst, r.kept.row); err != nil {
		return false, err
	}
	r.count++
	if r.cache != nil {
		return true, r.cache.Put(image, dst) // which copies
	}
	return true, nil
}

func (r *replay) Put(image digest.Digest, features []float32) error {
	if r.cache == nil {
		return nil
	}
	return r.cache.Put(image, features)
}

// read fills row with a picture, and reports whether it is kept.
func (k *kept) read(image digest.Digest) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	i, ok := k.index[image]
	return ok && k.rows.Read(i, k.row) == nil
}
