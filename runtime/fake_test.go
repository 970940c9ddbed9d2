package runtime

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
)

// fakeEngine opens bases whose features are the mean red, green and blue of a
// picture, turned round by as many places as the base's name has letters: a head
// that meets another base than its own gives a wrong answer.
type fakeEngine struct {
	tb testing.TB

	opened, open, embeds atomic.Int64

	mu     sync.Mutex
	refuse map[digest.Digest]error
	broken map[digest.Digest]error // of Embed
	slow   map[digest.Digest]time.Duration
	wait   chan struct{} // not nil: Embed waits until it is closed
}

func newFakeEngine(tb testing.TB) *fakeEngine {
	return &fakeEngine{tb: tb, refuse: map[digest.Digest]error{}, broken: map[digest.Digest]error{}, slow: map[digest.Digest]time.Duration{}}
}

func (e *fakeEngine) Open(_ context.Context, g models.Generation) (Base, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse[g.Base.Digest]; err != nil {
		return nil, err
	}
	data, err := os.ReadFile(g.BasePath())
	if err != nil {
		return nil, err
	}
	e.opened.Add(1)
	e.open.Add(1)
	return &fakeBase{engine: e, digest: g.Base.Digest, turn: len(data) % 3}, nil
}

func (e *fakeEngine) setRefuse(d digest.Digest, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuse[d] = err
}

func (e *fakeEngine) setBroken(d digest.Digest, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken[d] = err
}

// setSlow has Embed take so long at least.
func (e *fakeEngine) setSlow(d digest.Digest, least time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.slow[d] = least
}

func (e *fakeEngine) setWait(c chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wait = c
}

type fakeBase struct {
	engine *fakeEngine
	digest digest.Digest
	turn   int
	busy   atomic.Bool
	closed atomic.Bool
}

func (b *fakeBase) Embed(dst, pixels []float32) error {
	if !b.busy.CompareAndSwap(false, true) {
		b.engine.tb.Error("one interpreter is used by two goroutines at once")
	}
	defer b.busy.Store(false)
	if b.closed.Load() {
		b.engine.tb.Error("a closed interpreter is used")
	}
	b.engine.mu.Lock()
	err, wait, slow := b.engine.broken[b.digest], b.engine.wait, b.engine.slow[b.digest]
	b.engine.mu.Unlock()
	time.Sleep(slow)
	if wait != nil {
		<-wait
	}
	b.engine.embeds.Add(1)
	if err != nil {
		return err
	}
	if len(dst) != 3 {
		return errors.New("room for other than 3 features")
	}
	var sum [3]float32
	for i, v := range pixels {
		sum[i%3] += v
	}
	for i, v := range sum {
		dst[(i+b.turn)%3] = v / float32(len(pixels)/3)
	}
	return nil
}

func (b *fakeBase) Close() error {
	if b.closed.Swap(true) {
		b.engine.tb.Error("an interpreter is closed twice")
	}
	if b.busy.Load() {
		b.engine.tb.Error("an interpreter is closed while it is used")
	}
	b.engine.open.Add(-1)
	return nil
}

var rgbLabels = []string{"red", "green", "blue"}

// baseData is what the n-th fake base consists of: its features are turned by n%3.
func baseData(n int) string { return "base" + strings.Repeat("!", n+2) }

// rgbHead is the head for the n-th fake base: the colour of a picture with a
// probability of 0.99995.
func rgbHead(n int) *head.Head {
	h := head.New(3, 0, 3, 1)
	clear(h.W2)
	for c := range 3 {
		h.W2[(c+n)%3*3+c] = 10
	}
	return h
}

// constantHead says the same class of every picture.
func constantHead(class int) *head.Head {
	h := head.New(3, 0, 3, 1)
	clear(h.W2)
	h.B2[class] = 10
	return h
}

// picture returns a picture of one colour.
func picture(label string) *pixel.RGB {
	img := pixel.NewRGB(16, 12)
	paint(img, label)
	return img
}

func paint(img *pixel.RGB, label string) {
	clear(img.Pix)
	for c, l := range rgbLabels {
		if l == label {
			for i := c; i < len(img.Pix); i += 3 {
				img.Pix[i] = 255
			}
		}
	}
}

// rig is a runtime over a fake engine.
type rig struct {
	*Runtime
	tb     testing.TB
	store  *teststore.Store
	engine *fakeEngine
	bases  map[int]teststore.Base
}

func newRig(tb testing.TB, options ...func(*Options)) *rig {
	tb.Helper()
	before := goleak.IgnoreCurrent()
	g := &rig{tb: tb, store: teststore.New(tb), engine: newFakeEngine(tb), bases: map[int]teststore.Base{}}
	o := Options{Store: g.store.Store, Engine: g.engine, Workers: 2, Poll: time.Hour}
	for _, set := range options {
		set(&o)
	}
	r, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	g.Runtime = r
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
		if n := g.engine.open.Load(); n != 0 {
			tb.Errorf("%d interpreters are still open", n)
		}
		eventually(tb, "the runtime's goroutines end", func() bool { return goleak.Find(before) == nil })
	})
	return g
}

// eventually waits for what must become true; how long is no matter of the test.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Errorf("%s: not after 20 s", what)
			return
		}
	}
}

// base returns the n-th fake base.
func (g *rig) base(n int) teststore.Base {
	if b, ok := g.bases[n]; ok {
		return b
	}
	b := g.store.Fake(baseData(n), 3)
	g.bases[n] = b
	return b
}

// commit stores a right generation on the n-th base.
func (g *rig) commit(task string, n int) int {
	g.tb.Helper()
	return g.store.Commit(task, g.base(n), rgbHead(n), rgbLabels, nil)
}

// serve stores a right generation on the first base, activates it and serves it.
func (g *rig) serve(configs ...TaskConfig) {
	g.tb.Helper()
	for _, c := range configs {
		g.store.Active(c.Name, g.commit(c.Name, 0), "test")
	}
	g.set(configs...)
}

func (g *rig) set(configs ...TaskConfig) {
	g.tb.Helper()
	if err := g.SetTasks(g.tb.Context(), configs); err != nil {
		g.tb.Fatal(err)
	}
}

func (g *rig) task(name string) *Task {
	g.tb.Helper()
	t, err := g.Task(name)
	if err != nil {
		g.tb.Fatal(err)
	}
	return t
}

// run runs the runtime until the test ends.
func (g *rig) run() {
	g.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	wait, err := g.Start(ctx)
	if err != nil {
		g.tb.Fatal(err)
	}
	g.tb.Cleanup(func() {
		cancel()
		if err := wait(); err != nil {
			g.tb.Errorf("Run: %v", err)
		}
	})
}

// classify checks that a task gives the right answer to every colour.
func (g *rig) classify(name string) Answer {
	g.tb.Helper()
	var a Answer
	for _, label := range rgbLabels {
		var err error
		if a, err = g.task(name).Classify(g.tb.Context(), picture(label)); err != nil {
			g.tb.Fatal(err)
		}
		if a.Label != label {
			g.tb.Errorf("a %s picture is %s to generation %d", label, a.Label, a.Generation)
		}
	}
	return a
}

// serves waits until a task serves generation n.
func (g *rig) serves(name string, n int) {
	g.tb.Helper()
	eventually(g.tb, "generation serves", func() bool { return g.task(name).active.generation() == n })
}

// watcher collects events.
type watcher struct {
	tb     testing.TB
	events *Subscription
	seen   []Event
}

func (g *rig) watch() *watcher {
	w := &watcher{tb: g.tb, events: g.Events().Subscribe(1024)}
	g.tb.Cleanup(w.events.Close)
	return w
}

// next waits for an event of that kind; others before it are kept in seen.
func (w *watcher) next(kind Kind) Event {
	w.tb.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-w.events.C:
			w.seen = append(w.seen, e)
			if e.Kind == kind {
				return e
			}
		case <-deadline:
			var kinds []Kind
			for _, e := range w.seen {
				if e.Kind != KindChange {
					kinds = append(kinds, e.Kind)
				}
			}
			w.tb.Fatalf("no %s event after 20 s; besides changes there were %v", kind, kinds)
		}
	}
}

// fakeSource delivers what a test shows it.
type fakeSource struct {
	info   camera.Info
	frames chan shown
	number uint64
	closed chan struct{}
	once   sync.Once
}

// shown is one frame to deliver, or an error.
type shown struct {
	label string
	at    time.Time
	paint func(*pixel.RGB)
	err   error
}

func newFakeSource(live bool) *fakeSource {
	return &fakeSource{
		info:   camera.Info{Driver: "fake", Width: 16, Height: 12, Live: live},
		frames: make(chan shown), closed: make(chan struct{}),
	}
}

func (s *fakeSource) Read(ctx context.Context, f *camera.Frame) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return errors.New("closed")
	case next, more := <-s.frames:
		if !more {
			return io.EOF
		}
		if next.err != nil {
			return next.err
		}
		s.number++
		f.Resize(s.info.Width, s.info.Height)
		paint(&f.Image, next.label)
		if next.paint != nil {
			next.paint(&f.Image)
		}
		f.Number, f.Name, f.Captured = s.number, next.label, next.at
		if next.at.IsZero() {
			f.Captured = time.Now()
		}
		return nil
	}
}

func (s *fakeSource) Info() camera.Info { return s.info }

func (s *fakeSource) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// show delivers n frames of one colour.
func (s *fakeSource) show(tb testing.TB, label string, n int) {
	tb.Helper()
	for range n {
		s.send(tb, shown{label: label})
	}
}

func (s *fakeSource) send(tb testing.TB, f shown) {
	tb.Helper()
	select {
	case s.frames <- f:
	case <-time.After(20 * time.Second):
		tb.Fatal("nobody reads the source")
	}
}

// fakeCameras opens fake sources by URI.
type fakeCameras struct {
	mu      sync.Mutex
	sources map[string]*fakeSource
	opened  map[string]int
	fail    map[string]error
}

func newFakeCameras() *fakeCameras {
	return &fakeCameras{sources: map[string]*fakeSource{}, opened: map[string]int{}, fail: map[string]error{}}
}

func (c *fakeCameras) add(uri string, live bool) *fakeSource {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := newFakeSource(live)
	c.sources[uri] = s
	return s
}

func (c *fakeCameras) setFail(uri string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail[uri] = err
}

func (c *fakeCameras) count(uri string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened[uri]
}

func (c *fakeCameras) open(_ context.Context, uri string) (camera.Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened[uri]++
	if err := c.fail[uri]; err != nil {
		return nil, err
	}
	s := c.sources[uri]
	if s == nil {
		return nil, camera.ErrBadURI
	}
	return s, nil
}

func withCameras(c *fakeCameras) func(*Options) {
	return func(o *Options) { o.OpenSource = c.open }
}
