package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// batch is the memory in which a request of an inference protocol is answered,
// kept from one request to the next.
type batch struct {
	body   []byte
	out    []byte
	pixels []float32 // of pictures that came otherwise
	scores []float32
}

// maxKept is the most memory that a batch may have, in bytes, to be kept.
const maxKept = 16 << 20

func (b *batch) size() int { return cap(b.body) + cap(b.out) + 4*cap(b.pixels) + 4*cap(b.scores) }

// shapeOf returns what the task's base reads.
func shapeOf(m runtime.Model) wire.Shape {
	return wire.Shape{Height: m.Preprocessing.Height, Width: m.Preprocessing.Width}
}

// classify scores all pictures of a request with one generation, which it
// returns. The scores are in b.scores, [n,classes]. asked is the generation by
// whose shape the request was read.
func (s *Server) classify(c *call, t *runtime.Task, asked runtime.Model, p *wire.Pictures, b *batch) (runtime.Model, error) {
	ctx, m := c.r.Context(), asked
	for range 4 {
		pixels := p.Pixels
		if pixels == nil {
			if err := s.preprocess(c, m.Preprocessing, p, b); err != nil {
				return m, err
			}
			pixels = b.pixels
		} else if m.Preprocessing != asked.Preprocessing {
			return m, busy(http.StatusConflict, time.Second, "ask for the metadata again", "generation %d, which reads other pixels, serves since this request came", m.Generation)
		}
		b.scores = slices.Grow(b.scores[:0], p.N*len(m.Labels))[:p.N*len(m.Labels)]
		serving, err := t.ClassifyPixels(ctx, b.scores, pixels, p.N)
		if err != nil && !errors.Is(err, runtime.ErrShape) {
			return m, err
		}
		if err == nil && serving == m.Generation {
			return m, finite(b.scores, p.Pixels != nil)
		}
		// Another generation has taken its place in between. If it reads the same and
		// has as many classes, its answer stands.
		before := m
		if m, err = t.Model(); err != nil {
			return m, err
		}
		if serving == m.Generation && m.Preprocessing == before.Preprocessing && len(m.Labels) == len(before.Labels) {
			return m, finite(b.scores, p.Pixels != nil)
		}
	}
	return m, busy(http.StatusServiceUnavailable, time.Second, "try again in a moment", "generations change faster than this request is answered")
}

// preprocess fills b.pixels with the pictures of a request.
func (s *Server) preprocess(c *call, p pixel.Preprocessing, pictures *wire.Pictures, b *batch) error {
	ctx, n := c.r.Context(), pictures.N*p.Len()
	if cap(b.pixels) < n { // a picture of a few bytes becomes as much as any other
		if err := c.reserve(4 * int64(n)); err != nil {
			return err
		}
	}
	b.pixels = slices.Grow(b.pixels[:0], n)[:n]
	canvas, done := s.canvas()
	defer done()
	for i := range pictures.N {
		img := canvas
		if pictures.Image != nil {
			size := pictures.Width * pictures.Height * 3
			img = &pixel.RGB{Width: pictures.Width, Height: pictures.Height, Pix: pictures.Image[i*size:][:size]}
		} else if err := s.decode(ctx, img, pictures.Encoded[i]); err != nil {
			return fmt.Errorf("picture %d: %w", i, err)
		}
		if err := p.Apply(b.pixels[i*p.Len():][:p.Len()], img); err != nil {
			return fmt.Errorf("picture %d: %w", i, err)
		}
	}
	return context.Cause(ctx)
}

// finite reports scores that are no numbers, which JSON cannot hold: of pixels
// that were sent, because those were none.
func finite(scores []float32, sent bool) error {
	for _, v := range scores {
		if v-v != 0 {
			if sent {
				return refuse(http.StatusBadRequest, "look for values that are no numbers, or far too large, among the pixels", "the scores of these pixels are no numbers")
			}
			return errors.New("the scores are no numbers")
		}
	}
	return nil
}
