package models

import (
	"os"
	"strings"
	"testing"
)

// begin counts a start and checks how many failed before.
func begin(t *testing.T, s *Store, want int) {
	t.Helper()
	if failed, err := s.Starting(t.Context(), lamps); err != nil || failed != want {
		t.Errorf("%d failed starts, want %d: %v", failed, want, err)
	}
}

func TestStarts(t *testing.T) {
	s := three(t)
	activate(t, s, 1)
	for failed := range 5 {
		begin(t, s, failed)
	}
	must(t, s.Started(t.Context(), lamps))
	must(t, s.Started(t.Context(), lamps)) // nothing to forget
	begin(t, s, 0)
	begin(t, s, 1)

	// Another generation, and the same one activated again, have new chances.
	activate(t, s, 2)
	begin(t, s, 0)
	begin(t, s, 1)
	activate(t, s, 1)
	begin(t, s, 0)
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
}

// The way of a daemon whose new generation takes the process down each time.
func TestThreeFailedStartsGoBack(t *testing.T) {
	s := three(t)
	activate(t, s, 1)
	begin(t, s, 0)
	must(t, s.Started(t.Context(), lamps))
	must(t, s.MarkGood(t.Context(), lamps, 1, ""))
	activate(t, s, 2)
	lives := 0
	for {
		failed, err := s.Starting(t.Context(), lamps)
		must(t, err)
		if failed >= MaxFailedStarts {
			break
		}
		lives++ // and it crashes
	}
	rollBack(t, s, 2, 1)
	begin(t, s, 0)
	if lives != 3 {
		t.Errorf("it went back after %d starts", lives)
	}
}

func TestDamagedStarts(t *testing.T) {
	for name, data := range map[string]string{
		"empty":      "",
		"torn":       `{"generation":1,"act`,
		"negative":   `{"generation":1,"activation":1,"starts":-4}`,
		"huge":       `{"generation":1,"activation":1,"starts":1e40}`,
		"too long":   `{"generation":1,"activation":1,"starts":9` + strings.Repeat(" ", maxStartsBytes) + `}`,
		"of another": `{"generation":2,"activation":1,"starts":9}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := three(t)
			activate(t, s, 1)
			must(t, os.WriteFile(s.startsPath(lamps), []byte(data), 0o644))
			begin(t, s, 0)
			begin(t, s, 1)
		})
	}
}
