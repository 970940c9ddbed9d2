package server

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

func TestState(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Machine = func() any { return map[string]int{"memory": 7} } })
	g.want(g.get("/healthz"), 200, `"live":true`)
	g.want(g.get("/readyz"), 200, `{"ready":true}`)
	var i info
	g.get("/api/info").json(t, &i)
	if i.Version != "test" || !slices.Equal(i.Tasks, []string{"lamps"}) || i.Scope != "admin" || i.Uptime < 0 || i.Machine == nil || !i.Ready {
		t.Errorf("%+v", i)
	}
	a := g.get("/metrics")
	g.want(a, 200, "edge_generation{task=\"lamps\"} 1")
	g.want(a, 200, `edge_http_requests_total{code="2xx",method="GET",route="/healthz"} 1`)
	g.addEmpty()
	g.want(g.get("/readyz"), 503, "no generation serves")
	g.want(g.get("/v2/health/ready"), 503, `{"ready":false}`)
	g.want(g.get("/api/info"), 200, `"ready":false`)
}

func TestTasks(t *testing.T) {
	g := newRig(t)
	g.addEmpty()
	var all struct{ Tasks []runtime.TaskStatus }
	g.get("/api/tasks").json(t, &all)
	if len(all.Tasks) != 2 || all.Tasks[0].Task != "empty" || all.Tasks[0].Serving || all.Tasks[1].Model.Generation != 1 {
		t.Errorf("%+v", all)
	}
	var one runtime.TaskStatus
	g.get("/api/tasks/lamps").json(t, &one)
	if !slices.Equal(one.Model.Labels, rgbLabels) {
		t.Errorf("%+v", one)
	}
	g.want(g.get("/api/tasks/nobody"), 404, `"hint":"there are: empty, lamps"`)
}

func TestAdapt(t *testing.T) {
	g := newRig(t)
	g.want(g.send("POST", "/api/tasks/lamps/adapt", nil), 503, "does not run")
	g.run()
	events := g.rt.Events().Subscribe(8)
	defer events.Close()
	g.want(g.send("POST", "/api/tasks/lamps/adapt", nil), 202, `"running":`) // it may have ended already
	eventually(t, "the adaptation ends", func() bool {
		select {
		case e := <-events.C:
			return e.Kind == runtime.KindAdaptFailed
		default:
			return false
		}
	})
	if g.adapts.Load() != 1 {
		t.Errorf("adapted %d times", g.adapts.Load())
	}
	g.want(g.get("/api/tasks/lamps/adapt"), 200, `"running"`)
	g.addEmpty()
	g.want(g.send("POST", "/api/tasks/empty/adapt", nil), 409, "no folder of samples")
}

// form is a form with files called file.
func form(tb testing.TB, files ...[]byte) (body []byte, contentType string) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("comment", "not a file"); err != nil {
		tb.Fatal(err)
	}
	for i, data := range files {
		part, err := w.CreateFormFile("file", string(rune('a'+i))+".png")
		if err == nil {
			_, err = part.Write(data)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func TestImage(t *testing.T) {
	g := newRig(t)
	for _, label := range rgbLabels {
		var a runtime.Answer
		g.send("POST", "/api/image?task=lamps", shot(label, 1)).json(t, &a)
		if a.Label != label || a.Score < 0.9 || a.Generation != 1 || a.Task != "lamps" || len(a.Top) != 3 {
			t.Errorf("%s: %+v", label, a)
		}
	}
	upload := func(path string, files ...[]byte) answer {
		t.Helper()
		body, kind := form(t, files...)
		return g.do(ask{method: "POST", path: path, body: body, header: map[string]string{"Content-Type": kind}})
	}
	g.want(upload("/api/image", shot("green", 1)), 200, `"label":"green"`)
	var many struct {
		Answers []struct{ Label, File, Error, Hint string }
	}
	upload("/api/image", []byte("text"), shot("green", 1), shot("blue", 1)[:50], shot("red", 1)).json(t, &many)
	if a := many.Answers; len(a) != 4 || a[0].File != "a.png" || a[0].Error == "" || a[1].Label != "green" || a[2].File != "c.png" || a[3].Label != "red" {
		t.Errorf("%+v", a)
	}
	g.want(upload("/api/image", []byte("text")), 415, "not a picture")
	g.want(upload("/api/image"), 400, "no field called file")
	g.want(g.do(ask{method: "POST", path: "/api/image", body: []byte("--x"), header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}}), 400, "the form")
	g.want(g.do(ask{method: "POST", path: "/api/image", body: []byte("--x"), header: map[string]string{"Content-Type": "multipart/form-data"}}), 400, "")
	g.want(g.do(ask{method: "POST", path: "/api/image", body: shot("red", 1), header: map[string]string{"Content-Type": "image/jpeg"}, chunked: true}), 200, `"red"`)
	g.want(g.do(ask{method: "POST", path: "/api/image", body: shot("red", 1)}), 415, "--data-binary")
	g.want(g.send("POST", "/api/image", []byte("{}")), 415, "is no picture")
	g.want(g.send("POST", "/api/image?task=nobody", shot("red", 1)), 404, "no such task")
	g.want(g.send("POST", "/api/image", append(shot("red", 1)[:40], make([]byte, 99)...)), 400, "")
	g.addEmpty()
	g.want(g.send("POST", "/api/image", shot("red", 1)), 400, "?task=NAME: empty, lamps")
	g.want(g.send("POST", "/api/image?task=empty", shot("red", 1)), 503, "no generation serves")
	g.engine.set(errors.New("the interpreter broke"), nil)
	g.want(g.send("POST", "/api/image?task=lamps", shot("red", 1)), 500, "the interpreter broke")
	if !strings.Contains(g.log.String(), "level=ERROR msg=\"request failed\"") {
		t.Error("a fault is not in the log")
	}
}

func TestBusy(t *testing.T) {
	var busy error
	g := newRig(t, func(o *Options) { o.Busy = func() error { return busy } })
	busy = hint.Wrap(errors.New("memory is short"), "wait")
	for _, path := range []string{"/api/image", "/v1/models/lamps:predict", "/v2/models/lamps/infer", "/api/tasks/lamps/samples?label=red", "/api/tasks/lamps/adapt"} {
		a := g.send("POST", path, shot("red", 1))
		g.want(a, http.StatusServiceUnavailable, "memory is short")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	g.want(g.get("/api/tasks"), 200, "lamps")
	busy = nil
	g.want(g.send("POST", "/api/image", shot("red", 1)), 200, "red")
}
