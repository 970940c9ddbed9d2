package receiver

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/fleet/records"
	"github.com/edge-adapt/edge/runtime/server/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// key is a device's identity, made from its number.
type key struct{ ed25519.PrivateKey }

func keyOf(n int) key {
	seed := sha256.Sum256(fmt.Append(nil, n))
	return key{ed25519.NewKeyFromSeed(seed[:])}
}

func (k key) ID() string                 { return fleet.ID(k.Public()) }
func (k key) Public() ed25519.PublicKey  { return k.PrivateKey.Public().(ed25519.PublicKey) }
func (k key) Sign(payload []byte) []byte { return ed25519.Sign(k.PrivateKey, payload) }

// rig is a receiver that serves on loopback until the test ends.
type rig struct {
	*Receiver
	t   testing.TB
	url string
}

func newRig(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	r, err := records.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "fleet.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Records: r, Version: "v9", Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	receiver, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- receiver.Serve(ctx, l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{receiver, t, "http://" + l.Addr().String()}
}

// tokens makes a file with one token and returns the keys and the token.
func tokens(t testing.TB, scopes ...access.Scope) (*access.Keys, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.json")
	var texts []string
	for _, s := range scopes {
		_, text, err := access.Add(path, "name of "+string(s), s, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	keys, err := access.OpenKeys(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return keys, texts
}

func (g *rig) client(n int, token string) *fleet.Client {
	g.t.Helper()
	c, err := fleet.NewClient(fleet.ClientOptions{URL: g.url, Identity: keyOf(n), Token: func() (string, error) { return token, nil }})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(c.Close)
	return c
}

// report is one of device with a task that uses a release of stable.
func report(release int, rollbacks ...fleet.Rollback) fleet.Report {
	return fleet.Report{
		Sent: noon, Edge: "v1.0.0", Architecture: "arm64", Channel: "stable", Health: fleet.Health{Ready: true},
		Tasks: []fleet.Task{{Task: "lamps", Generation: release, Release: release, State: fleet.Good, Rollbacks: rollbacks}},
	}
}

func back(release int) fleet.Rollback {
	return fleet.Rollback{When: noon, Generation: release, Release: release, To: 1, By: fleet.ByProbation, Reason: "worse"}
}

func (g *rig) send(n int, r fleet.Report) {
	g.t.Helper()
	if err := g.client(n, "").Send(context.Background(), r); err != nil {
		g.t.Fatal(err)
	}
}

// get asks for JSON.
func (g *rig) get(path, token string, v any) (status int) {
	g.t.Helper()
	return g.do(http.MethodGet, path, token, "", v)
}

func (g *rig) do(method, path, token, body string, v any) (status int) {
	g.t.Helper()
	req, err := http.NewRequest(method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && v != nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		g.t.Fatalf("%s %s: %v\n%s", method, path, err, data)
	}
	return resp.StatusCode
}

// until waits for something that happens in the background.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about: %s", what)
		}
	}
}

// A fleet of devices takes a release, and goes back from it one after the other: its
// roll-out is halted, once, and all of it is to be seen.
func TestFleetHaltsARollOut(t *testing.T) {
	type halt struct {
		channel string
		release int
		reason  string
	}
	var mu sync.Mutex
	var halts []halt
	g := newRig(t, func(o *Options) {
		o.Rule = Rule{Limit: 0.1, Devices: 10}
		o.Halt = func(_ context.Context, channel string, release int, reason string) error {
			mu.Lock()
			defer mu.Unlock()
			halts = append(halts, halt{channel, release, reason})
			if len(halts) == 1 {
				return errors.New("the repository is locked")
			}
			return nil
		}
	})
	const devices = 20
	for i := range devices {
		g.send(i, report(7))
	}
	for i := range 4 { // 4 of 20: at least 9 % with 95 % confidence, and so not yet
		g.send(i, report(6, back(7)))
	}
	if err := g.halter.look(t.Context()); err != nil || len(halts) > 0 {
		t.Fatalf("%v, %v", halts, err)
	}
	g.send(4, report(6, back(7)))
	until(t, "the halt was tried", func() bool { mu.Lock(); defer mu.Unlock(); return len(halts) == 1 })
	var f Fleet
	until(t, "its failure shows", func() bool { return g.get("/api/fleet", "", &f) == 200 && len(f.Over) == 1 })
	if o := f.Over[0]; o.Channel != "stable" || o.Release != 7 || o.Devices != devices || o.Rollbacks != 5 || o.Problem != "the repository is locked" {
		t.Errorf("%+v", o)
	}
	g.halter.soon()
	until(t, "it is halted", func() bool { mu.Lock(); defer mu.Unlock(); return len(halts) == 2 })
	until(t, "the halt is on record", func() bool {
		g.mu.Lock()
		g.last = Fleet{}
		g.mu.Unlock()
		f = Fleet{}
		return g.get("/api/fleet", "", &f) == 200 && len(f.Over) == 0 && f.Releases[0].Halt != nil
	})
	if r := f.Releases[0]; r.Release != 7 || r.Activated != devices || r.RolledBack != 5 || r.Halt.Rollbacks != 5 || !strings.Contains(r.Halt.Reason, "5 of 20 devices went back") {
		t.Errorf("%+v", r)
	}
	g.send(5, report(6, back(7)))
	if err := g.halter.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(halts) != 2 || halts[1] != (halt{"stable", 7, halts[0].reason}) {
		t.Errorf("%+v", halts)
	}
}

// Without a repository the rule is shown, and nothing is done.
func TestNobodyHalts(t *testing.T) {
	g := newRig(t, nil)
	for i := range 5 {
		g.send(i, report(3))
		g.send(i, report(2, back(3)))
	}
	if err := g.halter.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var f Fleet
	if g.get("/api/fleet", "", &f); len(f.Over) != 1 || f.Over[0].Problem != errNobodyHalts.Error() {
		t.Errorf("%+v", f.Over)
	}
}

func TestEnrolmentTokens(t *testing.T) {
	enrolment, theirs := tokens(t, access.Read)
	people, ours := tokens(t, access.Read, access.Admin)
	g := newRig(t, func(o *Options) { o.Enrolment, o.Keys = enrolment, people })
	for _, token := range []string{"", ours[0], ours[1], "edge_aaaaaaaa_x"} {
		var no *fleet.Refused
		if err := g.client(1, token).Send(t.Context(), report(1)); !errors.As(err, &no) || no.Status != 401 {
			t.Errorf("token %.13q: %v, want 401", token, err)
		}
	}
	if err := g.client(1, theirs[0]).Send(t.Context(), report(1)); err != nil {
		t.Error(err)
	}
	if err := g.client(1, "").Send(t.Context(), report(1)); err != nil {
		t.Errorf("once enrolled: %v", err)
	}
	id := keyOf(1).ID()
	for _, c := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/api/fleet", "", 401},
		{"GET", "/api/fleet", theirs[0], 401},
		{"GET", "/api/fleet", ours[0], 200},
		{"GET", "/api/devices", "", 401},
		{"GET", "/api/devices/" + id, ours[0], 200},
		{"GET", "/api/devices/" + id, "", 401},
		{"GET", "/api/devices/nobody", ours[0], 404},
		{"GET", "/api/devices?limit=x", ours[0], 400},
		{"GET", "/api/devices?limit=1001", ours[0], 400},
		{"GET", "/api/devices?after=../x", ours[0], 400},
		{"GET", "/api/devices?stuck=perhaps", ours[0], 400},
		{"GET", "/metrics", "", 401},
		{"GET", "/metrics", ours[0], 200},
		{"GET", "/healthz", "", 200},
		{"GET", "/", "", 200},
		{"GET", "/fleet.js", "", 200},
		{"GET", "/api/nothing", ours[0], 404},
		{"GET", "/page/index.html", ours[0], 404},
		{"POST", "/api/devices/" + id + "/block", "", 401},
		{"POST", "/api/devices/" + id + "/block", ours[0], 403},
		{"DELETE", "/api/devices/" + id, ours[0], 403},
		{"POST", "/api/devices/" + id + "/block", ours[1], 200},
		{"POST", "/api/devices/nobody/block", ours[1], 404},
	} {
		if status := g.do(c.method, c.path, c.token, `{"reason":"stolen"}`, nil); status != c.status {
			t.Errorf("%s %s with %.13q: %d, want %d", c.method, c.path, c.token, status, c.status)
		}
	}
	var no *fleet.Refused
	for what, err := range map[string]error{"report": g.client(1, theirs[0]).Send(t.Context(), report(1)), "enrolment": g.client(1, theirs[0]).Enrol(t.Context())} {
		if !errors.As(err, &no) || no.Code != fleet.CodeBlocked {
			t.Errorf("%s of a blocked device: %v", what, err)
		}
	}
	var d records.Detail
	if g.get("/api/devices/"+id, ours[1], &d); d.Blocked != "stolen" || d.EnrolledBy != "name of read" || d.Report == nil {
		t.Errorf("%+v", d)
	}
	if g.do("POST", "/api/devices/"+id+"/block", ours[1], `{}`, nil) != 400 || g.do("POST", "/api/devices/"+id+"/unblock", ours[1], "", nil) != 200 {
		t.Error("block without a reason, or unblock")
	}
	if err := g.client(1, "").Send(t.Context(), report(1)); err != nil {
		t.Error(err)
	}
	if g.do("DELETE", "/api/devices/"+id, ours[1], "", nil) != 200 || g.get("/api/devices/"+id, ours[1], nil) != 404 {
		t.Error("forget")
	}
}

// A device whose clock is ten years behind gets through, and its report says so.
func TestWrongClock(t *testing.T) {
	g := newRig(t, nil)
	c, err := fleet.NewClient(fleet.ClientOptions{URL: g.url, Identity: keyOf(1), Now: func() time.Time { return time.Now().AddDate(-10, 0, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if err := c.Send(t.Context(), report(1)); err != nil {
			t.Fatal(err)
		}
	}
	var d records.Detail
	if g.get("/api/devices/"+keyOf(1).ID(), "", &d); d.Sequence != 2 || !d.Report.Sent.Equal(noon) || time.Since(d.Seen) > time.Hour {
		t.Errorf("%+v", d)
	}
}

func TestDevices(t *testing.T) {
	g := newRig(t, nil)
	for i := range 7 {
		r := report(1)
		if i == 3 {
			r.Stuck = "no room"
		}
		g.send(i, r)
	}
	var all []string
	for next := ""; ; {
		var d Devices
		if status := g.get("/api/devices?limit=3&after="+next, "", &d); status != 200 {
			t.Fatal(status)
		}
		for _, one := range d.Devices {
			all = append(all, one.ID)
		}
		if next = d.Next; next == "" {
			break
		}
	}
	if len(all) != 7 {
		t.Error(all)
	}
	var d Devices
	if g.get("/api/devices?stuck=true", "", &d); len(d.Devices) != 1 || d.Devices[0].ID != keyOf(3).ID() || d.Devices[0].Stuck != "no room" {
		t.Errorf("%+v", d)
	}
	if g.get("/api/devices?silent=true", "", &d); len(d.Devices) != 0 {
		t.Errorf("%+v", d)
	}
	if g.get("/api/devices?release=1&state=rolled+back", "", &d); len(d.Devices) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestMetrics(t *testing.T) {
	g := newRig(t, nil)
	for i := range 5 {
		g.send(i, report(3))
		g.send(i, report(2, back(3)))
	}
	if err := g.halter.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(g.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	for _, want := range []string{
		`edge_fleet_devices{state="total"} 5`, `edge_fleet_stuck_devices 0`, `edge_fleet_version_devices{version="v1.0.0"} 5`, `edge_fleet_channel_devices{channel="stable"} 5`,
		`edge_fleet_release_devices{channel="stable",release="3",state="rolled_back"} 5`, `edge_fleet_release_devices{channel="stable",release="2",state="active"} 5`,
		`edge_fleet_release_over_limit{channel="stable",release="3"} 1`, `edge_fleet_requests_total{route="POST /v1/reports",status="200"} 10`, `edge_fleet_requests_total{route="POST /v1/reports",status="404"} 5`,
	} {
		if !strings.Contains(string(data), want+"\n") {
			t.Errorf("%s is not in\n%s", want, data)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no records": func(o *Options) { o.Records = nil },
		"limit":      func(o *Options) { o.Rule.Limit = 1 },
		"devices":    func(o *Options) { o.Rule.Devices = -1 },
		"window":     func(o *Options) { o.Window = -1 },
		"rate":       func(o *Options) { o.Limits.Rate = -1 },
	} {
		o := Options{Records: &records.Records{}}
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	r, err := New(Options{Records: &records.Records{}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Serve(t.Context(), l); err == nil || hint.Of(err) == "" {
		t.Errorf("beyond this machine without TLS: %v", err)
	}
	if r.Serve(t.Context()) == nil {
		t.Error("without a listener")
	}
}

// A listener that goes away ends Serve.
func TestListenerGone(t *testing.T) {
	r, err := records.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	receiver, err := New(Options{Records: r})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := receiver.Serve(t.Context(), l); err == nil {
		t.Error("no error")
	}
}

// When the records fail, devices are told to come again and learn nothing of why.
func TestRecordsFail(t *testing.T) {
	r, err := records.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := New(Options{Records: r})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(receiver.Handler())
	defer s.Close()
	r.Close()
	c, err := fleet.NewClient(fleet.ClientOptions{URL: s.URL, Identity: keyOf(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var no *fleet.Refused
	if err := c.Send(t.Context(), report(1)); !errors.As(err, &no) || no.Status != 500 || no.After == 0 || strings.Contains(err.Error(), "database") {
		t.Error(err)
	}
	resp, err := http.Get(s.URL + "/healthz")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(resp, err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}
