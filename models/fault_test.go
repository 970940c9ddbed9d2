package models

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// template makes a store with two rounds of learning, and a dead process's
// garbage, to start every trial from.
func template(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	for round := 1; round <= 2; round++ {
		_, err := learn(s, lamps, round)
		must(t, err)
	}
	must(t, os.Mkdir(filepath.Join(s.tmpDir(), "draft-of-the-dead"), 0o755))
	must(t, os.WriteFile(filepath.Join(s.tmpDir(), "draft-of-the-dead", HeadName), []byte("torn"), 0o444))
	return dir
}

// memoryDir returns an empty folder that goes with the test, in memory where
// there is such a thing: trials are about the order of calls, not about a disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "edge-models-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// trial is a round of learning on a copy of a store, with one thing going wrong.
type trial struct {
	store *Store
	disk  *rigged
	old   Activation // before; zero: none
	n     int
	err   error
}

// try learns round 3 on a copy of the store in from, or in a new one if from is "".
func try(t *testing.T, from string, disk *rigged) trial {
	t.Helper()
	dir := filepath.Join(memoryDir(t), "store")
	if from != "" {
		must(t, os.CopyFS(dir, os.DirFS(from)))
	}
	s := open(t, dir)
	old, _ := s.Active(lamps)
	s.disk = disk
	n, err := learn(s, lamps, 3)
	if disk.failed != "" {
		t.Log("went wrong:", disk.failed)
	}
	return trial{s, disk, old, n, err}
}

// after checks a store that something happened to: it opens, an old or the new
// generation is current and whole, and learning goes on and cleans up.
func (tr trial) after(t *testing.T) {
	t.Helper()
	s := open(t, tr.store.Dir())
	s.disk = &rigged{} // syncing hundreds of stores would take a minute
	active, err := checkWhole(s, lamps, 0)
	switch {
	case errors.Is(err, ErrNotFound) && tr.old.Current == 0 && tr.err != nil:
	case err != nil:
		t.Fatalf("afterwards: %v", err)
	case active == tr.old && tr.err != nil:
	case active.Current == tr.old.Current+1 && active.Previous == tr.old.Current && active.Number == tr.old.Number+1:
	default:
		t.Fatalf("afterwards: %+v, before: %+v, told: %v", active, tr.old, tr.err)
	}
	tr.goOn(t, s, active)
	if left := leftovers(t, s); len(left) > 0 {
		t.Fatalf("garbage stays: %v", left)
	}
}

// goOn learns round 4.
func (tr trial) goOn(t *testing.T, s *Store, active Activation) {
	t.Helper()
	n, err := learn(s, lamps, 4)
	if err != nil {
		t.Fatalf("next round: %v", err)
	}
	if n <= active.Current || n <= tr.n {
		t.Fatalf("number %d was given again", n)
	}
	next, err := checkWhole(s, lamps, 0)
	if err != nil {
		t.Fatalf("next round: %v", err)
	}
	if next.Current != n || next.Previous != active.Current {
		t.Fatalf("next round: %+v after %+v", next, active)
	}
}

// eachCall runs a trial for each call of a round of learning, and one more in
// which nothing goes wrong, on a store with generations and on a new one.
func eachCall(t *testing.T, run func(t *testing.T, from string, at int)) {
	for name, from := range map[string]string{"third": template(t), "first": ""} {
		whole := try(t, from, &rigged{})
		must(t, whole.err)
		whole.after(t)
		if whole.disk.calls < 30 {
			t.Fatalf("only %d calls: are they still counted?", whole.disk.calls)
		}
		t.Logf("%s: %d calls", name, whole.disk.calls)
		for at := 1; at <= whole.disk.calls+1; at++ {
			t.Run(fmt.Sprintf("%s/%d", name, at), func(t *testing.T) {
				t.Parallel()
				run(t, from, at)
			})
		}
	}
}

func TestEveryCallFails(t *testing.T) {
	for _, f := range []fault{
		{name: "EIO", err: unix.EIO},
		{name: "EIO after the work", err: unix.EIO, effect: true},
		{name: "disk full", err: unix.ENOSPC, effect: true, lasting: true},
		{name: "short write", effect: true},
	} {
		t.Run(f.name, func(t *testing.T) {
			eachCall(t, func(t *testing.T, from string, at int) {
				tr := try(t, from, &rigged{at: at, fault: f})
				if tr.err != nil && f.err != nil && (!errors.Is(tr.err, f.err) || hint.Of(tr.err) == "") {
					t.Errorf("told %v (hint: %s)", tr.err, hint.Of(tr.err))
				}
				tr.after(t)
			})
		})
	}
}

func TestEveryCallIsTheLast(t *testing.T) {
	for _, f := range []fault{
		{name: "before", err: errDead, crash: true},
		{name: "after", err: errDead, crash: true, effect: true}, // amid, if a write
	} {
		t.Run(f.name, func(t *testing.T) {
			eachCall(t, func(t *testing.T, from string, at int) {
				try(t, from, &rigged{at: at, fault: f}).after(t)
			})
		})
	}
}

// dying is a disk whose process ends after a call, and that knows what a power
// cut would then do.
func dying(t *testing.T, at int) *rigged {
	return &rigged{at: at, fault: fault{err: errDead, crash: true, effect: true}, journal: newJournal(t)}
}

func TestPowerCutAtEveryCall(t *testing.T) {
	for name, keep := range map[string]func(at, i int) bool{
		"names lost":       func(int, int) bool { return false },
		"names kept":       func(int, int) bool { return true },
		"later names lost": func(at, i int) bool { return i < at/3 },
	} {
		t.Run(name, func(t *testing.T) {
			eachCall(t, func(t *testing.T, from string, at int) {
				disk := dying(t, at)
				tr := try(t, from, disk)
				disk.journal.cut(func(i int) bool { return keep(at, i) })
				tr.after(t)
			})
		})
	}
}

// What a dead process left unsynced is used by the next, and then the power goes.
func TestPowerCutAfterACrash(t *testing.T) {
	eachCall(t, func(t *testing.T, from string, at int) {
		disk := dying(t, at)
		tr := try(t, from, disk)
		s := open(t, tr.store.Dir())
		s.disk = &rigged{journal: disk.journal}
		active, _ := s.Active(lamps)
		tr.goOn(t, s, active)
		disk.journal.cut(func(int) bool { return false })
		if again, err := checkWhole(s, lamps, 0); err != nil || again.Previous != active.Current {
			t.Errorf("after the cut: %+v, %v", again, err)
		}
	})
}
