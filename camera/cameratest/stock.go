package cameratest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// stock is what a process has before a source is opened.
type stock struct {
	goroutines  goleak.Option
	descriptors []string
	children    []int
}

func takeStock() stock {
	return stock{goleak.IgnoreCurrent(), descriptors(), children()}
}

// compare fails the test if there is more now, after giving it time to go: what a
// Close has not waited for is no concern as long as it goes by itself at once.
func (s stock) compare(t *testing.T, patience time.Duration) {
	t.Helper()
	if err := goleak.Find(s.goroutines); err != nil {
		t.Errorf("goroutines are left: %v", err)
	}
	var open []string
	var alive []int
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		open, alive = without(descriptors(), s.descriptors), without(children(), s.children)
		if len(open)+len(alive) == 0 {
			return
		}
		if time.Now().After(end) {
			break
		}
	}
	t.Errorf("left behind: descriptors %q, child processes %v", open, alive)
}

// without returns what is in all more often than in known.
func without[T comparable](all, known []T) (more []T) {
	known = slices.Clone(known)
	for _, v := range all {
		if i := slices.Index(known, v); i >= 0 {
			known = slices.Delete(known, i, i+1)
		} else {
			more = append(more, v)
		}
	}
	return more
}

// descriptors lists what this process has open, where the system tells. Sockets and
// pipes go by their numbers, so that one which took another's place is seen.
func descriptors() (open []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err == nil && !strings.HasSuffix(target, "/fd") {
			open = append(open, target)
		}
	}
	return open
}

// children lists this process's child processes, dead ones that nobody waited for
// among them.
func children() (pids []int) {
	threads, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil
	}
	for _, file := range threads {
		list, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
