package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

// Base is a base that runs, with the cache of its features. Like tflite.Base it
// serves one goroutine at a time.
type Base struct {
	Source base.Source
	*tflite.Base
	cache *featurecache.Cache // nil when there is none
}

// Cache says where features are remembered.
type Cache struct {
	File  string // of the cache, made when needed; "": nothing is remembered
	Limit int64  // bytes it may take; 0: no limit
}

// OpenBase opens a prepared base, after a trial if nobody knows it. A cache that
// cannot be opened is done without: warn, which may be nil, is told. The caller
// closes the base.
//
// Its errors are the context's, and of the base: an InputError.
func OpenBase(ctx context.Context, e *engine.Engine, source base.Source, c Cache, warn func(error)) (*Base, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	opened, err := e.OpenBase(ctx, source.Path, source.Digest)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, InputError{hint.Wrap(fmt.Errorf("base %s: %w", source.Name, err), "give another base; `edge base inspect FILE` shows what is in one")}
	}
	if err := fits(opened, source); err != nil {
		_ = opened.Close()
		return nil, InputError{fmt.Errorf("base %s: %w", source.Name, err)}
	}
	b := &Base{Source: source, Base: opened}
	if c.File != "" {
		if b.cache, err = featurecache.Open(c.File, c.Limit); err != nil && warn != nil {
			warn(err)
		}
	}
	return b, nil
}

// fits compares what was opened with what was prepared: the file may have been
// replaced, or a generation's manifest may be wrong.
func fits(b *tflite.Base, s base.Source) error {
	p := s.Preprocessing
	if b.Features() == s.Features && b.InputWidth() == p.Width && b.InputHeight() == p.Height {
		return nil
	}
	return hint.Wrap(fmt.Errorf("it takes pictures of %dx%d and gives %d features, not %dx%d and %d",
		b.InputWidth(), b.InputHeight(), b.Features(), p.Width, p.Height, s.Features),
		"give the base anew and leave its file as it is meanwhile, or activate another generation")
}

// Extractor turns images into this base's features. It is of use until Close.
func (b *Base) Extractor() adapt.Extractor {
	e := adapt.Extractor{Base: b, Features: b.Source.Features, Preprocessing: b.Source.Preprocessing}
	if b.cache != nil {
		e.Cache = b.cache.View(Space(b.Source))
	}
	return e
}

// Space names everything that decides an image's features: the space of the
// cache in which they are found.
func Space(s base.Source) digest.Digest { return space(s, pixel.JPEG().Numbers()) }

// space takes what the JPEG decoder's numbers are called, nothing for Go's.
func space(s base.Source, jpeg string) digest.Digest {
	key, err := json.Marshal(struct {
		Base          digest.Digest
		Preprocessing any
		Decoder       string
	}{s.Digest, s.Preprocessing, decoderVersion + jpeg})
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return digest.Of(key)
}

// decoderVersion is raised whenever decoding or preprocessing gives other
// numbers for the same bytes. What JPEGs are decoded with is added to it: features
// from libjpeg-turbo's pixels and from Go's are never taken for each other.
const decoderVersion = "1"

// putInto keeps the base's file in the store, where generations find it, and
// returns what a manifest says of it.
func (b *Base) putInto(ctx context.Context, store *models.Store) (models.Base, error) {
	ref := models.Base{Name: b.Source.Name, Digest: b.Source.Digest}
	f, err := os.Open(b.Source.Path)
	if err != nil {
		return ref, fmt.Errorf("keep the base: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ref, fmt.Errorf("keep the base: %w", err)
	}
	if err := store.PutBlob(ctx, f, b.Source.Digest, info.Size()); err != nil {
		return ref, fmt.Errorf("keep the base: %w", err)
	}
	ref.Bytes = info.Size()
	return ref, nil
}

// CloseCache writes what the cache still holds in memory. The base goes on
// without it.
func (b *Base) CloseCache() error {
	if b.cache == nil {
		return nil
	}
	err := b.cache.Close()
	b.cache = nil
	return err
}

// Close ends the cache and the interpreter.
func (b *Base) Close() error {
	return errors.Join(b.CloseCache(), b.Base.Close())
}
