package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/config"
)

// memory watches what the daemon takes. It keeps Go's share below a ceiling for
// the whole process, native code included, and says when work must be refused so
// that the kernel's killer has no reason to come.
type memory struct {
	ceiling int64 // bytes; 0: not known, nothing is refused for it
	own     bool  // whether GOMEMLIMIT is ours to set
	log     *slog.Logger

	mu    sync.Mutex
	usage usage
	tight bool
	freed time.Time
	limit int64
}

// usage is memory in bytes at one moment.
type usage struct {
	Resident  int64 // of the process
	Go        int64 // of that, the Go runtime's
	Available int64 // of the machine; 0: not known
	Total     int64
}

const (
	// autoShare of what there is, is the ceiling that nobody set.
	autoShare = 0.9
	// From tightAt of the ceiling on, work is refused, until it is below looseAt.
	tightAt, looseAt = 0.95, 0.88
	// spare is what the machine must have left, whatever the ceiling is.
	spare = 48 << 20
	// freeEvery and freeWhenTight are between two times that garbage is given back,
	// at the price of a collection.
	freeEvery, freeWhenTight = 30 * time.Second, 5 * time.Second
	// leastGo is the least that Go may have, so that a ceiling that is too low
	// slows it down and does not stop it.
	leastGo = 32 << 20
)

// newMemory finds the ceiling. GOMEMLIMIT of the environment is left as it is.
func newMemory(c config.Memory, log *slog.Logger) *memory {
	m := &memory{own: os.Getenv("GOMEMLIMIT") == "", log: log}
	m.set(c)
	return m
}

// set takes a new ceiling.
func (m *memory) set(c config.Memory) {
	total := memoryTotal()
	ceiling := c.Of(total)
	if ceiling == 0 {
		ceiling = int64(autoShare * float64(total))
	}
	m.mu.Lock()
	m.ceiling, m.limit = ceiling, 0
	m.mu.Unlock()
	m.look(time.Now())
}

// run looks once a second until ctx ends.
func (m *memory) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.look(now)
		}
	}
}

// look measures and decides.
func (m *memory) look(now time.Time) {
	u, err := readUsage()
	if err != nil {
		return // no /proc: nothing to go by
	}
	if m.decide(u, now) {
		debug.FreeOSMemory() // takes a while, in which nobody waits for m
	}
}

// decide takes what was measured, and reports whether garbage is to be given
// back to the machine.
func (m *memory) decide(u usage, now time.Time) (free bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage = u
	if m.own && m.ceiling > 0 {
		// What is not Go's, the interpreters above all, Go must leave room for.
		limit := max(leastGo, int64(tightAt*float64(m.ceiling))-max(0, u.Resident-u.Go))
		if change := limit - m.limit; change > m.limit/16 || -change > m.limit/16 {
			debug.SetMemoryLimit(limit)
			m.limit = limit
		}
	}
	above := func(share float64) bool {
		return m.ceiling > 0 && float64(u.Resident) > share*float64(m.ceiling) || u.Available > 0 && u.Available < spare
	}
	switch {
	case !m.tight && above(tightAt):
		if now.Sub(m.freed) > freeEvery { // garbage may be all that is too much
			m.freed = now
			return true
		}
		m.tight = true
		m.log.Warn("memory is short: requests are refused, nothing adapts", "resident", config.Size(u.Resident), "ceiling", config.Size(m.ceiling), "available", config.Size(u.Available))
	case m.tight && !above(looseAt):
		m.tight = false
		m.log.Info("there is memory again", "resident", config.Size(u.Resident))
	case m.tight && now.Sub(m.freed) > freeWhenTight:
		// Who is refused makes no garbage, so that Go would not collect by itself
		// what is there, for minutes.
		m.freed = now
		return true
	}
	return false
}

// busy returns why work must be refused, or nil.
func (m *memory) busy() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.tight {
		return nil
	}
	return hint.Wrap(errors.New("memory is short"), "try again later, or give the daemon more memory: key memory, or MemoryMax of the service")
}

// free is how much more the process and its children may take.
func (m *memory) free() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	free := m.ceiling - m.usage.Resident
	if m.usage.Available > 0 {
		free = min(free, m.usage.Available-spare)
	}
	return max(0, free)
}

// readUsage reads the kernel's figures.
func readUsage() (usage, error) {
	var u usage
	resident, err := residentOf("self")
	if err != nil {
		return u, err
	}
	u.Resident = resident
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	u.Go = int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
	u.Total, u.Available = readMeminfo()
	if group := cgroupFree(); group >= 0 {
		u.Available = min(u.Available, group)
	}
	return u, nil
}

// residentOf is the memory of a process, by its number or "self".
func residentOf(pid string) (int64, error) {
	data, err := os.ReadFile("/proc/" + pid + "/statm")
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		return 0, err
	}
	return resident * int64(os.Getpagesize()), nil
}

// readMeminfo is what the machine has, and what of that can still be had.
func readMeminfo() (total, available int64) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for text := range strings.Lines(string(data)) {
		fields := strings.Fields(text)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			total = kib << 10
		case "MemAvailable:":
			available = kib << 10
		}
	}
	return total, available
}

// memoryTotal is what the process may take at most: the machine's memory, or
// less where a control group says so.
func memoryTotal() int64 {
	total, _ := readMeminfo()
	for _, g := range cgroups() {
		if limit, ok := g.limit(); ok && (total == 0 || limit < total) {
			total = limit
		}
	}
	return total
}

// cgroupFree is the least that a control group around the process has left; -1
// where none has a limit.
func cgroupFree() int64 {
	free := int64(-1)
	for _, g := range cgroups() {
		limit, ok := g.limit()
		if !ok {
			continue
		}
		used, ok := readNumber(filepath.Join(g.dir, g.files.used))
		if !ok {
			continue
		}
		// The page cache is counted as used, and is given back when it is asked for.
		if stat, err := os.ReadFile(filepath.Join(g.dir, "memory.stat")); err == nil {
			for _, key := range []string{"inactive_file", "active_file"} {
				used -= statValue(stat, key)
			}
		}
		if left := max(0, limit-used); free < 0 || left < free {
			free = left
		}
	}
	return free
}

// cgroup is a control group that the process is in.
type cgroup struct {
	dir   string
	files cgroupFiles
}

// cgroupFiles are what the two versions of control groups call things.
type cgroupFiles struct{ root, limit, used string }

var (
	cgroup2 = cgroupFiles{"/sys/fs/cgroup", "memory.max", "memory.current"}
	cgroup1 = cgroupFiles{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"}
)

// limit is what the group may take; false where it may take all.
func (g cgroup) limit() (int64, bool) {
	limit, ok := readNumber(filepath.Join(g.dir, g.files.limit))
	return limit, ok && limit < 1<<60 // version 1 has a very large number for none
}

// cgroups are the control groups of the process, from its own to the root's.
func cgroups() []cgroup {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	return parseCgroups(string(data))
}

// parseCgroups reads lines like 0::/path (version 2) and 5:memory:/path (version 1).
func parseCgroups(text string) []cgroup {
	var groups []cgroup
	for l := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(l), ":", 3)
		if len(fields) < 3 {
			continue
		}
		files := cgroup2
		if slices.Contains(strings.Split(fields[1], ","), "memory") {
			files = cgroup1
		} else if fields[1] != "" {
			continue
		}
		for at := filepath.Clean("/" + fields[2]); ; at = filepath.Dir(at) {
			groups = append(groups, cgroup{filepath.Join(files.root, at), files})
			if at == "/" {
				break
			}
		}
	}
	return groups
}

// readNumber reads a file that holds a number; "max" is none.
func readNumber(path string) (int64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}

func statValue(stat []byte, key string) int64 {
	for text := range bytes.Lines(stat) {
		if rest, ok := bytes.CutPrefix(text, []byte(key+" ")); ok {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
