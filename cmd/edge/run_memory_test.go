package main

import (
	"bytes"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/config"
)

func TestMemoryRefusesInTime(t *testing.T) {
	if memoryTotal() == 0 {
		t.Skip("this system does not tell what memory there is")
	}
	old := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(old)
	t.Setenv("GOMEMLIMIT", "")
	os.Unsetenv("GOMEMLIMIT")
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))

	roomy := newMemory(config.Memory{}, log)
	if err := roomy.busy(); err != nil {
		t.Fatalf("with all of the machine's memory: %v", err)
	}
	if limit := debug.SetMemoryLimit(-1); limit > memoryTotal() || limit < leastGo {
		t.Errorf("Go may take %d of %d", limit, memoryTotal())
	}
	if free := roomy.free(); free <= 0 {
		t.Errorf("free: %d", free)
	}

	m := newMemory(config.Memory{Bytes: 1 << 20}, log) // this process is larger
	m.look(time.Now())                                 // the first time it only collects garbage
	err := m.busy()
	if err == nil || hint.Of(err) == "" || !strings.Contains(out.String(), "memory is short") {
		t.Fatalf("above the ceiling: %v; logged %s", err, out.String())
	}
	if m.free() != 0 {
		t.Errorf("free: %d", m.free())
	}
	if limit := debug.SetMemoryLimit(-1); limit != leastGo {
		t.Errorf("Go may take %d, want the least, %d", limit, leastGo)
	}
	m.set(config.Memory{Share: 1})
	if err := m.busy(); err != nil {
		t.Errorf("below the ceiling again: %v", err)
	}
}

func TestMemoryLeavesGOMEMLIMIT(t *testing.T) {
	old := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(old)
	t.Setenv("GOMEMLIMIT", "1GiB")
	newMemory(config.Memory{Bytes: 1 << 20}, slog.New(slog.DiscardHandler))
	if got := debug.SetMemoryLimit(-1); got != old {
		t.Errorf("the limit was %d and is %d", old, got)
	}
}

func TestStatValue(t *testing.T) {
	stat := []byte("anon 5\ninactive_file 123\nactive_file 7\nfile x\n")
	for key, want := range map[string]int64{"inactive_file": 123, "active_file": 7, "file": 0, "gone": 0} {
		if got := statValue(stat, key); got != want {
			t.Errorf("%s is %d, want %d", key, got, want)
		}
	}
}

func TestParseCgroups(t *testing.T) {
	var got []string
	for _, g := range parseCgroups("12:cpu,memory:/a\n3:pids:/b\n0::/system.slice/edge.service\nnonsense\n") {
		got = append(got, g.dir+" "+g.files.limit)
	}
	want := []string{
		"/sys/fs/cgroup/memory/a memory.limit_in_bytes", "/sys/fs/cgroup/memory memory.limit_in_bytes",
		"/sys/fs/cgroup/system.slice/edge.service memory.max", "/sys/fs/cgroup/system.slice memory.max", "/sys/fs/cgroup memory.max",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
