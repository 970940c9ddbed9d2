package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/postgres"
	"github.com/edge-adapt/edge/models/fleet"
)

// fleetKey is a device's identity.
type fleetKey struct{ ed25519.PrivateKey }

func (k fleetKey) ID() string                 { return fleet.ID(k.Public()) }
func (k fleetKey) Public() ed25519.PublicKey  { return k.PrivateKey.Public().(ed25519.PublicKey) }
func (k fleetKey) Sign(payload []byte) []byte { return ed25519.Sign(k.PrivateKey, payload) }

// edgeSays runs the command and returns what it prints.
func edgeSays(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// TestFleet runs the receiver as people do, on either database, lets devices report, and
// asks for what they said; a release that too many go back from is halted by the command.
func TestFleet(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testFleet(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { testFleet(t, postgres.Start(t)) })
}

func testFleet(t *testing.T, database string) {
	dir := t.TempDir()
	halted := filepath.Join(dir, "halted")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	says := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := edgeSays(t, append([]string{"fleet"}, args...)...)
		if code != want {
			t.Fatalf("edge fleet %v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	enrolment := strings.TrimSpace(says(0, "token", "add", "factory", "--enrol", "--dir", dir, "-q"))
	admin := strings.TrimSpace(says(0, "token", "add", "desk", "--scope", "admin", "--dir", dir, "-q"))
	tokenFile := filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte(admin), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := says(0, "token", "list", "--enrol", "--dir", dir); !strings.Contains(got, "factory") || strings.Contains(got, "desk") {
		t.Error(got)
	}

	t.Setenv("EDGE_FLEET_DATABASE", database)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"fleet", "serve", "--listen", address, "--dir", dir, "--devices", "2",
			"--halt-command", `printf '%s %s %s' "$EDGE_CHANNEL" "$EDGE_RELEASE" "$EDGE_REASON" >` + halted}, strings.NewReader(""), &bytes.Buffer{}, &log)
	}()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if code := <-ended; code != exitDone {
				t.Errorf("edge fleet serve: exit code %d\n%s", code, &log)
			}
		})
	}
	defer stop()
	until := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it did not come about: %s", what)
			}
		}
	}
	until("it listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})

	var ids []string
	for i := range 3 {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = byte(i)
		k := fleetKey{ed25519.NewKeyFromSeed(seed)}
		ids = append(ids, k.ID())
		c, err := fleet.NewClient(fleet.ClientOptions{URL: "http://" + address, Identity: k, Token: func() (string, error) { return enrolment, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r := fleet.Report{Sent: time.Now(), Edge: "v1.2.3", Architecture: "arm64", Channel: "stable", Health: fleet.Health{Ready: true}, Tasks: []fleet.Task{{
			Task: "lamps", Generation: 4, Release: 12, State: fleet.Probation, Classes: 3, Measures: fleet.Measures{Accuracy: 0.925, Images: 40},
		}}}
		if i == 0 {
			r.Stuck = "the disk is full"
		}
		if err := c.Send(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			r.Tasks[0] = fleet.Task{Task: "lamps", Generation: 3, Release: 11, Rollbacks: []fleet.Rollback{
				{When: time.Now(), Generation: 4, Release: 12, To: 3, By: fleet.ByProbation, Reason: "one class in 99 % of visits; $(rm -rf x)"},
			}}
			if err := c.Send(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	until("the roll-out is halted", func() bool { _, err := os.Stat(halted); return err == nil })
	client := []string{"--server", address, "--token-file", tokenFile}
	ask := func(args ...string) string { t.Helper(); return says(0, append(args, client...)...) }
	until("it shows", func() bool { return strings.Contains(ask("status"), "halted: 2 of ") })
	data, err := os.ReadFile(halted)
	if err != nil || !strings.HasPrefix(string(data), "stable 12 2 of ") {
		t.Errorf("the command was told %q, %v", data, err)
	}
	for _, want := range []string{"3 devices: 1 stuck", "the disk is full", ids[0], "v1.2.3"} {
		if got := ask("status"); !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if got := ask("devices", "--release", "12", "--state", "rolled back"); strings.Contains(got, ids[0]) || !strings.Contains(got, ids[1]) || !strings.Contains(got, ids[2]) {
		t.Error(got)
	}
	if got := ask("devices", "--stuck", "--json"); strings.Count(got, "\n") != 1 || !strings.Contains(got, ids[0]) {
		t.Error(got)
	}
	got := ask("device", ids[1])
	for _, want := range []string{"ready", `with the token "factory"`, "rolled back", "one class in 99 % of visits; $(rm -rf x)", "stable"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	var d struct{ Report fleet.Report }
	if err := json.Unmarshal([]byte(ask("device", ids[0], "--json")), &d); err != nil || d.Report.Tasks[0].Measures.Accuracy != 0.925 {
		t.Errorf("%+v, %v", d, err)
	}

	if got := ask("block", ids[1], "--reason", "stolen"); !strings.Contains(got, "is blocked") || !strings.Contains(ask("device", ids[1]), "blocked: stolen") {
		t.Error(got)
	}
	ask("unblock", ids[1])
	ask("forget", ids[2])
	if got := ask("devices"); strings.Contains(got, ids[2]) || strings.Contains(got, "stolen") {
		t.Error(got)
	}
	says(exitInput, append([]string{"device", ids[2]}, client...)...)
	if got := says(exitFailed, "status", "--server", address); !strings.Contains(got, "this needs a token") || !strings.Contains(got, "hint: give a token with --token-file") {
		t.Error(got)
	}
	stop()
	for _, secret := range []string{enrolment, admin} {
		if strings.Contains(log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

// TestFleetUsage asks for what cannot be.
func TestFleetUsage(t *testing.T) {
	id := strings.Repeat("a", 32)
	for _, c := range []struct {
		args string
		code int
		said string
	}{
		{"serve --limit 1", exitUsage, "--limit 1"},
		{"serve --devices 0", exitUsage, "--devices 0"},
		{"serve --silent soon", exitUsage, "--silent"},
		{"serve --database postgres://edge:secret@db/fleet", exitUsage, "hint: put the address into EDGE_FLEET_DATABASE"},
		{"serve --cert x", exitFailed, "key"},
		{"serve --cert /nowhere --key /nowhere", exitInput, "/nowhere"},
		{"serve --listen 0.0.0.0:0", exitFailed, "need TLS"},
		{"status --every 1ms", exitUsage, "--every 1ms"},
		{"status --server 127.0.0.1:1", exitFailed, "hint: edge fleet serve starts a receiver"},
		{"status --token-file /nowhere", exitInput, "/nowhere"},
		{"device x", exitUsage, "no device's ID"},
		{"block " + id, exitUsage, "--reason"},
		{"forget", exitUsage, "arg"},
	} {
		t.Setenv("EDGE_FLEET_DATABASE", filepath.Join(t.TempDir(), "f"))
		args := append([]string{"fleet"}, strings.Fields(c.args)...)
		if strings.HasPrefix(c.args, "serve") {
			args = append(args, "--dir", t.TempDir())
		}
		stdout, stderr, code := edgeSays(t, args...)
		if code != c.code || !strings.Contains(stderr, c.said) || strings.Contains(stdout+stderr, "secret") {
			t.Errorf("edge fleet %s: exit code %d, want %d\n%s%s", c.args, code, c.code, stdout, stderr)
		}
	}
}
