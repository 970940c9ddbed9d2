package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// deed is a change of a task besides learning, on a store of three generations
// of which the second was marked good and the third is in use and was started
// once in vain.
type deed struct {
	do   func(s *Store) error
	done func(s *Store) error // nil once the deed is done
}

var deeds = map[string]deed{
	"roll back": {
		func(s *Store) error {
			n, err := s.Rollback(context.Background(), lamps, 3, ByPerson, "too slow")
			if err == nil && n != 2 {
				err = fmt.Errorf("went back to %d", n)
			}
			return err
		},
		func(s *Store) error {
			a, err := s.Active(lamps)
			if err != nil || a.Current != 2 || a.Previous != 3 || a.Why != "rolled back from generation 3: too slow" {
				return fmt.Errorf("active %+v, %v", a, err)
			}
			return latestMark(s, 3, false)
		},
	},
	"mark good": {
		func(s *Store) error { return s.MarkGood(context.Background(), lamps, 3, "a day without fault") },
		func(s *Store) error { return latestMark(s, 3, true) },
	},
	"starting": {
		func(s *Store) error { _, err := s.Starting(context.Background(), lamps); return err },
		func(s *Store) error { return failedAtLeast(s, 2) },
	},
	"started": {
		func(s *Store) error { return s.Started(context.Background(), lamps) },
		func(s *Store) error {
			if failedAtLeast(s, 1) == nil {
				return errors.New("starts are still on record")
			}
			return nil
		},
	},
}

func latestMark(s *Store, n int, good bool) error {
	marks, err := s.marks(lamps)
	if err != nil || len(marks) == 0 || marks[len(marks)-1].Generation != n || marks[len(marks)-1].Good != good {
		return fmt.Errorf("marks %+v, %v", marks, err)
	}
	return nil
}

func failedAtLeast(s *Store, want int) error {
	active, err := s.Active(lamps)
	if err != nil {
		return err
	}
	if got := s.failedStarts(lamps, active); got < want {
		return fmt.Errorf("%d failed starts, want %d", got, want)
	}
	return nil
}

// deedTemplate makes the store that deeds begin with.
func deedTemplate(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	for round := 1; round <= 3; round++ {
		_, err := learn(s, lamps, round)
		must(t, err)
	}
	must(t, s.MarkGood(t.Context(), lamps, 2, "a week without fault"))
	_, err := s.Starting(t.Context(), lamps)
	must(t, err)
	return dir
}

// mishap is what goes wrong while a deed is done.
type mishap struct {
	fault
	cut func(at, i int) bool // which unsynced names a power cut leaves; nil: no cut
}

var mishaps = []mishap{
	{fault: fault{name: "EIO", err: unix.EIO}},
	{fault: fault{name: "EIO after the work", err: unix.EIO, effect: true}},
	{fault: fault{name: "disk full", err: unix.ENOSPC, effect: true, lasting: true}},
	{fault: fault{name: "short write", effect: true}},
	{fault: fault{name: "killed before", err: errDead, crash: true}},
	{fault: fault{name: "killed after", err: errDead, crash: true, effect: true}},
	{fault: fault{name: "cut, names lost", err: errDead, crash: true, effect: true}, cut: func(int, int) bool { return false }},
	{fault: fault{name: "cut, names kept", err: errDead, crash: true, effect: true}, cut: func(int, int) bool { return true }},
	{fault: fault{name: "cut, later names lost", err: errDead, crash: true, effect: true}, cut: func(at, i int) bool { return i < at/3 }},
}

func TestEveryCallOfEveryDeed(t *testing.T) {
	from := deedTemplate(t)
	for name, d := range deeds {
		calls := 0
		for _, m := range mishaps {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				for at := 1; ; at++ {
					disk := &rigged{at: at, fault: m.fault}
					if m.cut != nil {
						disk.journal = newJournal(t)
					}
					dir := filepath.Join(memoryDir(t), "store")
					must(t, os.CopyFS(dir, os.DirFS(from)))
					tryDeed(t, d, m, dir, disk)
					if disk.failed == "" {
						calls = at - 1
						break // nothing went wrong: that was one more than there are
					}
				}
			})
		}
		if t.Logf("%s: %d calls", name, calls); calls < 2 {
			t.Errorf("%s: only %d calls: are they still counted?", name, calls)
		}
	}
}

// tryDeed does d while m happens, and then checks that the store is whole, that
// what was told done is done, and that doing it again completes it.
func tryDeed(t *testing.T, d deed, m mishap, dir string, disk *rigged) {
	t.Helper()
	where := fmt.Sprintf("call %d, %s", disk.at, m.name)
	s := open(t, dir)
	s.disk = disk
	told := d.do(s)
	if m.cut != nil {
		disk.journal.cut(func(i int) bool { return m.cut(disk.at, i) })
	}
	if told != nil && m.err != nil && !m.crash && (!errors.Is(told, m.err) || hint.Of(told) == "") {
		t.Fatalf("%s: told %v (hint: %s)", where, told, hint.Of(told))
	}
	if told != nil && disk.failed == "" {
		t.Fatalf("%s: nothing went wrong, told %v", where, told)
	}

	s = open(t, dir)
	s.disk = &rigged{}
	active, err := checkWhole(s, lamps, 0)
	if err != nil {
		t.Fatalf("%s (%s): %v", where, disk.failed, err)
	}
	if good, err := s.Good(lamps); err != nil || len(good) == 0 || good[0].Generation != 2 || active.Current < 2 {
		t.Fatalf("%s (%s): good %+v, %v, active %+v", where, disk.failed, good, err, active)
	}
	if told == nil {
		if err := d.done(s); err != nil {
			t.Fatalf("%s (%s): told that it is done: %v", where, disk.failed, err)
		}
	}
	if err := d.do(s); err != nil {
		t.Fatalf("%s (%s): again: %v", where, disk.failed, err)
	}
	if err := d.done(s); err != nil {
		t.Fatalf("%s (%s): done again: %v", where, disk.failed, err)
	}
	n, err := learn(s, lamps, 4)
	if err != nil || n != 4 {
		t.Fatalf("%s (%s): next round: %d, %v", where, disk.failed, n, err)
	}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Fatalf("%s (%s): next round: %v", where, disk.failed, err)
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Fatalf("%s (%s): garbage stays: %v", where, disk.failed, left)
	}
}
