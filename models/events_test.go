package models

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestEvents(t *testing.T) {
	s := three(t)
	activate(t, s, 1)
	must(t, s.MarkGood(t.Context(), lamps, 1, "a week"))
	activate(t, s, 3)
	rollBack(t, s, 3, 1)
	must(t, s.Pin(t.Context(), lamps, 2, "for the fair"))
	all, err := s.Events(lamps)
	must(t, err)
	count := map[EventKind]int{}
	for _, e := range all {
		count[e.Kind]++
		if e.Who == "" || e.When.IsZero() || e.Kind != Activated && e.Why == "" {
			t.Errorf("without who, when or why: %+v", e)
		}
	}
	if fmt.Sprint(count) != "map[activated:3 bad:1 good:1 made:3 pinned:1]" {
		t.Error(count)
	}
	must(t, os.WriteFile(s.pinsPath(lamps), []byte("["), 0o644))
	must(t, os.Remove(s.generationDir(lamps, 2)+"/"+HeadName))
	if all, err := s.Events(lamps); !errors.Is(err, ErrDamaged) || len(all) != 7 {
		t.Errorf("%d events, %v", len(all), err)
	}
	if all, err := s.Events("nothing"); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := s.Events("../x"); err == nil {
		t.Error("a task outside was looked at")
	}
}

// A clock that jumps does not change the order within a kind.
func TestMerge(t *testing.T) {
	at := func(seconds int64, what string) Event { return Event{When: time.Unix(seconds, 0), Why: what} }
	all := merge(
		[]Event{at(10, "a"), at(5, "b"), at(20, "c")},
		nil,
		[]Event{at(7, "x"), at(10, "y"), {Why: "z"}},
	)
	var got []string
	for _, e := range all {
		got = append(got, e.Why)
	}
	if strings.Join(got, "") != "xabyzc" {
		t.Error(got)
	}
}
