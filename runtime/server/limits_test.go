package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func TestLimitsOfBodies(t *testing.T) {
	g := newRig(t, func(o *Options) {
		o.Limits.Body, o.Limits.Memory, o.Limits.Picture.Bytes, o.Limits.Pictures = 2000, 1<<20, 1000, 2
	})
	long := bytes.Repeat([]byte{' '}, 2001)
	for _, chunked := range []bool{false, true} {
		for _, path := range []string{"/v1/models/lamps:predict", "/v2/models/lamps/infer", "/api/image", "/api/tasks/lamps/samples?label=red"} {
			g.want(g.do(ask{method: "POST", path: path, body: long, chunked: chunked, header: map[string]string{"Content-Type": "image/png"}}), 413, "than")
		}
		a := inferBody(`{"inputs":[]}`, long)
		a.chunked = chunked
		g.want(g.do(a), 413, "longer than 2000")
		body, kind := form(t, long[:1500])
		g.want(g.do(ask{method: "POST", path: "/api/image", body: body, chunked: chunked, header: map[string]string{"Content-Type": kind}}), 413, "more than 1000")
		body, kind = form(t, shot("red", 1), shot("red", 1), shot("red", 1))
		g.want(g.do(ask{method: "POST", path: "/api/image", body: body, chunked: chunked, header: map[string]string{"Content-Type": kind}}), 413, "more than 2 files")
	}
	g.want(g.do(ask{method: "POST", path: "/api/image", body: shot("red", 1), header: map[string]string{"Content-Type": "image/png", "Content-Encoding": "gzip"}}), 415, "gzip")
	if !g.memory.TryAcquire(1 << 20) {
		t.Error("memory was not given back")
	}
	g.want(g.send("POST", "/api/image", shot("red", 1)), 503, "bodies of other requests")
	g.want(g.send("POST", "/v1/models/lamps:predict", []byte(`{}`)), 503, "bodies of other requests")
	body, kind := form(t, shot("red", 1))
	g.want(g.do(ask{method: "POST", path: "/api/image", body: body, header: map[string]string{"Content-Type": kind}}), 503, "bodies of other requests")
	g.want(g.get("/api/info"), 200, "")
	g.memory.Release(1 << 20)
	g.want(g.send("POST", "/api/image", shot("red", 1)), 200, "")
}

// TestBombs sends little that asks for much.
func TestBombs(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Memory = 64 << 20 })
	for _, header := range []string{
		`{"inputs":[{"name":"pixels","shape":[2000000000,8,8,3],"datatype":"FP32","data":[]}]}`,
		`{"inputs":[{"name":"image","shape":[1,2000000000,2000000000,3],"datatype":"UINT8","data":[]}]}`,
		`{"inputs":[{"name":"image","shape":[64,700,700,3],"datatype":"UINT8","data":[1]}]}`,
		`{"inputs":[{"name":"encoded","shape":[64],"datatype":"BYTES","parameters":{"binary_data_size":1099511627775}}]}`,
		strings.Repeat(`{"inputs":[`, 100_000),
		strings.Repeat(`[`, 1_000_000),
	} {
		g.want(g.send("POST", "/v2/models/lamps/infer", []byte(header)), statusFor(header), "")
		g.want(g.send("POST", "/v1/models/lamps:predict", []byte(header)), 400, "")
	}
}

func statusFor(header string) int {
	if strings.Contains(header, "000000000") || strings.Contains(header, "[64,700") {
		if strings.Contains(header, "[64,700") {
			return 400 // within the limits, and not there
		}
		return 413
	}
	return 400
}

func TestNoRoom(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Requests, o.Limits.Streams = 1, 1 })
	wait := make(chan struct{})
	g.engine.set(nil, wait)
	ended := make(chan answer)
	go func() { ended <- g.send("POST", "/api/image", shot("red", 1)) }()
	eventually(t, "the first request is served", func() bool { return len(g.requests) == 1 })
	a := g.send("POST", "/api/image", shot("red", 1))
	g.want(a, 503, "1 requests are being served")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("%v", a.header)
	}
	g.want(g.get("/healthz"), 200, "")
	close(wait)
	g.want(<-ended, 200, "red")
	g.streams <- struct{}{}
	g.want(g.get("/api/events"), 503, "1 event streams are being served")
}

func TestRequestsEnd(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Wait = 50 * time.Millisecond })
	wait := make(chan struct{})
	g.engine.set(nil, wait)
	task, err := g.rt.Task("lamps")
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for range 2 { // interpreters
		both.Go(func() {
			if _, err := task.Classify(context.Background(), pixel.NewRGB(8, 8)); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "both interpreters are used", func() bool { return g.engine.inside.Load() == 2 })
	g.want(g.send("POST", "/api/image", shot("red", 1)), 503, "took too long")
	close(wait)
	both.Wait()
}

// TestClientGone stops waiting when nobody waits for the answer.
func TestClientGone(t *testing.T) {
	g := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	req := ask{method: "POST", path: "/v1/models/lamps:predict", body: []byte(`{"instances":[` + file("red") + `]}`)}.request(t)
	w := newRecorder()
	g.Handler().ServeHTTP(w, req.WithContext(context.WithValue(ctx, http.LocalAddrContextKey, req.Context().Value(http.LocalAddrContextKey))))
	if w.Body.Len() != 0 || !strings.Contains(g.log.String(), "status=499") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, &g.log)
	}
}

// TestBodyCutOff answers a body that ends too early.
func TestBodyCutOff(t *testing.T) {
	g := newRig(t)
	for _, path := range []string{"/v1/models/lamps:predict", "/v2/models/lamps/infer", "/api/image"} {
		req := ask{method: "POST", path: path, body: []byte("abc"), header: map[string]string{"Content-Type": "image/png"}}.request(t)
		req.ContentLength, req.Body = 100, io.NopCloser(strings.NewReader("abc"))
		w := newRecorder()
		g.Handler().ServeHTTP(w, req)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "ended before its time") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestLimitsAreChecked(t *testing.T) {
	if _, err := (Limits{Body: 10, Memory: 9}).orDefault(); err == nil {
		t.Error("no error")
	}
	if _, err := (Limits{Requests: -1}).orDefault(); err == nil {
		t.Error("no error")
	}
	l, err := Limits{}.orDefault()
	if err != nil || l.Body != 64<<20 || l.Wait != time.Minute {
		t.Errorf("%+v %v", l, err)
	}
}
