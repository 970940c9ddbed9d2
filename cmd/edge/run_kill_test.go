package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/ownmounts"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/sink"
)

// runningDaemon is `edge run` in a process of its own.
type runningDaemon struct {
	cmd    *exec.Cmd
	client *http.Client
	log    bytes.Buffer // read it when the process has ended
	ended  chan error
}

// startDaemon starts `edge run` with those flags, in dir, and waits until it
// answers.
func startDaemon(t *testing.T, dir string, args ...string) *runningDaemon {
	t.Helper()
	cmd := exec.Command("edge", append([]string{"run", "--listen", "unix:" + filepath.Join(dir, "s")}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	return startDaemonCommand(t, dir, cmd)
}

// startDaemonCommand starts a daemon that listens in dir.
func startDaemonCommand(t *testing.T, dir string, cmd *exec.Cmd) *runningDaemon {
	t.Helper()
	socket := filepath.Join(dir, "s")
	d := &runningDaemon{cmd: cmd, ended: make(chan error, 1), client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
	d.cmd.Stderr = &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	t.Cleanup(func() { d.cmd.Process.Kill() })
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := d.ask(http.MethodGet, "/healthz"); err == nil {
			return d
		}
		select {
		case err := <-d.ended:
			t.Fatalf("the daemon ended: %v\n%s", err, d.log.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the daemon does not answer")
		}
	}
}

// ask sends a request and returns the body of an answer of 2xx.
func (d *runningDaemon) ask(method, path string) ([]byte, error) {
	req, err := http.NewRequest(method, "http://localhost"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", resp.Status, data)
	}
	return data, err
}

func (d *runningDaemon) tasks(t *testing.T) []runtime.TaskStatus {
	t.Helper()
	data, err := d.ask(http.MethodGet, "/api/tasks")
	var got struct{ Tasks []runtime.TaskStatus }
	if err == nil {
		err = json.Unmarshal(data, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got.Tasks
}

// adapt asks a task to adapt, which a daemon that answers at all takes.
func (d *runningDaemon) adapt(t *testing.T, task string) {
	t.Helper()
	if _, err := d.ask(http.MethodPost, "/api/tasks/"+task+"/adapt"); err != nil {
		t.Fatal(err)
	}
}

// kill ends the daemon without warning.
func (d *runningDaemon) kill() {
	d.cmd.Process.Kill()
	<-d.ended
}

// children are the processes that the daemon has started and that run.
func (d *runningDaemon) children() []int {
	var pids []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

// daemonKills is how often TestDaemonKilled ends the daemon without warning.
const daemonKills = 12

// TestDaemonKilled kills the daemon at random instants while it watches, adapts,
// swaps and writes events, and asks each time that the store is whole, that the
// events are whole lines, and that the next daemon serves.
func TestDaemonKilled(t *testing.T) {
	dir := shortDir(t)
	photos := filepath.Join(dir, "photos")
	samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red")
	store, err := models.Open(filepath.Join(dir, "edge", "store"))
	if err != nil {
		t.Fatal(err)
	}
	events, past := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "history.db")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	start := func() *runningDaemon {
		return startDaemon(t, dir, "--source", "test://?rate=100", "--samples", photos,
			"--set", "tasks.default.adapt.recipe=seed", "--set", "events.jsonl.path="+events, "--set", "events.history.path="+past,
			"--set", "events.jsonl.max_size=4KiB")
	}
	current, whole := 0, time.Duration(0) // whole: how long an adaptation takes here
	for round := range daemonKills {
		d := start()
		if round > 0 && !d.tasks(t)[0].Serving {
			t.Fatalf("round %d: it does not serve: %+v", round, d.tasks(t)[0].Problem)
		}
		begun := time.Now()
		d.adapt(t, "default")
		if round == 0 { // one generation there must be
			until(t, "the first generation", func() bool { return d.tasks(t)[0].Serving })
			whole = time.Since(begun)
		}
		time.Sleep(time.Duration(rng.Int64N(int64(whole * 3 / 2))))
		d.kill()

		g, err := store.Current("default")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := g.Verify(t.Context()); err != nil {
			t.Fatalf("round %d: generation %d: %v", round, g.Generation, err)
		}
		if g.Generation < current {
			t.Fatalf("generation %d is in use after %d was", g.Generation, current)
		}
		current = g.Generation
		files, _ := filepath.Glob(events + "*")
		for _, file := range files {
			wholeLines(t, file, file == events)
		}
		if _, err := sink.ReadHistory(t.Context(), past, sink.Query{}); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	// After all that the next daemon just works.
	d := start()
	d.adapt(t, "default")
	until(t, "another generation", func() bool { return d.tasks(t)[0].Model.Generation > current })
}

// wholeLines asks that every line of the file is one JSON object. Of the one that
// was being written, the last may be cut short.
func wholeLines(t *testing.T, file string, open bool) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		last := i == len(lines)-1
		if l == "" && last || last && open {
			continue
		}
		if !json.Valid([]byte(l)) {
			t.Errorf("%s, line %d: %q", filepath.Base(file), i+1, l)
		}
	}
}

// TestDaemonTakesItsChildAlong kills the daemon while a child adapts: the child
// must go too.
func TestDaemonTakesItsChildAlong(t *testing.T) {
	for name, end := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			photos := filepath.Join(dir, "photos")
			samplelinks.Make(t, photos, 20, "lamp_green", "lamp_red", "lamp_off", "valve_open")
			d := startDaemon(t, dir, "--samples", photos, "--task", "lamp")
			d.adapt(t, "lamp")
			var child int
			until(t, "a child", func() bool {
				if all := d.children(); len(all) > 0 {
					child = all[0]
				}
				return child != 0
			})
			d.cmd.Process.Signal(end)
			err := <-d.ended
			if (err == nil) != (end == syscall.SIGTERM) {
				t.Errorf("it ended with %v\n%s", err, d.log.String())
			}
			until(t, "the child's end", func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
				return err != nil || strings.Contains(string(stat), ") Z ") // nobody may be there to bury it
			})
		})
	}
}

// unfinished sends a request whose body never comes, and returns once the daemon
// waits for it.
func (d *runningDaemon) unfinished(t *testing.T, dir string) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /api/image?task=default HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the daemon does not wait for a body: %q, %v", line, err)
	}
}

// TestDaemonSecondSignal asks a daemon that cannot finish in time to end, twice.
func TestDaemonSecondSignal(t *testing.T) {
	dir := shortDir(t)
	adaptOnce(t, dir)
	d := startDaemon(t, dir, "--set", "grace=10m")
	d.unfinished(t, dir)
	d.cmd.Process.Signal(syscall.SIGTERM)
	until(t, "the end of listening", func() bool { _, err := d.ask(http.MethodGet, "/healthz"); return err != nil })
	select {
	case err := <-d.ended:
		t.Fatalf("the first signal ended it with a request in flight: %v", err)
	default:
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-d.ended; err == nil {
		t.Error("the second signal was waited out")
	}
}

// TestDaemonGrace cuts off what is not done in time.
func TestDaemonGrace(t *testing.T) {
	dir := shortDir(t)
	adaptOnce(t, dir)
	d := startDaemon(t, dir, "--set", "grace=1s")
	d.unfinished(t, dir)
	d.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-d.ended:
	case <-time.After(patience):
		t.Fatal("it waits for a request that never comes")
	}
}

// adaptOnce gives the daemon in dir a generation.
func adaptOnce(t *testing.T, dir string) {
	t.Helper()
	photos := filepath.Join(dir, "photos")
	samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red")
	cmd := exec.Command("edge", "adapt", "--quiet", "--recipe", "seed", "--dir", photos)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestDaemonOnBadDisks serves from a store that is read-only, with a cache that
// is, and with events that go to a full disk.
func TestDaemonOnBadDisks(t *testing.T) {
	dir := shortDir(t)
	adaptOnce(t, dir)
	full := filepath.Join(dir, "full")
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	const mounts = `set -e
for ro in edge cache; do mount --bind $DIR/$ro $DIR/$ro; mount -o remount,bind,ro $DIR/$ro; done
mount -t tmpfs -o size=16k none $DIR/full
! head -c 1000000 /dev/zero > $DIR/full/ballast 2>/dev/null
`
	inNamespace := func(script string) *exec.Cmd {
		cmd := exec.Command("sh", "-c", script)
		cmd.Env = append(os.Environ(), "DIR="+dir, "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
		ownmounts.Isolate(cmd)
		return cmd
	}
	if out, err := inNamespace(mounts).CombinedOutput(); err != nil {
		t.Skipf("this system lets nobody mount a file system of their own: %v %s", err, out)
	}
	d := startDaemonCommand(t, dir, inNamespace(mounts+`exec edge run --listen unix:$DIR/s --source 'test://?rate=20' \
		--set events.jsonl.path=$DIR/full/events.jsonl --set events.history.path=$DIR/full/history.db`))
	until(t, "frames", func() bool { return d.tasks(t)[0].Counts.Frames > 20 })
	until(t, "events that failed", func() bool {
		text, err := d.ask(http.MethodGet, "/metrics")
		return err == nil && regexp.MustCompile(`edge_sink_events_total\{result="failed",sink="history"\} [1-9]`).Match(text) &&
			regexp.MustCompile(`edge_sink_events_total\{result="failed",sink="jsonl"\} [1-9]`).Match(text)
	})
	if s := d.tasks(t)[0]; !s.Serving || s.Model.Generation != 1 {
		t.Errorf("%+v", s)
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-d.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"serves and does not adapt", "events could not be delivered"} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("%q was not logged:\n%s", want, d.log.String())
		}
	}
}
