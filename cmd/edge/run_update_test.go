package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/runtime/server"
)

// edge runs the command with the environment, and returns what it prints.
func edgeWith(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("edge", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("edge %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// updates is what the daemon says of updates.
func (d *runningDaemon) updates(t *testing.T) server.UpdateStatus {
	t.Helper()
	data, err := d.ask(http.MethodGet, "/api/update")
	var s server.UpdateStatus
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDaemonUpdates has a running daemon take a release when nudged over HTTP, serve
// it without a restart, leave it when it is revoked, and take the next one from a
// stick.
func TestDaemonUpdates(t *testing.T) {
	dir := shortDir(t)
	photos, stick := filepath.Join(dir, "photos"), filepath.Join(dir, "stick")
	samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red")
	repository := filepath.Join(dir, "repository")
	env := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "EDGE_PUBLISH_PASSPHRASE=correct-horse", "EDGE_REPOSITORY=" + repository}
	publish := func(args ...string) { edgeWith(t, env, append([]string{"publish", "--quiet"}, args...)...) }
	publish("init", repository)
	edgeWith(t, env, "adapt", "--quiet", "--recipe", "seed", "--dir", photos, "--store", filepath.Join(dir, "server"), "--seed", "7")
	publish("add", "--store", filepath.Join(dir, "server"))
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(repository, "public"))))
	t.Cleanup(web.Close)
	edgeWith(t, env, "update", "enrol", web.URL, "--root", filepath.Join(repository, "public", "metadata", "root.json"))

	d := startDaemon(t, dir, "--set", "poll=200ms", "--set", "update.every=30d", "--set", "update.folder="+stick)
	if s := d.updates(t); !s.Enrolled || s.Channel != "stable" {
		t.Errorf("%+v", s)
	}
	nudge := func() {
		if _, err := d.ask(http.MethodPost, "/api/update"); err != nil {
			t.Fatal(err)
		}
	}
	became := func(action string, release int) func() bool {
		return func() bool {
			s := d.updates(t)
			return len(s.Tasks) == 1 && s.Tasks[0].Action == action && s.Tasks[0].Release == release
		}
	}
	nudge()
	until(t, "the release is applied", became("applied", 1))
	until(t, "it serves", func() bool {
		tasks := d.tasks(t)
		return len(tasks) == 1 && tasks[0].Serving && tasks[0].Model.Generation == 1
	})

	// A second one comes on a stick, and is revoked on it.
	edgeWith(t, env, "adapt", "--quiet", "--recipe", "seed", "--dir", photos, "--store", filepath.Join(dir, "server"), "--seed", "8")
	publish("add", "--store", filepath.Join(dir, "server"))
	plug := func() {
		if err := os.CopyFS(stick, os.DirFS(filepath.Join(repository, "public"))); err != nil {
			t.Fatal(err)
		}
	}
	plug()
	until(t, "the stick's release is applied", became("applied", 2))
	until(t, "it serves", func() bool { return d.tasks(t)[0].Model.Generation == 2 })
	publish("revoke", "2", "--reason", "a wrong label")
	if err := os.RemoveAll(stick); err != nil {
		t.Fatal(err)
	}
	plug()
	until(t, "the revoked release is left", became("rolled_back", 2))
	until(t, "the one before serves", func() bool { return d.tasks(t)[0].Model.Generation == 1 })

	// Nobody answers: the daemon says so and serves on.
	web.Close()
	if err := os.RemoveAll(stick); err != nil {
		t.Fatal(err)
	}
	if s := d.updates(t); s.Error != "" {
		t.Errorf("%+v", s)
	}
	if !d.tasks(t)[0].Serving {
		t.Error("it does not serve")
	}
	if log := d.log.String(); !strings.Contains(log, "release 2 was revoked: a wrong label") {
		t.Errorf("the log does not say why:\n%s", log)
	}
}
