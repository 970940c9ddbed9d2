package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime/probation"
)

// Classify says what img, of any size, shows. It waits for a free interpreter
// until ctx ends, and keeps no reference to img.
//
// The image counts for the generation's probation, as camera frames do, and is
// shown to the generation in the shadow if that shares the base.
func (t *Task) Classify(ctx context.Context, img *pixel.RGB) (Answer, error) {
	a, err := t.classify(ctx, img)
	t.countImages(1, err)
	return a, err
}

func (t *Task) classify(ctx context.Context, img *pixel.RGB) (Answer, error) {
	s, err := t.serving()
	if err != nil {
		return Answer{}, err
	}
	defer s.release()
	began := time.Now()
	it, err := s.pool.take(ctx, callers)
	if err != nil {
		return Answer{}, fmt.Errorf("task %q: wait for an interpreter: %w", t.name, err)
	}
	defer s.pool.put(it)
	taken := time.Now()
	if err := s.model.Preprocessing.Apply(it.pixels, img); err != nil {
		return Answer{}, err
	}
	preprocessed := time.Now()
	it.features = sized(it.features, s.model.Features)
	if err := it.embed(it.features); err != nil {
		t.judge(remark{generation: s.model.Generation, err: err})
		return Answer{}, fmt.Errorf("task %q: generation %d: %w", t.name, s.model.Generation, err)
	}
	embedded := time.Now()
	o := s.score(it.features, &it.answer)
	scored := time.Now()

	wait, preprocess, base, head := taken.Sub(began), preprocessed.Sub(taken), embedded.Sub(preprocessed), scored.Sub(embedded)
	t.recent.add(scored, 0, preprocess, base, head)
	m := t.metrics
	m.Wait.Observe(wait.Seconds())
	m.Preprocess.Observe(preprocess.Seconds())
	m.Base.Observe(base.Seconds())
	m.Head.Observe(head.Seconds())
	t.compare(s, it, o, preprocess+base, head)
	if o.score != o.score {
		return Answer{}, fmt.Errorf("task %q: generation %d: its scores are %w", t.name, s.model.Generation, errNotFinite)
	}
	return Answer{
		Task: t.name, Generation: s.model.Generation,
		Label: s.model.Labels[o.class], Score: o.score, Unknown: o.unknown, Distance: o.distance,
		Top:     ranked(s.model.Labels, it.answer.scores),
		Seconds: Seconds{wait.Seconds(), preprocess.Seconds(), base.Seconds(), head.Seconds()},
	}, nil
}

// compare shows a caller's image to the generations that share its features, and
// lets the task's judging know.
func (t *Task) compare(s *served, it *interpreter, o opinion, shared, head time.Duration) {
	r := remark{generation: s.model.Generation, answer: o.answer(shared + head)}
	ask := func(from *slot) (generation int, a probation.Answer) {
		other := from.acquire()
		if other == nil {
			return 0, a
		}
		defer other.release()
		if other.pool != s.pool {
			return 0, a
		}
		began := time.Now()
		o := other.score(it.features, &it.other)
		return other.model.Generation, o.answer(shared + time.Since(began))
	}
	r.before, r.beforeAnswer = ask(&t.before)
	r.shadow, r.shadowAnswer = ask(&t.shadow)
	t.judge(r)
}

// ranked returns all classes, the likeliest first; equal ones stay in order.
func ranked(labels []string, scores []float32) []Score {
	top := make([]Score, len(labels))
	for i, label := range labels {
		top[i] = Score{label, scores[i]}
	}
	slices.SortStableFunc(top, func(a, b Score) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return top
}

// ClassifyPixels classifies n preprocessed pictures with one generation, whose
// number it returns. pixels has shape [n,H,W,3] as Model().Preprocessing says,
// and scores has shape [n,classes], calibrated as those of Classify; it keeps
// neither. Another length is ErrShape: the generation may have changed since the
// caller asked for it.
//
// Pictures go through the base one by one, so that an answer does not depend on
// its neighbours, on as many interpreters as are idle. They do not count for a
// probation: nobody knows what they are.
func (t *Task) ClassifyPixels(ctx context.Context, scores, pixels []float32, n int) (generation int, err error) {
	generation, err = t.classifyPixels(ctx, scores, pixels, n)
	t.countImages(n, err)
	return generation, err
}

func (t *Task) classifyPixels(ctx context.Context, scores, pixels []float32, n int) (int, error) {
	s, err := t.serving()
	if err != nil {
		return 0, err
	}
	defer s.release()
	size, classes := s.model.Preprocessing.Len(), len(s.model.Labels)
	if n < 1 || len(pixels)/size != n || len(pixels)%size != 0 || len(scores) != n*classes {
		return 0, fmt.Errorf("task %q: generation %d: %w: %d pictures in %d values with room for %d scores, want %d and %d a picture",
			t.name, s.model.Generation, ErrShape, n, len(pixels), len(scores), size, classes)
	}
	it, err := s.pool.take(ctx, callers)
	if err != nil {
		return 0, fmt.Errorf("task %q: wait for an interpreter: %w", t.name, err)
	}
	b := batch{task: t, served: s, scores: scores, pixels: pixels, n: n}
	var helpers sync.WaitGroup
	for range n - 1 {
		more := s.pool.tryTake()
		if more == nil {
			break
		}
		helpers.Go(func() { b.work(ctx, more) })
	}
	b.work(ctx, it)
	helpers.Wait()
	if err := b.err.Load(); err != nil {
		return 0, *err
	}
	t.recent.addImages(time.Now(), n)
	return s.model.Generation, nil
}

// batch is a batch of pictures that several interpreters work through.
type batch struct {
	task           *Task
	served         *served
	scores, pixels []float32
	n              int
	next           atomic.Int64
	err            atomic.Pointer[error] // the first
}

// work takes pictures until there are none, something failed or ctx ended, and
// puts the interpreter back.
func (b *batch) work(ctx context.Context, it *interpreter) {
	defer b.served.pool.put(it)
	size, classes := b.served.model.Preprocessing.Len(), len(b.served.model.Labels)
	it.features = sized(it.features, b.served.model.Features)
	for b.err.Load() == nil {
		i := int(b.next.Add(1)) - 1
		if i >= b.n {
			return
		}
		err := context.Cause(ctx)
		if err == nil {
			began := time.Now()
			if err = it.embedFrom(it.features, b.pixels[i*size:][:size]); err == nil {
				embedded := time.Now()
				b.served.score(it.features, &it.answer)
				copy(b.scores[i*classes:][:classes], it.answer.scores)
				b.task.metrics.Base.Observe(embedded.Sub(began).Seconds())
				b.task.metrics.Head.Observe(time.Since(embedded).Seconds())
				continue
			}
		}
		err = fmt.Errorf("task %q: generation %d: picture %d: %w", b.task.name, b.served.model.Generation, i, err)
		b.err.CompareAndSwap(nil, &err)
	}
}

// countImages counts images of callers.
func (t *Task) countImages(n int, err error) {
	switch {
	case err == nil:
		t.counts.images.Add(uint64(n))
		t.metrics.Images.Add(float64(n))
		t.succeeded()
	case !errors.Is(err, ErrShape):
		t.counts.imagesFailed.Add(uint64(n))
		t.metrics.ImagesFailed.Add(float64(n))
	}
}

// succeeded notes that the generation has classified something: its start holds.
func (t *Task) succeeded() {
	if t.unconfirmed.Load() {
		t.startHolds()
	}
}
