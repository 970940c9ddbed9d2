package models

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// three returns a store with three generations, none active. The last has a base
// of its own.
func three(t *testing.T) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	s.disk = &rigged{}
	for round := 1; round <= 3; round++ {
		_, err := commit(s, lamps, round)
		must(t, err)
	}
	return s
}

func wantPointers(t *testing.T, s *Store, current, previous, number int) {
	t.Helper()
	a, err := s.Active(lamps)
	if err != nil || a.Current != current || a.Previous != previous || a.Number != number {
		t.Errorf("got %+v, %v, want current %d, previous %d, number %d", a, err, current, previous, number)
	}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
}

// TestActivateOver: what was compared with another generation than the one in
// use does not come into use.
func TestActivateOver(t *testing.T) {
	s := three(t)
	over := func(over, n int) error { return s.ActivateOver(t.Context(), lamps, over, n, "compared") }
	if err := over(2, 1); !errors.Is(err, ErrChanged) {
		t.Errorf("nothing is in use: %v", err)
	}
	if _, err := s.Active(lamps); !errors.Is(err, ErrNotFound) {
		t.Errorf("something is in use: %v", err)
	}
	must(t, over(0, 1))
	must(t, over(1, 2))
	for _, was := range []int{0, 1, 3} {
		if err := over(was, 3); !errors.Is(err, ErrChanged) {
			t.Errorf("over %d: %v", was, err)
		}
	}
	wantPointers(t, s, 2, 1, 2)
}

func TestActivate(t *testing.T) {
	s := three(t)
	must(t, s.Activate(t.Context(), lamps, 1, "the first"))
	wantPointers(t, s, 1, 0, 1)
	must(t, s.Activate(t.Context(), lamps, 3, "better"))
	wantPointers(t, s, 3, 1, 2)
	must(t, s.Activate(t.Context(), lamps, 3, "again"))
	wantPointers(t, s, 3, 1, 2)
	must(t, s.Activate(t.Context(), lamps, 1, "back"))
	wantPointers(t, s, 1, 3, 3)

	past, err := s.History(lamps)
	must(t, err)
	var why []string
	for _, a := range past {
		why = append(why, a.Why)
		if a.Who == "" || a.When.IsZero() {
			t.Errorf("without who or when: %+v", a)
		}
	}
	if got := strings.Join(why, ", "); got != "the first, better, back" {
		t.Errorf("history: %s", got)
	}
	if err := s.Activate(t.Context(), lamps, 2, strings.Repeat("x", 1001)); err == nil {
		t.Error("a reason of a kilobyte was taken")
	}
	for _, n := range []int{-1, 0, 4, 1 << 40} {
		if err := s.Activate(t.Context(), lamps, n, ""); !errors.Is(err, ErrNotFound) {
			t.Errorf("activate %d: %v", n, err)
		}
	}
	wantPointers(t, s, 1, 3, 3)
}

func TestHistoryHeals(t *testing.T) {
	for name, harm := range map[string]func(s *Store) error{
		"last line torn": func(s *Store) error {
			info, err := os.Stat(s.historyPath(lamps))
			if err != nil {
				return err
			}
			return os.Truncate(s.historyPath(lamps), info.Size()-5)
		},
		"last line not written": func(s *Store) error {
			data, err := os.ReadFile(s.historyPath(lamps))
			if err != nil {
				return err
			}
			lines := strings.SplitAfter(string(data), "\n")
			return os.WriteFile(s.historyPath(lamps), []byte(lines[0]), 0o644)
		},
		"line of zeros": func(s *Store) error {
			f, err := os.OpenFile(s.historyPath(lamps), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.Write(make([]byte, 100))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := three(t)
			must(t, s.Activate(t.Context(), lamps, 1, ""))
			must(t, s.Activate(t.Context(), lamps, 2, ""))
			must(t, harm(s))
			wantPointers(t, s, 2, 1, 2)
			must(t, s.Activate(t.Context(), lamps, 3, ""))
			wantPointers(t, s, 3, 2, 3)
			if past, err := s.recorded(lamps); err != nil || len(past) != 3 {
				t.Errorf("on disk: %+v, %v", past, err)
			}
		})
	}
}

func TestLongHistory(t *testing.T) {
	s := three(t)
	must(t, s.Activate(t.Context(), lamps, 1, ""))
	f, err := os.OpenFile(s.historyPath(lamps), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	filler := strings.Repeat(`{"current":7,"why":"`+strings.Repeat("x", 900)+"\"}\n", 1000)
	for range 6 {
		_, err := f.WriteString(filler)
		must(t, err)
	}
	must(t, f.Close())
	past, err := s.History(lamps)
	if err != nil || len(past) < 4000 || len(past) > 5000 {
		t.Errorf("%d of 6,001 entries, %v", len(past), err)
	}
}

func TestDamagedPointers(t *testing.T) {
	for name, data := range map[string]string{
		"empty":         "",
		"torn":          `{"current":2,`,
		"zero":          `{"current":0}`,
		"negative":      `{"current":1,"previous":-1}`,
		"same":          `{"current":1,"previous":1}`,
		"another type":  `{"current":"2"}`,
		"huge":          `{"current":1e30}`,
		"beyond limits": `{"current":2,"previous":1,"why":"` + strings.Repeat("x", maxActivationBytes) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := three(t)
			must(t, s.Activate(t.Context(), lamps, 1, ""))
			must(t, s.Activate(t.Context(), lamps, 2, ""))
			must(t, os.WriteFile(s.activePath(lamps), []byte(data), 0o644))
			if _, err := s.Current(lamps); !errors.Is(err, ErrDamaged) || !strings.Contains(hint.Of(err), "activate") {
				t.Errorf("got %v (hint: %s)", err, hint.Of(err))
			}
			must(t, s.Activate(t.Context(), lamps, 2, "repair")) // the same as before
			wantPointers(t, s, 2, 1, 3)
		})
	}
	// Made by hand, or by a newer edge with more to say.
	s := three(t)
	must(t, os.WriteFile(s.activePath(lamps), []byte(`{"current":2,"previous":1,"mood":"good"}`), 0o644))
	if g, err := s.Current(lamps); err != nil || g.Generation != 2 {
		t.Errorf("got %d, %v", g.Generation, err)
	}
}
