package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// fakeEngine opens bases whose features are the mean red, green and blue of a
// picture.
type fakeEngine struct {
	inside atomic.Int64 // calls of Embed

	mu   sync.Mutex
	fail error
	wait chan struct{} // not nil: Embed waits until it is closed
}

func (e *fakeEngine) Open(context.Context, models.Generation) (runtime.Base, error) {
	return fakeBase{e}, nil
}

func (e *fakeEngine) set(fail error, wait chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail, e.wait = fail, wait
}

type fakeBase struct{ e *fakeEngine }

func (b fakeBase) Embed(dst, pixels []float32) error {
	b.e.mu.Lock()
	fail, wait := b.e.fail, b.e.wait
	b.e.mu.Unlock()
	b.e.inside.Add(1)
	defer b.e.inside.Add(-1)
	if wait != nil {
		<-wait
	}
	var sum [3]float32
	for i, v := range pixels {
		sum[i%3] += v
	}
	for i, v := range sum {
		dst[i] = v / float32(len(pixels)/3)
	}
	return fail
}

func (fakeBase) Close() error { return nil }

var rgbLabels = []string{"red", "green", "blue"}

func rgbHead() *head.Head {
	h := head.New(3, 0, 3, 1)
	clear(h.W2)
	for c := range 3 {
		h.W2[c*3+c] = 10
	}
	return h
}

// shot returns a PNG of one colour; n makes it differ from others.
func shot(label string, n int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 16, 12))
	paint := map[string]color.RGBA{"red": {255, 0, 0, 255}, "green": {0, 255, 0, 255}, "blue": {0, 0, 255, 255}}[label]
	for i := range 16 * 12 {
		img.Set(i%16, i/16, paint)
	}
	img.Set(0, 0, color.RGBA{uint8(n), uint8(n >> 8), 9, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// rig is a server over a fake engine, with the task lamps, which has generations
// 1 and 2 and samples, and the task empty, which has nothing.
type rig struct {
	*Server
	tb      testing.TB
	rt      *runtime.Runtime
	engine  *fakeEngine
	store   *teststore.Store
	samples string
	log     lockedBuffer
	adapts  atomic.Int64
	checked *checked
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newRig(tb testing.TB, options ...func(*Options)) *rig {
	tb.Helper()
	g := &rig{tb: tb, engine: &fakeEngine{}, store: teststore.New(tb), samples: filepath.Join(tb.TempDir(), "samples"), checked: theSpec(tb)}
	b := g.store.Fake("base", 3)
	g.store.Active("lamps", g.store.Commit("lamps", b, rgbHead(), rgbLabels, nil), "test")
	g.store.Commit("lamps", b, rgbHead(), rgbLabels, nil)
	log := slog.New(slog.NewTextHandler(&g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	rt, err := runtime.New(runtime.Options{
		Store: g.store.Store, Engine: g.engine, Workers: 2, Poll: time.Hour,
		Adapt: func(context.Context, runtime.AdaptRequest) error {
			g.adapts.Add(1)
			return errors.New("nothing to learn")
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	g.rt = rt
	tb.Cleanup(func() { rt.Close() })
	if err := rt.SetTasks(tb.Context(), []runtime.TaskConfig{{Name: "lamps", Samples: g.samples}}); err != nil {
		tb.Fatal(err)
	}
	o := Options{Version: "test", Log: log, Store: g.store.Store}
	for _, set := range options {
		set(&o)
	}
	if g.Server, err = New(rt, o); err != nil {
		tb.Fatal(err)
	}
	return g
}

// run runs the runtime until the test ends.
func (g *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	wait, err := g.rt.Start(ctx)
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

// eventually waits for what must become true; how long is no matter of the test.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not after 20 s", what)
		}
	}
}

// addEmpty adds a task without a generation.
func (g *rig) addEmpty() {
	g.tb.Helper()
	if err := g.rt.SetTasks(g.tb.Context(), []runtime.TaskConfig{{Name: "lamps", Samples: g.samples}, {Name: "empty"}}); err != nil {
		g.tb.Fatal(err)
	}
}

// keys makes the server ask for tokens and returns one of each scope.
func keys(tb testing.TB, o *Options) map[access.Scope]string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tokens.json")
	tokens := map[access.Scope]string{}
	for _, scope := range access.Scopes() {
		_, text, err := access.Add(path, string(scope)+" token", scope, time.Time{})
		if err != nil {
			tb.Fatal(err)
		}
		tokens[scope] = text
	}
	k, err := access.OpenKeys(path, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	o.Keys = k
	return tokens
}

// ask is a request as the handler sees it: from loopback, to loopback.
type ask struct {
	method, path string
	body         []byte
	header       map[string]string
	host         string   // "": 127.0.0.1:8080
	from         string   // "": 127.0.0.1:5000
	to           net.Addr // nil: 127.0.0.1:8080
	chunked      bool     // the length is not said
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(tb testing.TB, v any) {
	tb.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		tb.Fatalf("%v in %s", err, a.body)
	}
}

// do asks, and checks the answer against openapi.yaml.
func (g *rig) do(a ask) answer {
	g.tb.Helper()
	req := a.request(g.tb)
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, req)
	res := answer{w.Code, w.Header(), w.Body.Bytes()}
	g.checked.answer(g.tb, req, res)
	return res
}

func (a ask) request(tb testing.TB) *http.Request {
	var body io.Reader
	if a.body != nil {
		body = bytes.NewReader(a.body)
	}
	if a.chunked {
		body = io.NopCloser(body)
	}
	to := a.to
	if to == nil {
		to = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	}
	req := httptest.NewRequestWithContext(context.WithValue(tb.Context(), http.LocalAddrContextKey, to), a.method, a.path, body)
	req.RemoteAddr, req.Host = "127.0.0.1:5000", "127.0.0.1:8080"
	if a.from != "" {
		req.RemoteAddr = a.from
	}
	if a.host != "" {
		req.Host = a.host
	}
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	if a.chunked {
		req.ContentLength = -1
	}
	return req
}

func (g *rig) get(path string) answer {
	g.tb.Helper()
	return g.do(ask{method: http.MethodGet, path: path})
}

// send sends a body of JSON, or a picture.
func (g *rig) send(method, path string, body []byte) answer {
	g.tb.Helper()
	kind := "application/json"
	if bytes.HasPrefix(body, []byte("\x89PNG")) {
		kind = "image/png"
	}
	return g.do(ask{method: method, path: path, body: body, header: map[string]string{"Content-Type": kind}})
}

// want checks the status, and that an error holds a text and a hint.
func (g *rig) want(a answer, status int, text string) {
	g.tb.Helper()
	if a.status != status || !strings.Contains(string(a.body), text) {
		g.tb.Errorf("%d %s, want %d and %q", a.status, a.body, status, text)
	}
}

// with returns header with more in it.
func with(header map[string]string, more ...string) map[string]string {
	header = maps.Clone(header)
	if header == nil {
		header = map[string]string{}
	}
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = more[i+1]
	}
	return header
}
