package models_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/fleet/receiver"
	"github.com/edge-adapt/edge/models/fleet/records"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// publisher is a repository that is served over HTTP, and a fleet's receiver that
// halts its roll-outs.
type publisher struct {
	*publish.Repository
	t      *testing.T
	root   []byte
	origin *httptest.Server
	tally  *tally

	fleet     string // address
	enrolment string // token
	reader    string // token
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{t: t}
	p.Repository, p.root = newRepository(t)
	p.tally = &tally{next: &publish.Server{Dir: p.Public()}, bytes: map[string]map[string]int64{}}
	p.origin = httptest.NewServer(p.tally)
	t.Cleanup(p.origin.Close)
	p.receive()
	return p
}

// newRepository makes a repository whose four keys are in variables, and returns it
// with its root.
func newRepository(t *testing.T) (*publish.Repository, []byte) {
	t.Helper()
	keys := map[string]string{}
	o := publish.InitOptions{
		Keys:  publish.KeyRing{Getenv: func(name string) string { return keys[name] }},
		Roles: map[publish.Role]publish.RoleKeys{},
	}
	for _, role := range publish.Roles() {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		must(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		keys[string(role)] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		o.Roles[role] = publish.RoleKeys{Keys: []publish.KeySpec{{Reference: "env:" + string(role)}}}
	}
	r, err := publish.Init(t.Context(), filepath.Join(t.TempDir(), "repository"), o)
	must(t, err)
	root, err := os.ReadFile(filepath.Join(r.Public(), "metadata", "1.root.json"))
	must(t, err)
	return r, root
}

// receive starts the fleet's receiver, until the test ends.
func (p *publisher) receive() {
	t := p.t
	kept, err := records.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "fleet.sqlite"))
	must(t, err)
	o := receiver.Options{Records: kept, Halt: p.Halt, Rule: receiver.Rule{Devices: 2}}
	for _, of := range []struct {
		keys  **access.Keys
		scope access.Scope
		token *string
	}{{&o.Enrolment, access.Read, &p.enrolment}, {&o.Keys, access.Read, &p.reader}} {
		path := filepath.Join(t.TempDir(), "tokens.json")
		_, *of.token, err = access.Add(path, "story", of.scope, time.Time{})
		must(t, err)
		*of.keys, err = access.OpenKeys(path, slog.New(slog.DiscardHandler))
		must(t, err)
	}
	r, err := receiver.New(o)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p.fleet = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		must(t, kept.Close())
	})
}

// state is what the receiver shows of the fleet.
func (p *publisher) state() (f receiver.Fleet) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.fleet+"/api/fleet", nil)
	must(p.t, err)
	req.Header.Set("Authorization", "Bearer "+p.reader)
	resp, err := http.DefaultClient.Do(req)
	must(p.t, err)
	defer resp.Body.Close()
	must(p.t, json.NewDecoder(resp.Body).Decode(&f))
	return f
}

// add publishes a bundle to everybody.
func (p *publisher) add(s *studio, path string) release.Release {
	p.t.Helper()
	r, err := p.Add(p.t.Context(), publish.AddOptions{
		Bundle: path, Channel: "stable", Percent: 100, Known: []string{s.parent.Path}, Score: s.score,
	})
	must(p.t, err)
	return r
}

// score makes the scores of a self-test.
func (s *studio) score(ctx context.Context, path, headPath string, pictures [][]float32) ([][]float32, error) {
	data, err := os.ReadFile(headPath)
	if err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, err
	}
	d, _, err := digest.OfFile(path)
	if err != nil {
		return nil, err
	}
	b, err := s.engine.OpenBase(ctx, path, d)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var scores [][]float32
	features, scratch := make([]float32, h.Features), make([]float32, h.Scratch())
	for _, pixels := range pictures {
		if err := b.Embed(features, pixels); err != nil {
			return nil, err
		}
		dst := make([]float32, h.Classes)
		h.Scores(dst, features, scratch)
		scores = append(scores, dst)
	}
	return scores, nil
}

// bundle trains a head for a base on the server's pictures, and packs both as a
// trainer does. It returns the bundle's path.
func (s *studio) bundle(source base.Source, dir string) string {
	t := s.t
	t.Helper()
	store, err := models.Open(filepath.Join(t.TempDir(), "server"))
	must(t, err)
	draft, err := store.Begin(task)
	must(t, err)
	defer draft.Discard()
	b := s.open(source)
	result, err := adapt.Run(t.Context(), adapt.Config{Dir: dir, Extractor: b.Extractor(), Recipe: adapt.DefaultRecipe()})
	must(t, err)
	run := device.Describe(task, b, result, "v1.0.0")
	must(t, device.Keep(t.Context(), device.Keeping{Store: store, Draft: draft, Dir: dir, Base: b, Result: result, Run: run, Exemplars: true}))
	g, err := store.Generation(task, run.Generation)
	must(t, err)
	f, err := os.Create(filepath.Join(t.TempDir(), "bundle.tar"))
	must(t, err)
	must(t, bundle.Write(t.Context(), f, g))
	must(t, f.Close())
	return f.Name()
}

// tally counts the bytes that each device fetches, by the first folders of the name.
type tally struct {
	next  http.Handler
	mu    sync.Mutex
	bytes map[string]map[string]int64 // by user agent
}

func (y *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := strings.Join(strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)[:2], "/")
	if !strings.HasPrefix(kind, "targets/") {
		kind = "metadata"
	}
	y.next.ServeHTTP(&counting{w, func(n int) {
		y.mu.Lock()
		defer y.mu.Unlock()
		if y.bytes[r.UserAgent()] == nil {
			y.bytes[r.UserAgent()] = map[string]int64{}
		}
		y.bytes[r.UserAgent()][kind] += int64(n)
	}}, r)
}

// of returns what a device has fetched since it was last asked.
func (y *tally) of(name string) map[string]int64 {
	y.mu.Lock()
	defer y.mu.Unlock()
	got := y.bytes[name]
	delete(y.bytes, name)
	return got
}

type counting struct {
	http.ResponseWriter
	count func(n int)
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.count(n)
	return n, err
}
