package runtime

import (
	"context"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime/probation"
)

// workspace is the memory in which a pipeline works on one frame after another.
// What it holds grows to what the largest frame needed, and stays.
type workspace struct {
	groups []*group // of which the first inUse count
	inUse  int
	looks  []*look
	active int
	other  scoring // of companions

	helpers chan errand // hands groups to a pipeline's helpers; nil: there are none
}

// group is what several tasks share of one frame: the same part of the picture,
// through the same base.
type group struct {
	crop Crop
	pool *basePool

	state  progress
	ran    chan struct{} // gets a token from the helper that has run it
	failed error         // why there are no features
	broken bool          // the reason lies in the base and not in the frame

	cut              pixel.RGB // memory for the part of the picture
	pixels, features []float32
	wait, preprocess time.Duration
	base             time.Duration
}

// progress is how far a group is.
type progress int

const (
	waiting progress = iota
	handed           // to a helper
	done
)

// errand is a group for a helper to run.
type errand struct {
	group *group
	frame *camera.Frame
}

// look is one task's look at one frame.
type look struct {
	view   *view
	served *served
	group  *group
	memory scoring
	opinion
	took time.Duration // of the head
}

// work classifies one frame for every view that wants it.
func (w *workspace) work(ctx context.Context, views []*view, f *camera.Frame, live bool) {
	w.inUse, w.active = 0, 0
	for _, v := range views {
		s := v.task.active.acquire()
		if s == nil {
			continue // Status says why
		}
		if !v.wants(f, live) {
			s.release()
			continue
		}
		w.add(v, s)
	}
	looks := w.looks[:w.active]
	w.handOut(f)
	for _, l := range looks {
		l.group.finish(ctx, f)
		w.conclude(ctx, l, f)
	}
	// What only compares comes when every event is out.
	for _, l := range looks {
		w.compare(ctx, l, f)
		l.served.release()
		l.served, l.view, l.group = nil, nil, nil
	}
	for _, g := range w.groups[:w.inUse] {
		g.pool = nil
	}
}

// add notes that a view looks at the frame with s, whose user it becomes.
func (w *workspace) add(v *view, s *served) {
	if w.active == len(w.looks) {
		w.looks = append(w.looks, new(look))
	}
	l := w.looks[w.active]
	w.active++
	l.view, l.served, l.group = v, s, w.group(v.config.Crop, s.pool)
}

// group returns the group of that crop and base, a new one if there is none yet.
func (w *workspace) group(c Crop, pool *basePool) *group {
	for _, g := range w.groups[:w.inUse] {
		if g.crop == c && g.pool == pool {
			return g
		}
	}
	if w.inUse == len(w.groups) {
		w.groups = append(w.groups, new(group))
	}
	g := w.groups[w.inUse]
	w.inUse++
	*g = group{
		crop: c, pool: pool, ran: g.ran, cut: g.cut,
		pixels:   sized(g.pixels, pool.key.preprocessing.Len()),
		features: sized(g.features, len(pool.sample)),
	}
	return g
}

// handOut gives all groups but the first to helpers that are idle.
func (w *workspace) handOut(f *camera.Frame) {
	for i := 1; i < w.inUse && w.helpers != nil; i++ {
		g := w.groups[i]
		if g.ran == nil {
			g.ran = make(chan struct{}, 1)
		}
		select {
		case w.helpers <- errand{g, f}:
			g.state = handed
		default:
			return
		}
	}
}

// help runs the groups that come, until ctx ends and no errand is under way.
func (w *workspace) help(ctx context.Context) {
	for {
		select {
		case e := <-w.helpers:
			e.group.run(ctx, e.frame)
			e.group.ran <- struct{}{}
		case <-ctx.Done():
			return
		}
	}
}

// finish makes sure that the group has run, once a frame.
func (g *group) finish(ctx context.Context, f *camera.Frame) {
	switch g.state {
	case waiting:
		g.run(ctx, f)
	case handed:
		<-g.ran
	}
	g.state = done
}

// run computes a group's features.
func (g *group) run(ctx context.Context, f *camera.Frame) {
	began := time.Now()
	img := cut(&g.cut, &f.Image, g.crop.of(f.Image.Width, f.Image.Height))
	if g.failed = g.pool.key.preprocessing.Apply(g.pixels, img); g.failed != nil {
		return
	}
	preprocessed := time.Now()
	g.preprocess = preprocessed.Sub(began)
	it, err := g.pool.take(ctx, cameras)
	if err != nil {
		g.failed, g.broken = err, ctx.Err() == nil
		return
	}
	got := time.Now()
	g.wait = got.Sub(preprocessed)
	g.failed = it.embedFrom(g.features, g.pixels)
	g.pool.put(it)
	g.broken = g.failed != nil
	g.base = time.Since(got)
}

// conclude scores a look and decides.
func (w *workspace) conclude(ctx context.Context, l *look, f *camera.Frame) {
	t, g := l.view.task, l.group
	if g.failed != nil {
		if ctx.Err() == nil {
			t.frameFailed(g.failed)
		}
		return
	}
	began := time.Now()
	l.opinion = l.served.score(g.features, &l.memory)
	now := time.Now()
	l.view.decide(l.served, l.opinion, f, now)
	l.took = now.Sub(began)

	latency := now.Sub(f.Captured)
	t.counts.frames.Add(1)
	t.succeeded()
	t.recent.add(now, latency, g.preprocess, g.base, l.took)
	m := t.metrics
	m.Frames.Inc()
	m.Latency.Observe(latency.Seconds())
	m.Wait.Observe(g.wait.Seconds())
	m.Preprocess.Observe(g.preprocess.Seconds())
	m.Base.Observe(g.base.Seconds())
	m.Head.Observe(l.took.Seconds())
}

// compare asks the generations that run beside the active one, and lets the
// task's judging know.
func (w *workspace) compare(ctx context.Context, l *look, f *camera.Frame) {
	t, g := l.view.task, l.group
	if g.failed != nil {
		if g.broken {
			t.judge(remark{generation: l.served.model.Generation, err: g.failed})
		}
		return
	}
	r := remark{
		generation: l.served.model.Generation,
		answer:     g.answer(l.opinion, l.took),
	}
	if before := t.before.acquire(); before != nil {
		if before.pool == l.served.pool { // else it would cost a forward
			r.before, r.beforeAnswer = before.model.Generation, w.ask(before, g)
		}
		before.release()
	}
	if shadow := t.shadow.acquire(); shadow != nil {
		r.shadow = shadow.model.Generation
		sg := w.group(l.view.config.Crop, shadow.pool)
		sg.finish(ctx, f)
		switch {
		case sg.failed == nil:
			r.shadowAnswer = w.ask(shadow, sg)
		case sg.broken:
			r.shadowErr = sg.failed
		default:
			r.shadow = 0
		}
		shadow.release()
	}
	t.judge(r)
}

// ask scores a group's features with a companion.
func (w *workspace) ask(s *served, g *group) probation.Answer {
	began := time.Now()
	o := s.score(g.features, &w.other)
	return g.answer(o, time.Since(began))
}

// answer is an opinion with what it took, waiting apart: that is nobody's fault.
func (g *group) answer(o opinion, head time.Duration) probation.Answer {
	return o.answer(g.preprocess + g.base + head)
}

func (o opinion) answer(took time.Duration) probation.Answer {
	a := probation.Answer{Class: o.class, Score: o.score, Latency: took}
	if o.unknown {
		a.Class = probation.Unknown
	}
	return a
}
