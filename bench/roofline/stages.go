package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

// row is a stage of adapting, a picture at a time, and what it came to.
type row struct {
	Name string `json:"name"`
	// Operations are those on float32 (a multiply-add is two) or, in the int8 base,
	// on bytes. 0: not counted, since they are no arithmetic on numbers.
	Operations float64 `json:"operations"`
	// Bytes are read or written at least, when every number crosses once between
	// memory and processor. What stays in caches need not come from memory.
	Bytes float64 `json:"bytes"`
	speed.Timed
}

// stages are what is measured, and what must be closed then.
type stages struct {
	rows    []row
	turns   []speed.Turn
	closers []io.Closer
	scratch string
}

// The pictures and the head that are measured.
const (
	photoSide               = 250
	largeWidth, largeHeight = 4000, 3000
	images                  = 1000
	classes                 = 10
)

func (s *stages) stage(name string, operations, size float64, units int, once func(context.Context) error) {
	s.rows = append(s.rows, row{Name: name, Operations: operations, Bytes: size})
	s.turns = append(s.turns, speed.Turn{Ready: once, Once: once, Units: units})
}

// add opens the base that ref names, and sets up all stages.
func (s *stages) add(ctx context.Context, ref string) (err error) {
	if s.scratch, err = os.MkdirTemp("", "edge-roofline-"); err != nil {
		return err
	}
	source, err := base.Prepare(ctx, ref, filepath.Join(s.scratch, "bases"))
	if err != nil {
		return err
	}
	if err := s.addPicture(ctx, source.Preprocessing); err != nil {
		return err
	}
	if err := s.addBase("base, float32", source); err != nil {
		return err
	}
	if ref == "" {
		twin, err := base.Prepare(ctx, "int8", filepath.Join(s.scratch, "bases"))
		if err != nil {
			return err
		}
		if err := s.addBase("base, int8", twin); err != nil {
			return err
		}
	}
	if err := s.addCache(source.Features); err != nil {
		return err
	}
	return s.addHead(ctx, source.Features)
}

// addPicture sets up what comes before the base.
func (s *stages) addPicture(ctx context.Context, p pixel.Preprocessing) error {
	data, err := s.picture(ctx, photoSide, photoSide)
	if err != nil {
		return err
	}
	const pixels = 3 * photoSide * photoSide
	input := 4 * float64(p.Len())
	s.stage("digest of the file", 0, float64(len(data)), 1, func(context.Context) error {
		_ = digest.Of(data)
		return nil
	})
	img, dst := new(pixel.RGB), make([]float32, p.Len())
	s.stage(fmt.Sprintf("decode, %dx%d JPEG", photoSide, photoSide), 0, float64(len(data))+pixels, 1, func(context.Context) error {
		return pixel.DecodeInto(img, data, pixel.Limits{})
	})
	s.stage("the same by Go's decoder, not to RGB", 0, float64(len(data))+pixels/2, 1, func(context.Context) error {
		_, err := jpeg.Decode(bytes.NewReader(data))
		return err
	})
	// A tent as wide as two target pixels has each stored number counted twice
	// across; then each row of the target's width twice down.
	operations := 2. * 2 * (pixels + 3*photoSide*float64(p.Width))
	s.stage(fmt.Sprintf("resize to %dx%d", p.Width, p.Height), operations, pixels+input, 1, func(context.Context) error {
		return p.Apply(dst, img)
	})
	large, err := s.picture(ctx, largeWidth, largeHeight)
	if err != nil {
		return err
	}
	s.stage(fmt.Sprintf("decode and resize, %dx%d", largeWidth, largeHeight), 0, float64(len(large))+input, 1, func(context.Context) error {
		return p.Read(dst, large, pixel.Limits{})
	})
	return pixel.DecodeInto(img, data, pixel.Limits{})
}

// picture makes a JPEG.
func (s *stages) picture(ctx context.Context, width, height int) ([]byte, error) {
	dir := filepath.Join(s.scratch, fmt.Sprintf("%dx%d", width, height))
	if err := speed.WritePictures(ctx, dir, width, height, 1); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "even", "00000.jpg"))
}

// addBase sets up a base's forward.
func (s *stages) addBase(name string, source base.Source) error {
	data, err := os.ReadFile(source.Path)
	if err != nil {
		return err
	}
	m, err := file.Parse(data)
	if err != nil {
		return err
	}
	opened, err := tflite.OpenBase(source.Path, tflite.Options{Threads: 1})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, opened)
	pixels, features := make([]float32, source.Preprocessing.Len()), make([]float32, source.Features)
	for i := range pixels {
		pixels[i] = float32(i*7919%256)*source.Preprocessing.Scale + source.Preprocessing.Offset
	}
	s.stage(name, 2*float64(m.Summary().MACs), traffic(m), 1, func(context.Context) error {
		return opened.Embed(features, pixels)
	})
	return nil
}

// traffic are the bytes of a forward: weights once, and what each operator reads
// and writes besides.
func traffic(m *file.Model) float64 {
	g := m.Main()
	sum := float64(m.Summary().WeightBytes)
	for _, o := range g.Operators {
		for _, list := range [][]int{o.Inputs, o.Outputs} {
			for _, t := range list {
				if t >= 0 && len(g.Tensors[t].Data) == 0 {
					sum += float64(g.Tensors[t].Elements()) * float64(g.Tensors[t].Type.Bits()) / 8
				}
			}
		}
	}
	return sum
}

// addCache sets up finding an image's features again.
func (s *stages) addCache(features int) error {
	path := filepath.Join(s.scratch, "features.db")
	cache, err := featurecache.Open(path, 0)
	if err != nil {
		return err
	}
	space := digest.Of([]byte("space"))
	keys := make([]digest.Digest, images)
	image := make([]float32, features)
	for i := range keys {
		keys[i] = digest.Of(fmt.Append(nil, i))
		image[i%features]++
		if err := cache.View(space).Put(keys[i], image); err != nil {
			return errors.Join(err, cache.Close())
		}
	}
	if err := cache.Close(); err != nil { // which writes what is pending
		return err
	}
	if cache, err = featurecache.Open(path, 0); err != nil {
		return err
	}
	s.closers = append(s.closers, cache)
	view := cache.View(space)
	s.stage("features out of the cache", 0, 4*float64(features), images, func(context.Context) error {
		for _, key := range keys {
			ok, err := view.Get(key, image)
			if err != nil {
				return err
			}
			if !ok {
				return errors.New("the cache forgot an image")
			}
		}
		return nil
	})
	return nil
}

// addHead sets up training and scoring.
func (s *stages) addHead(ctx context.Context, features int) error {
	recipe := adapt.SeedRecipe()
	recipe.Epochs = 1
	train, val := speed.MadeUp(images, classes, features, 1), speed.MadeUp(classes, classes, features, 2)
	f, h, c, batch := float64(features), float64(recipe.Hidden), float64(classes), float64(recipe.Batch)
	// Forward and both gradients of a layer take 2 operations a weight and image
	// each; nobody wants the gradient of the features. Adam (Kingma and Ba 2015)
	// takes about 12 a weight and batch.
	operations := 4*f*h + 6*h*c + 12*(f*h+h*c)/batch
	// An image's features, and per batch the weights for the forward, the gradient
	// written, and four numbers a weight read and three written by Adam.
	size := 4*f + 4*9*(f*h+h*c)/batch
	s.stage("train the head, an epoch", operations, size, images, func(ctx context.Context) error {
		_, _, err := adapt.Train(ctx, recipe, classes, train, val, nil)
		return err
	})
	trained, _, err := adapt.Train(ctx, recipe, classes, train, val, nil)
	if err != nil {
		return err
	}
	scores, scratch := make([]float32, classes), make([]float32, trained.Scratch())
	s.stage("scores of the head", 2*(f*h+h*c), 4*(f+f*h+h*c), images, func(context.Context) error {
		for i := range images {
			trained.Scores(scores, train.Row(i), scratch)
		}
		return nil
	})
	return nil
}

// measure times all stages in turn.
func (s *stages) measure(ctx context.Context, e speed.Effort) ([]row, error) {
	timed, err := speed.Alternate(ctx, e, s.turns)
	if err != nil {
		return nil, err
	}
	for i := range s.rows {
		s.rows[i].Timed = timed[i]
	}
	return s.rows, nil
}

func (s *stages) close() {
	for _, c := range s.closers {
		_ = c.Close() // only read from
	}
	_ = os.RemoveAll(s.scratch)
}
