package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// upkeep is a change of the store that no generation is made by: what it begins
// with, what it does, and what then holds.
type upkeep struct {
	from  func(t *testing.T) string // makes the store
	do    func(s *Store) error
	done  func(s *Store) error // nil once it is done
	safe  func(s *Store) error // nil at every instant
	next  int                  // the number of the generation that is made afterwards, at least
	calls int                  // at least
}

var upkeeps = map[string]upkeep{
	"collect": {from: gcTemplate, do: gcOnce, done: gcDone, safe: gcSafe, next: 7, calls: 20},
	"repair what points": {
		from: harmed(func(s *Store) error {
			return errors.Join(
				os.WriteFile(s.activePath(lamps), []byte("{"), 0o644), os.Remove(s.counterPath(lamps)),
				os.WriteFile(s.pinsPath(lamps), []byte("["), 0o644), os.WriteFile(s.startsPath(lamps), []byte("{"), 0o644),
				appendTo(s.historyPath(lamps), "{\"curr"), appendTo(s.marksPath(lamps), "\x00"))
		}),
		do: repair, done: repairedTo(5, 4, 1, 2, 3, 4, 5), safe: stillWhole(1, 2, 3, 4, 5), next: 6, calls: 30,
	},
	"repair what is used": {
		from: harmed(func(s *Store) error {
			return errors.Join(
				s.Pin(context.Background(), lamps, 5, "x"), rewrite(s.generationDir(lamps, 5)+"/"+HeadName, flipLast),
				rewrite(s.generationDir(lamps, 4)+"/"+LabelsName, flipLast), rewrite(basePath(s, 1), flipLast))
		}),
		do: repair, done: func(s *Store) error {
			return errors.Join(restore(s), pinsAre(s), repairedTo(4, 3, 1, 2, 3, 4)(s))
		}, safe: stillWhole(3), next: 6, calls: 30,
	},
	"repair by salvaging": {
		from: harmed(func(s *Store) error {
			return errors.Join(s.Pin(context.Background(), lamps, 5, "x"), os.Remove(s.generationDir(lamps, 5)+"/report.html"))
		}),
		do: repair, done: salvaged, safe: stillWhole(1, 2, 3, 4), next: 7, calls: 30,
	},
	"pin": {
		from: deedTemplate,
		do:   func(s *Store) error { return s.Pin(context.Background(), lamps, 1, "the reference") },
		done: func(s *Store) error { return pinsAre(s, 1) },
		safe: func(s *Store) error { return errors.Join(wholeStore(s), pinsMaybe(s, 1)) },
		next: 4, calls: 6,
	},
	"unpin": {
		from: pinnedTemplate,
		do:   func(s *Store) error { return s.Unpin(context.Background(), lamps, 1) },
		done: func(s *Store) error { return pinsAre(s, 2) },
		safe: func(s *Store) error { return errors.Join(wholeStore(s), pinsMaybe(s, 2)) },
		next: 4, calls: 6,
	},
}

// harmed makes a store of five generations, all used one after the other and the
// second good, and does harm to it.
func harmed(harm func(s *Store) error) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		s := grown(t, filepath.Join(t.TempDir(), "store"), 5)
		must(t, s.MarkGood(t.Context(), lamps, 2, ""))
		must(t, harm(s))
		return s.Dir()
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func repair(s *Store) error {
	_, err := s.Fsck(context.Background(), FsckOptions{Repair: true})
	return err
}

// restore puts the base of the first rounds back, which cannot be repaired.
func restore(s *Store) error {
	b := manifestOf(1).Base
	return s.PutBlob(context.Background(), strings.NewReader(string(baseOf(1))), b.Digest, b.Bytes)
}

// repairedTo checks that nothing is damaged and what is in use.
func repairedTo(current, previous int, numbers ...int) func(s *Store) error {
	return func(s *Store) error {
		r, err := s.Fsck(context.Background(), FsckOptions{})
		if err != nil || r.Damage() > 0 {
			return fmt.Errorf("%v%s", err, findings(r))
		}
		a, err := s.Active(lamps)
		if err == nil && (a.Current != current || a.Previous != previous) && a.Current < 6 { // learnt since
			err = fmt.Errorf("active %+v", a)
		}
		return errors.Join(err, numbersAre(s, numbers...), wholeStore(s))
	}
}

// salvaged checks that one generation was made of the rest of the fifth, which may
// have cost a number or two.
func salvaged(s *Store) error {
	numbers, err := s.numbers(lamps)
	if err != nil || len(numbers) != 5 || numbers[4] < 6 {
		return fmt.Errorf("generations %v, %w", numbers, err)
	}
	pins, err := s.Pins(lamps)
	if err != nil || len(pins) != 1 || pins[0].Generation != numbers[4] {
		return fmt.Errorf("pins %+v, %w", pins, err)
	}
	return repairedTo(numbers[4], 4, numbers...)(s)
}

// stillWhole checks that what was whole is.
func stillWhole(numbers ...int) func(s *Store) error {
	return func(s *Store) error {
		for _, n := range numbers {
			g, err := s.Generation(lamps, n)
			if err == nil {
				err = errors.Join(g.Verify(context.Background()), checkRound(g))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func wholeStore(s *Store) error { _, err := checkWhole(s, lamps, 0); return err }

// pinsAre checks that exactly these are pinned.
func pinsAre(s *Store, want ...int) error {
	pins, err := s.Pins(lamps)
	if err != nil || len(pins) != len(want) {
		return fmt.Errorf("pins %+v, %v, want %v", pins, err, want)
	}
	for i, p := range pins {
		if p.Generation != want[i] || p.Who == "" || p.Why == "" || p.When.IsZero() {
			return fmt.Errorf("pins %+v, want %v", pins, want)
		}
	}
	return nil
}

// pinsMaybe checks that the pins are those before or after the change of n's.
func pinsMaybe(s *Store, always int) error {
	pins, err := s.Pins(lamps)
	if err != nil || len(pins) > 2 || always == 2 && (len(pins) == 0 || pins[len(pins)-1].Generation != 2) {
		return fmt.Errorf("pins %+v, %v", pins, err)
	}
	return nil
}

func pinnedTemplate(t *testing.T) string {
	t.Helper()
	dir := deedTemplate(t)
	s := open(t, dir)
	must(t, s.Pin(t.Context(), lamps, 1, "the reference"))
	must(t, s.Pin(t.Context(), lamps, 2, "a week"))
	return dir
}

// TestCrashAtEveryCall lets every call of every upkeep go wrong in every way.
func TestCrashAtEveryCall(t *testing.T) {
	for name, u := range upkeeps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := u.from(t)
			for _, m := range mishaps {
				t.Run(m.name, func(t *testing.T) {
					calls := u.eachCall(t, func(at int) string { return u.try(t, from, m, at) })
					t.Logf("%d calls", calls)
				})
			}
		})
	}
}

// eachCall runs try for one call after the other until nothing goes wrong.
func (u upkeep) eachCall(t *testing.T, try func(at int) (failed string)) int {
	t.Helper()
	for at := 1; ; at++ {
		if try(at) != "" {
			continue
		}
		if at <= u.calls {
			t.Errorf("only %d calls: are they still counted?", at-1)
		}
		return at - 1
	}
}

// start copies the store and puts a rigged disk under it.
func (u upkeep) start(t *testing.T, from string, m mishap, at int) (*Store, *rigged) {
	t.Helper()
	disk := &rigged{at: at, fault: m.fault}
	if m.cut != nil {
		disk.journal = newJournal(t)
	}
	dir := filepath.Join(memoryDir(t), "store")
	must(t, os.CopyFS(dir, os.DirFS(from)))
	s := open(t, dir)
	s.disk = disk
	return s, disk
}

func (u upkeep) try(t *testing.T, from string, m mishap, at int) (failed string) {
	t.Helper()
	s, disk := u.start(t, from, m, at)
	told := u.do(s)
	if m.cut != nil {
		disk.journal.cut(func(i int) bool { return m.cut(at, i) })
	}
	where := fmt.Sprintf("call %d (%s), %s", at, disk.failed, m.name)
	if told != nil && m.err != nil && !m.crash && (!errors.Is(told, m.err) || hint.Of(told) == "") {
		t.Fatalf("%s: told %v (hint: %s)", where, told, hint.Of(told))
	}
	if told != nil && disk.failed == "" {
		t.Fatalf("%s: nothing went wrong, told %v", where, told)
	}
	s = open(t, s.Dir())
	s.disk = &rigged{}
	if err := u.safe(s); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	// A process that died after the last step, or amid sweeping, told nobody.
	if told == nil {
		if err := u.done(s); err != nil {
			t.Fatalf("%s: told that it is done: %v", where, err)
		}
	}
	u.again(t, s, where)
	return disk.failed
}

// again does it again, and learns.
func (u upkeep) again(t *testing.T, s *Store, where string) {
	t.Helper()
	if err := errors.Join(u.do(s), u.safe(s), u.done(s)); err != nil {
		t.Fatalf("%s: again: %v", where, err)
	}
	if n, err := learn(s, lamps, u.next); err != nil || n < u.next {
		t.Fatalf("%s: next round: %d, %v", where, n, err)
	}
	if err := u.safe(s); err != nil {
		t.Fatalf("%s: next round: %v", where, err)
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Fatalf("%s: garbage stays: %v", where, left)
	}
}

// What a dead process left unsynced is used by the next, and then the power goes.
func TestCrashThenPowerCut(t *testing.T) {
	for name, u := range upkeeps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := u.from(t)
			dead := mishap{fault: fault{err: errDead, crash: true, effect: true}, cut: func(int, int) bool { return false }}
			u.eachCall(t, func(at int) string {
				s, disk := u.start(t, from, dead, at)
				u.do(s) //nolint:errcheck // it died
				where := fmt.Sprintf("call %d (%s)", at, disk.failed)
				s = open(t, s.Dir())
				s.disk = &rigged{journal: disk.journal}
				if err := errors.Join(u.do(s), u.safe(s)); err != nil {
					t.Fatalf("%s: the next process: %v", where, err)
				}
				disk.journal.cut(func(int) bool { return false })
				s.disk = &rigged{}
				if err := errors.Join(u.safe(s), u.done(s)); err != nil {
					t.Fatalf("%s: after the cut: %v", where, err)
				}
				return disk.failed
			})
		})
	}
}
