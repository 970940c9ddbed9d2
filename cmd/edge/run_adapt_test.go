package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
)

// testAdapter runs the edge of this test on a fresh store.
func testAdapter(t *testing.T, settings config.Adapt) (a *adapter, photos string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	program, err := exec.LookPath("edge")
	if err != nil {
		t.Fatal(err)
	}
	photos = filepath.Join(dir, "photos")
	samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red")
	return &adapter{
		program: program, store: filepath.Join(dir, "store"), memory: newMemory(config.Memory{}, slog.New(slog.DiscardHandler)),
		settings: func(string) config.Adapt { return settings },
	}, photos
}

func adaptDefaults() config.Adapt {
	s := config.DefaultTask().Adapt
	s.Recipe = "seed"
	return s
}

func TestAdapterAdapts(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off") // left as it is by newMemory, and not passed on
	a, photos := testAdapter(t, adaptDefaults())
	var mu sync.Mutex
	var stages []string
	r := runtime.AdaptRequest{Task: "lamp", Samples: photos, Activate: true, Progress: func(stage string, _, total int) {
		mu.Lock()
		defer mu.Unlock()
		if total > 0 && !slices.Contains(stages, stage) {
			stages = append(stages, stage)
		}
	}}
	if err := a.adapt(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(stages) != "[features train]" {
		t.Errorf("stages: %v", stages)
	}
	r.Activate, r.Progress = false, nil
	if err := a.adapt(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	store, err := models.Open(a.store)
	if err != nil {
		t.Fatal(err)
	}
	active, err := store.Active("lamp")
	all, _ := store.Generations("lamp")
	if err != nil || active.Current != 1 || len(all) != 2 {
		t.Errorf("%d of %d generations is active: %v", active.Current, len(all), err)
	}
}

func TestAdapterRefuses(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off")
	little := adaptDefaults()
	little.Memory = config.Memory{Bytes: 64 << 20}
	empty := t.TempDir()
	for name, c := range map[string]struct {
		settings config.Adapt
		samples  string
		change   func(*adapter)
		want     string
	}{
		"bad samples":     {settings: adaptDefaults(), samples: empty, want: "no class folder"},
		"little memory":   {settings: little, want: "64MiB of memory is too little"},
		"no such program": {settings: adaptDefaults(), change: func(a *adapter) { a.program = "/nowhere/edge" }, want: "no such file"},
		"crash":           {settings: adaptDefaults(), change: func(a *adapter) { a.program = "/bin/false" }, want: "the child process failed: exit status 1"},
		"memory is short": {settings: adaptDefaults(), change: func(a *adapter) { a.memory.tight = true }, want: "memory is short"},
	} {
		t.Run(name, func(t *testing.T) {
			a, photos := testAdapter(t, c.settings)
			if c.samples != "" {
				photos = c.samples
			}
			if c.change != nil {
				c.change(a)
			}
			err := a.adapt(t.Context(), runtime.AdaptRequest{Task: "lamp", Samples: photos, Activate: true})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// A child that takes more than it may is ended, with the reason.
func TestAdapterMemory(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	wait, err := startLow(cmd, func() {})
	if err != nil {
		t.Skip("no sleep:", err)
	}
	over := watchChild(t.Context(), cmd.Process, 1)
	if err := wait(); err == nil {
		t.Error("it was not ended")
	}
	if err := over(); !errors.Is(err, errMemory) {
		t.Errorf("the reason is %v", err)
	}
}

func TestAdapterStops(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off")
	a, photos := testAdapter(t, adaptDefaults())
	ctx, cancel := context.WithCancelCause(t.Context())
	begun := make(chan struct{})
	var once sync.Once
	stop := errors.New("enough")
	go func() {
		<-begun
		cancel(stop)
	}()
	err := a.adapt(ctx, runtime.AdaptRequest{Task: "lamp", Samples: photos, Activate: true, Progress: func(string, int, int) { once.Do(func() { close(begun) }) }})
	// It may have been done before it was told.
	if err != nil && !errors.Is(err, stop) {
		t.Errorf("stopped with %v", err)
	}
}

// TestStartLow asks a child what its priority is.
func TestStartLow(t *testing.T) {
	var out limited
	cmd := exec.Command("sh", "-c", "cut -d' ' -f19 /proc/self/stat; ps -o cls= -p $$ 2>/dev/null; exit 0")
	cmd.Stdout = &out
	wait, err := startLow(cmd, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	if nice, _, _ := strings.Cut(out.String(), "\n"); nice != "19" {
		t.Errorf("its nice value is %q", nice)
	}
	// The daemon itself is as it was.
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(string(data)); fields[18] == "19" {
		t.Error("the daemon has become slow too")
	}
	if _, err := startLow(exec.Command("/nowhere"), func() {}); err == nil {
		t.Error("nothing was started without an error")
	}
}

func TestChildEnvironment(t *testing.T) {
	got := childEnvironment([]string{"PATH=/bin", "EDGE_EVENTS_WEBHOOKS_A_SECRET=x", "NOTIFY_SOCKET=y", "GOMAXPROCS=9", "WATCHDOG_USEC=1"}, 2, 400)
	if want := []string{"PATH=/bin", "GOMAXPROCS=2", "GOMEMLIMIT=300"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadProgress(t *testing.T) {
	var said limited
	steps := 0
	readProgress(strings.NewReader(`{"stage":"a","done":1,"total":2}`+"\nedge: a warning\n{}\n"+`{"stage":"b"}`+"\n"+strings.Repeat("x", 100_000)),
		func(string, int, int) { steps++ }, &said)
	if steps != 2 || said.String() != "edge: a warning\n{}\n" {
		t.Errorf("%d steps, said %q", steps, said.String())
	}
	fmt.Fprint(&said, strings.Repeat("y", 2*keptOutput))
	if said.Len() != keptOutput {
		t.Errorf("%d bytes are kept", said.Len())
	}
}

func TestChildError(t *testing.T) {
	exit := errors.New("exit status 3")
	err := childError(exit, []byte(`{"error":"no images","hint":"add some","code":3}`+"\n"), nil)
	if err.Error() != "no images" || hint.Of(err) != "add some" {
		t.Errorf("%v (%s)", err, hint.Of(err))
	}
	if err := childError(exit, nil, []byte("first\nlast\n")); err.Error() != "the child process failed: exit status 3: last" {
		t.Error(err)
	}
}
