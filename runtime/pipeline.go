package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// pipeline runs one source for all the tasks that watch it: one goroutine reads
// (the feed's), another one takes the newest frame through the bases, and helpers
// lend a hand when tasks look at different parts of it.
type pipeline struct {
	runtime *Runtime
	uri     string
	source  string // uri without credentials
	feed    *camera.Feed

	jobs   sync.WaitGroup
	ctx    context.Context //nolint:containedctx // of both goroutines; nil: not started
	cancel context.CancelFunc

	mu       sync.Mutex // held while a frame is worked on; guards what follows
	views    []*view
	space    workspace
	live     bool
	lost     bool // told that there are no frames
	reported camera.Stats
	next     time.Time // when to report again
	skipped  often
}

func newPipeline(r *Runtime, uri string) *pipeline {
	p := &pipeline{runtime: r, uri: uri, source: camera.Redact(uri)}
	p.space.helpers = make(chan errand)
	p.feed = camera.NewFeed(camera.FeedOptions{
		Open:    func(ctx context.Context) (camera.Source, error) { return r.options.OpenSource(ctx, uri) },
		Notify:  p.notice,
		Skipped: p.skip,
	})
	return p
}

// setViews says who watches from the next frame on. When it returns, nothing
// works on a frame for anybody else any more.
func (p *pipeline) setViews(views []*view) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = views
	p.showUp()
}

// start starts the pipeline, once.
func (p *pipeline) start(ctx context.Context) {
	if p.ctx != nil {
		return
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.jobs.Go(func() {
		_ = p.feed.Run(p.ctx) // its end was told to notice
	})
	p.jobs.Go(func() { p.run(p.ctx) })
	for range p.runtime.options.Workers - 1 {
		p.jobs.Go(func() { p.space.help(p.ctx) })
	}
}

// stop ends the pipeline and waits until it is gone.
func (p *pipeline) stop() {
	if p.ctx != nil {
		p.cancel()
	}
	p.jobs.Wait()
}

func (p *pipeline) run(ctx context.Context) {
	var frame *camera.Frame
	var err error
	for {
		if frame, err = p.feed.Next(ctx, frame); err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) {
				p.runtime.log.Error("the source has failed for good", "source", p.source, "error", err)
			}
			return
		}
		if !p.waitForModels(ctx) {
			return
		}
		p.work(ctx, frame)
	}
}

// waitForModels keeps a frame of a source that is not live until a task can look
// at it: such a frame comes once, and a folder may remove the picture after it. It
// reports false if ctx ended first.
func (p *pipeline) waitForModels(ctx context.Context) bool {
	for !p.hasModel() {
		select {
		case <-time.After(modelWait):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

const modelWait = 50 * time.Millisecond

func (p *pipeline) hasModel() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live || slices.ContainsFunc(p.views, func(v *view) bool { return v.task.active.generation() != 0 })
}

// work takes one frame through the base for every task.
func (p *pipeline) work(ctx context.Context, f *camera.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.space.work(ctx, p.views, f, p.live)
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(time.Second)
		p.report()
	}
}

// report brings the counters of all tasks up to the feed's. Needs mu.
func (p *pipeline) report() {
	s, last := p.feed.Stats(), p.reported
	for _, v := range p.views {
		m := v.task.metrics
		m.SourceFrames.Add(float64(s.Frames - last.Frames))
		m.Dropped.Add(float64(s.Dropped - last.Dropped))
		m.SourceSkipped.Add(float64(s.Skipped - last.Skipped))
		m.Reconnects.Add(float64(s.Reconnects - last.Reconnects))
	}
	p.reported = s
}

// showUp sets the tasks' gauges. Needs mu.
func (p *pipeline) showUp() {
	up := 0.0
	if p.feed.Stats().State == camera.Running {
		up = 1
	}
	for _, v := range p.views {
		v.task.metrics.SourceUp.Set(up)
	}
}

// notice hears of the feed's changes.
func (p *pipeline) notice(c camera.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report()
	p.showUp()
	e := Event{Source: p.source}
	switch c.State {
	case camera.Running:
		p.live = c.Info.Live
		p.runtime.log.Info("the source runs", "source", p.source, "driver", c.Info.Driver, "format", c.Info.Format,
			"width", c.Info.Width, "height", c.Info.Height, "rate", c.Info.Rate)
		if !p.lost {
			return
		}
		p.lost = false
		e.Kind, e.Message = KindSourceBack, "back"
		if c.Gap > 0 {
			e.Message = fmt.Sprintf("back after %v without a frame", c.Gap.Round(time.Millisecond))
		}
	case camera.Waiting, camera.Failed:
		if p.lost && c.State == camera.Waiting {
			return // once is enough
		}
		p.lost = true
		e.Kind, e.Message, e.Hint = KindSourceLost, c.Err.Error(), hint.Of(c.Err)
	case camera.Ended:
		if p.ctx.Err() != nil {
			return
		}
		e.Kind, e.Message = KindSourceEnded, "the source has come to its end"
	default:
		return
	}
	for _, v := range p.views {
		v.task.publish(e)
	}
}

// skip hears of pictures that could not be used.
func (p *pipeline) skip(s *camera.Skipped) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, say := p.skipped.note(time.Now()); say {
		p.runtime.log.Warn("pictures could not be used", "source", p.source, "pictures", n, "error", s)
	}
}
