package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-adapt/edge/internal/samplelinks"
)

// TestDaemonTakesOver has two daemons on one store. The second one adapts as soon
// as the first has ended, and not before.
func TestDaemonTakesOver(t *testing.T) {
	for name, end := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			dir, dirOfSecond := shortDir(t), shortDir(t)
			photos := filepath.Join(dir, "photos")
			samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red")
			// Both have the same settings, as after a mistake with a service file.
			flags := []string{
				"--samples", photos, "--set", "tasks.default.adapt.recipe=seed", "--set", "tasks.default.adapt.on_change=true",
				"--set", "tasks.default.adapt.debounce=1h", "--set", "poll=200ms",
			}
			first := startDaemon(t, dir, flags...)
			cmd := exec.Command("edge", append([]string{"run", "--listen", "unix:" + filepath.Join(dirOfSecond, "s")}, flags...)...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
			second := startDaemonCommand(t, dirOfSecond, cmd)

			kept := fmt.Sprintf("another edge run keeps this store: process %d", first.cmd.Process.Pid)
			if why := second.standsBy(t); !strings.Contains(why, kept) {
				t.Errorf("it stands by because %q, want %q", why, kept)
			}
			if why := first.standsBy(t); why != "" {
				t.Errorf("the first stands by: %s", why)
			}
			_, err := second.ask(http.MethodPost, "/api/tasks/default/adapt")
			if err == nil || !strings.Contains(err.Error(), "409") || !strings.Contains(err.Error(), kept) || !strings.Contains(err.Error(), `"hint":"ask the other daemon`) {
				t.Errorf("asked to adapt, the second answers %v", err)
			}
			first.adapt(t, "default")
			until(t, "the second serves what the first has trained", func() bool { return second.tasks(t)[0].Serving })

			first.cmd.Process.Signal(end)
			<-first.ended
			until(t, "the second keeps the store", func() bool { return second.standsBy(t) == "" })
			second.adapt(t, "default")
			until(t, "another generation", func() bool { return second.tasks(t)[0].Model.Generation == 2 })
			second.cmd.Process.Signal(syscall.SIGTERM)
			if err := <-second.ended; err != nil {
				t.Errorf("it ended with %v", err)
			}
			for _, want := range []string{"this daemon serves and does not adapt", "this daemon keeps the store now, and adapts"} {
				if strings.Count(second.log.String(), want) != 1 {
					t.Errorf("%q was not logged once:\n%s", want, second.log.String())
				}
			}
			if lock, err := os.ReadFile(filepath.Join(dir, "edge", "store", "daemon.lock")); err != nil || strings.TrimSpace(string(lock)) != fmt.Sprint(second.cmd.Process.Pid) {
				t.Errorf("the lock names %q, %v", lock, err)
			}
		})
	}
}

// standsBy is why the daemon does not adapt, "" if it does.
func (d *runningDaemon) standsBy(t *testing.T) string {
	t.Helper()
	data, err := d.ask(http.MethodGet, "/api/info")
	var info daemonInfo
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.StandBy
}
