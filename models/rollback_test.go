package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// rollBack rolls back and checks where to.
func rollBack(t *testing.T, s *Store, from, want int) {
	t.Helper()
	n, err := s.Rollback(t.Context(), lamps, from, ByPerson, "it failed")
	if err != nil || n != want {
		t.Fatalf("went back to %d, want %d: %v", n, want, err)
	}
	if a, err := checkWhole(s, lamps, 0); err != nil || a.Current != want {
		t.Fatalf("%d is in use, want %d: %v", a.Current, want, err)
	}
}

// stuck checks that there is nothing to go back to, and that nothing changes.
func stuck(t *testing.T, s *Store) {
	t.Helper()
	before, _ := s.Active(lamps)
	marks, _ := s.marks(lamps)
	_, err := s.Rollback(t.Context(), lamps, 0, ByPerson, "it failed")
	if !errors.Is(err, ErrNotFound) || hint.Of(err) == "" {
		t.Errorf("got %v (hint: %s)", err, hint.Of(err))
	}
	after, _ := s.Active(lamps)
	if again, _ := s.marks(lamps); after != before || len(again) != len(marks) {
		t.Errorf("it changed from %+v to %+v, from %+v to %+v", before, after, marks, again)
	}
}

func activate(t *testing.T, s *Store, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		must(t, s.Activate(t.Context(), lamps, n, ""))
	}
}

func TestRollbackToPrevious(t *testing.T) {
	s := three(t)
	stuck(t, s) // nothing was activated yet
	activate(t, s, 1)
	stuck(t, s)
	activate(t, s, 2)
	rollBack(t, s, 2, 1)
	stuck(t, s) // not to 2 again, although it is the previous one
	activate(t, s, 3)
	rollBack(t, s, 0, 1)
	activate(t, s, 2) // who says so gets it
	rollBack(t, s, 0, 1)
}

func TestRollbackToTheLastGood(t *testing.T) {
	s := three(t)
	good := func(n int) { t.Helper(); must(t, s.MarkGood(t.Context(), lamps, n, "")) }
	activate(t, s, 1)
	good(1)
	activate(t, s, 2)
	good(2)
	activate(t, s, 1, 3) // 1 is the previous, 2 was marked last
	rollBack(t, s, 3, 2)
	rollBack(t, s, 2, 1)
	stuck(t, s)
	activate(t, s, 3)
	good(3)
	activate(t, s, 2)
	good(2)
	good(1) // marked again: the first choice again
	good(1)
	rollBack(t, s, 2, 1)
	rollBack(t, s, 1, 3)
}

func TestRollbackIsRecorded(t *testing.T) {
	s := three(t)
	activate(t, s, 1, 2)
	must(t, s.MarkGood(t.Context(), lamps, 2, "a week"))
	good, err := s.Good(lamps)
	if err != nil || len(good) != 1 || good[0].Generation != 2 || good[0].Why != "a week" || good[0].Who == "" || good[0].When.IsZero() {
		t.Errorf("good: %+v, %v", good, err)
	}
	long := strings.Repeat("ä\xff", 2000)
	if _, err := s.Rollback(t.Context(), lamps, 2, ByPerson, long); err != nil {
		t.Fatal(err)
	}
	if good, err := s.Good(lamps); err != nil || len(good) != 0 {
		t.Errorf("good after all: %+v, %v", good, err)
	}
	marks, err := s.RolledBack(lamps)
	must(t, err)
	if len(marks) != 1 || marks[0].Generation != 2 || marks[0].By != ByPerson {
		t.Errorf("rolled back from: %+v", marks)
	}
	a, err := s.Active(lamps)
	must(t, err)
	for _, why := range []string{marks[0].Why, a.Why} {
		if len(why) > maxTextBytes || len(why) < maxTextBytes-4 || !strings.HasSuffix(why, "…") || checkText("reason", why) != nil {
			t.Errorf("a reason of %d bytes: %q", len(why), why)
		}
	}
	if !strings.HasPrefix(a.Why, "rolled back from generation 2: ä") {
		t.Errorf("the activation says %q", a.Why)
	}
}

func TestSomebodyWasFaster(t *testing.T) {
	s := three(t)
	activate(t, s, 1, 2, 3)
	rollBack(t, s, 2, 3)
	if marks, err := s.marks(lamps); err != nil || len(marks) > 0 {
		t.Errorf("marks %+v, %v", marks, err)
	}
}

func TestRollbackPassesOverDamage(t *testing.T) {
	s := three(t)
	activate(t, s, 1, 2)
	must(t, s.MarkGood(t.Context(), lamps, 2, ""))
	activate(t, s, 1, 3)
	spoil := func(n int) {
		t.Helper()
		g, err := s.Generation(lamps, n)
		must(t, err)
		must(t, os.Chmod(g.HeadPath(), 0o600))
		data, err := os.ReadFile(g.HeadPath())
		must(t, err)
		data[10] ^= 1
		must(t, os.WriteFile(g.HeadPath(), data, 0o600))
	}
	spoil(2)
	n, err := s.Rollback(t.Context(), lamps, 0, ByPerson, "")
	if err != nil || n != 1 {
		t.Errorf("went back to %d, %v", n, err)
	}
	activate(t, s, 3)
	spoil(1)
	before, err := s.Active(lamps)
	must(t, err)
	if _, err = s.Rollback(t.Context(), lamps, 0, ByPerson, ""); !errors.Is(err, ErrNotFound) || !errors.Is(err, ErrDamaged) {
		t.Errorf("nothing but damage gave %v", err)
	}
	if after, _ := s.Active(lamps); after != before {
		t.Errorf("it changed from %+v to %+v", before, after)
	}
}

func TestRollbackWithoutPointers(t *testing.T) {
	for name, harm := range map[string]func(s *Store) error{
		"active.json": func(s *Store) error { return os.WriteFile(s.activePath(lamps), []byte("{"), 0o644) },
		"both": func(s *Store) error {
			return errors.Join(os.WriteFile(s.activePath(lamps), []byte("{"), 0o644), os.Remove(s.historyPath(lamps)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := three(t)
			activate(t, s, 2, 3)
			must(t, s.MarkGood(t.Context(), lamps, 2, ""))
			must(t, s.MarkGood(t.Context(), lamps, 3, ""))
			must(t, harm(s))
			if n, err := s.Rollback(t.Context(), lamps, 3, ByPerson, ""); err != nil || n != 2 {
				t.Errorf("went back to %d, %v", n, err)
			}
			if a, err := s.Active(lamps); err != nil || a.Current != 2 {
				t.Errorf("active: %+v, %v", a, err)
			}
		})
	}
}

func TestRollbackWhileLocked(t *testing.T) {
	s := three(t)
	activate(t, s, 1, 2)
	lock, err := s.lockTask(t.Context(), lamps)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Rollback(ctx, lamps, 0, ByPerson, "")
	_, startingErr := s.Starting(ctx, lamps)
	for name, err := range map[string]error{
		"roll back": err, "mark good": s.MarkGood(ctx, lamps, 1, ""), "starting": startingErr, "started": s.Started(ctx, lamps),
	} {
		if !errors.Is(err, ErrLocked) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lock.release()
	wantPointers(t, s, 2, 1, 2)
}

func TestDeedsOnAReadOnlyStore(t *testing.T) {
	s := three(t)
	activate(t, s, 1, 2)
	_, err := s.Starting(t.Context(), lamps)
	must(t, err)
	s.disk = readOnly{}
	failed, err := s.Starting(t.Context(), lamps)
	if !errors.Is(err, unix.EROFS) || failed != 1 {
		t.Errorf("starting: %d, %v", failed, err)
	}
	_, err = s.Rollback(t.Context(), lamps, 0, ByPerson, "")
	for name, err := range map[string]error{"started": s.Started(t.Context(), lamps), "mark good": s.MarkGood(t.Context(), lamps, 1, ""), "roll back": err} {
		if !errors.Is(err, unix.EROFS) || !strings.Contains(hint.Of(err), "--store") {
			t.Errorf("%s: %v (hint: %s)", name, err, hint.Of(err))
		}
	}
	wantPointers(t, s, 2, 1, 2)
}

// readOnly is a file system that refuses every change but the lock's, which are
// no calls of the disk.
type readOnly struct{ denied }

func (readOnly) Append(path string, _ os.FileMode) (file, error) {
	return nil, &os.PathError{Op: "open", Path: path, Err: unix.EROFS}
}
func (readOnly) Remove(path string) error {
	return &os.PathError{Op: "remove", Path: path, Err: unix.EROFS}
}

func TestDeedsNeedATask(t *testing.T) {
	s := open(t, t.TempDir()+"/store")
	_, rollbackErr := s.Rollback(t.Context(), lamps, 0, ByPerson, "")
	_, startingErr := s.Starting(t.Context(), lamps)
	for name, err := range map[string]error{
		"roll back": rollbackErr, "mark good": s.MarkGood(t.Context(), lamps, 1, ""),
		"starting": startingErr, "started": s.Started(t.Context(), lamps),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if good, err := s.Good(lamps); err != nil || len(good) > 0 {
		t.Errorf("good: %v, %v", good, err)
	}
	if _, err := s.Good("../x"); err == nil {
		t.Error("a task outside was looked at")
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("looking made a folder")
	}
	s = three(t)
	activate(t, s, 1)
	if err := s.MarkGood(t.Context(), lamps, 9, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("marking what is not there: %v", err)
	}
}

func TestMarksHeal(t *testing.T) {
	s := three(t)
	activate(t, s, 1)
	must(t, os.WriteFile(s.marksPath(lamps), []byte("{\"generation\":2,\"good\":true}\n\n{\"generation\":0,\"good\":true}\n{\"generation\":\"1\"}\n\x00\x00{\"generation\":3,\"go"), 0o644))
	if good, err := s.Good(lamps); err != nil || len(good) != 1 || good[0].Generation != 2 {
		t.Errorf("good: %+v, %v", good, err)
	}
	must(t, s.MarkGood(t.Context(), lamps, 1, ""))
	if good, err := s.Good(lamps); err != nil || len(good) != 2 || good[1].Generation != 1 {
		t.Errorf("good: %+v, %v", good, err)
	}
}

// FuzzMark looks for lines that crash the reader or that it takes for a mark
// which it would not write.
func FuzzMark(f *testing.F) {
	f.Add([]byte(`{"generation":3,"good":true,"when":"2026-01-02T03:04:05Z","who":"pi","why":"a week"}`))
	f.Add([]byte(`{"generation":1e99}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMark(data)
		if err != nil {
			return
		}
		line, err := marshal(m)
		must(t, err)
		if again, err := parseMark(line); err != nil || again.Generation != m.Generation || again.Good != m.Good {
			t.Error(fmt.Sprintf("%+v, then %+v", m, again), err)
		}
	})
}
