package server

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/samples"
)

func TestSamples(t *testing.T) {
	g := newRig(t)
	const all, labels = "/api/tasks/lamps/samples", "/api/tasks/lamps/labels"
	g.want(g.get(labels), 200, `{"labels":[]}`)
	g.want(g.get(all), 200, `{"samples":[]}`)
	var got struct {
		Added  []samples.Added
		Failed []fileError
	}
	g.send("POST", all+"?label=red", shot("red", 1)).json(t, &got)
	if len(got.Added) != 1 || got.Added[0].Label != "red" || got.Added[0].Existed || got.Added[0].Width != 16 {
		t.Fatalf("%+v", got)
	}
	first := got.Added[0]
	g.want(g.send("POST", all+"?label=red", shot("red", 1)), 201, `"existed":true`)
	g.want(g.send("POST", all+"?label=green", shot("red", 1)), 409, "under the label")
	body, kind := form(t, shot("green", 1), []byte("text"), shot("green", 2))
	g.do(ask{method: "POST", path: all + "?label=gr%C3%BCn%20%2B", body: body, header: map[string]string{"Content-Type": kind}}).json(t, &got)
	if len(got.Added) != 2 || len(got.Failed) != 1 || got.Failed[0].File != "b.png" {
		t.Errorf("%+v", got)
	}
	g.want(g.get(labels), 200, `{"labels":[{"label":"grün +","samples":2},{"label":"red","samples":1}]}`)

	var page samples.Page
	var listed int
	for next := ""; ; {
		g.get(all+"?limit=2&after="+strings.ReplaceAll(next, "+", "%2B")).json(t, &page)
		listed += len(page.Samples)
		if next = strings.ReplaceAll(page.Next, " ", "%20"); next == "" {
			break
		}
		page = samples.Page{}
	}
	if listed != 3 {
		t.Errorf("%d samples in pages of two", listed)
	}
	g.want(g.get(all+"?label=red"), 200, first.Name)
	g.want(g.get(all+"?label=nobody"), 404, "nobody")
	g.want(g.get(all+"?limit=0"), 400, "from 1 to 1000")

	one := all + "/red/" + first.Name
	a := g.get(one)
	if a.status != 200 || !bytes.Equal(a.body, shot("red", 1)) || a.header.Get("Content-Type") != "image/png" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", a.status, a.header)
	}
	g.want(g.get(one+"x"), 404, "not in the samples")
	g.want(g.send("PATCH", one, []byte(`{"label":"../red"}`)), 400, "not a usable name")
	g.want(g.send("PATCH", one, []byte(`{"lable":"blue"}`)), 400, "unknown field")
	g.want(g.send("PATCH", one, []byte(`{"label":"blue"}`)), 200, `"label":"blue"`)
	g.want(g.get(one), 404, "")
	g.want(g.send("DELETE", all+"/blue/"+first.Name, nil), 204, "")
	g.want(g.send("DELETE", all+"/blue/"+first.Name, nil), 404, "")
	if err := os.MkdirAll(filepath.Join(g.samples, "red", "deep", "er"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.samples, "red", "deep", "er", "x y.png"), shot("red", 5), 0o644); err != nil {
		t.Fatal(err)
	}
	g.want(g.get(all+"/red/deep/er/x%20y.png"), 200, "PNG")
	g.want(g.send("DELETE", all+"/red/deep/er/x%20y.png", nil), 204, "")

	g.want(g.send("POST", labels, []byte(`{"label":"new"}`)), 201, `{"label":"new","samples":0}`)
	g.want(g.send("POST", labels, []byte(`{"label":"new"}`)), 409, "there already")
	g.want(g.send("POST", labels, []byte(`{"label":"test"}`)), 400, "part samples")
	g.want(g.send("PATCH", labels+"/new", []byte(`{"label":"newer"}`)), 200, "newer")
	g.want(g.send("PATCH", labels+"/newer", []byte(`{"label":"red"}`)), 409, "there already")
	g.want(g.send("DELETE", labels+"/newer", nil), 204, "")
	g.want(g.send("DELETE", labels+"/gr%C3%BCn%20+", nil), 409, "not empty")
	g.want(g.send("DELETE", labels+"/gr%C3%BCn%20+?samples=keep", nil), 400, "not understood")
	g.want(g.send("DELETE", labels+"/gr%C3%BCn%20+?samples=remove", nil), 204, "")
	g.want(g.send("POST", all, shot("red", 1)), 400, "?label=LABEL")
}

func TestSamplesNobodyHas(t *testing.T) {
	g := newRig(t)
	g.addEmpty()
	for _, a := range []answer{
		g.get("/api/tasks/empty/samples"), g.get("/api/tasks/empty/labels"), g.get("/api/tasks/empty/samples/a/b"),
		g.send("POST", "/api/tasks/empty/samples?label=a", shot("red", 1)), g.send("PATCH", "/api/tasks/empty/samples/a/b", []byte(`{"label":"c"}`)),
		g.send("DELETE", "/api/tasks/empty/samples/a/b", nil), g.send("POST", "/api/tasks/empty/labels", []byte(`{"label":"c"}`)),
		g.send("PATCH", "/api/tasks/empty/labels/a", []byte(`{"label":"c"}`)), g.send("DELETE", "/api/tasks/empty/labels/a", nil),
	} {
		g.want(a, 409, "tasks.empty.samples")
	}
	g.want(g.get("/api/tasks/nobody/samples"), 404, "no such task")
}

// TestNoSampleEscapes asks the way a browser, curl and an attacker would.
func TestNoSampleEscapes(t *testing.T) {
	g := newRig(t)
	secret := filepath.Join(filepath.Dir(g.samples), "secret.png")
	for name, data := range map[string][]byte{secret: shot("red", 7), filepath.Join(g.samples, "red", "x.png"): shot("red", 1)} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../secret.png", filepath.Join(g.samples, "red", "link.png")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"red/%2e%2e/%2e%2e/secret.png", "red/..%2f..%2fsecret.png", "..%2f/secret.png", "%2e%2e/secret.png", "red/%2f" + strings.TrimPrefix(secret, "/"),
		"red/link.png", "red/%00", "red/..%5c..%5csecret.png", "red/%c0%ae%c0%ae/secret.png", "red//x.png", "red/x.png%00.jpg", ".%2e/secret.png",
	} {
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			if method != "GET" && strings.HasSuffix(path, "link.png") {
				continue
			}
			a := g.send(method, "/api/tasks/lamps/samples/"+path, []byte(`{"label":"blue"}`))
			if a.status < 300 || bytes.Contains(a.body, []byte("PNG")) {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
		}
	}
	for _, label := range []string{"..", "%2e%2e", "a/b", "..%2f..", ".hidden", "%00", "%2f"} {
		if a := g.send("POST", "/api/tasks/lamps/samples?label="+label, shot("blue", 3)); a.status != 400 {
			t.Errorf("%s: %d %s", label, a.status, a.body)
		}
		if a := g.send("DELETE", "/api/tasks/lamps/labels/"+label+"?samples=remove", nil); a.status < 300 {
			t.Errorf("%s: %d %s", label, a.status, a.body)
		}
	}
	if data, err := os.ReadFile(secret); err != nil || !bytes.Equal(data, shot("red", 7)) {
		t.Error("the secret was changed")
	}
	if _, err := os.Stat(filepath.Join(g.samples, "red", "x.png")); err != nil {
		t.Error(err)
	}
}

func TestStatuses(t *testing.T) {
	for status, errs := range map[int][]error{
		404: {runtime.ErrNoTask, samples.ErrNotFound},
		507: {unix.ENOSPC, unix.EDQUOT},
		500: {unix.EROFS, fs.ErrPermission, errors.New("who knows")},
		409: {runtime.ErrAdapting, samples.ErrExists, samples.ErrParted},
		503: {runtime.ErrNotServing, runtime.ErrClosed, errWait},
	} {
		for _, err := range errs {
			if got := statusOf(fmt.Errorf("a: %w", err)); got != status {
				t.Errorf("%v: %d, want %d", err, got, status)
			}
		}
	}
}
