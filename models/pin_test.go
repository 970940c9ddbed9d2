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

func TestPin(t *testing.T) {
	s := three(t)
	if err := pinsAre(s); err != nil {
		t.Error(err)
	}
	must(t, s.Pin(t.Context(), lamps, 3, "for the fair"))
	must(t, s.Pin(t.Context(), lamps, 1, "the reference"))
	must(t, pinsAre(s, 1, 3))
	must(t, s.Pin(t.Context(), lamps, 1, strings.Repeat("x", 2000)))
	if pins, _ := s.Pins(lamps); len(pins) != 2 || len(pins[0].Why) > maxTextBytes || !strings.HasSuffix(pins[0].Why, "…") {
		t.Errorf("pinned again: %+v", pins)
	}
	must(t, s.Unpin(t.Context(), lamps, 3))
	must(t, s.Unpin(t.Context(), lamps, 3))
	must(t, s.Unpin(t.Context(), lamps, 77))
	must(t, pinsAre(s, 1))
	must(t, s.Unpin(t.Context(), lamps, 1))
	must(t, pinsAre(s))
}

func TestPinNeedsAGeneration(t *testing.T) {
	s := open(t, t.TempDir()+"/store")
	for name, err := range map[string]error{"pin": s.Pin(t.Context(), lamps, 1, ""), "unpin": s.Unpin(t.Context(), lamps, 1)} {
		if !errors.Is(err, ErrNotFound) || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("looking made a folder")
	}
	s = three(t)
	if err := s.Pin(t.Context(), lamps, 4, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	must(t, os.Remove(s.generationDir(lamps, 2)+"/"+HeadName))
	if err := s.Pin(t.Context(), lamps, 2, ""); !errors.Is(err, ErrDamaged) {
		t.Errorf("what is damaged: %v", err)
	}
	for _, task := range []string{"../x", "", "A"} {
		_, err := s.Pins(task)
		if err == nil || s.Pin(t.Context(), task, 1, "") == nil || s.Unpin(t.Context(), task, 1) == nil {
			t.Errorf("%q was taken for a task", task)
		}
	}
}

func TestPinWhileLockedOrReadOnly(t *testing.T) {
	s := three(t)
	must(t, s.Pin(t.Context(), lamps, 2, "x"))
	lock, err := s.lockTask(t.Context(), lamps)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{"pin": s.Pin(ctx, lamps, 1, ""), "unpin": s.Unpin(ctx, lamps, 2)} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lock.release()
	s.disk = readOnly{}
	for name, err := range map[string]error{"pin": s.Pin(t.Context(), lamps, 1, ""), "unpin": s.Unpin(t.Context(), lamps, 2)} {
		if !errors.Is(err, unix.EROFS) || !strings.Contains(hint.Of(err), "--store") {
			t.Errorf("%s: %v (hint: %s)", name, err, hint.Of(err))
		}
	}
	must(t, pinsAre(s, 2))
}

func TestDamagedPins(t *testing.T) {
	for name, data := range map[string]string{
		"empty":    "",
		"torn":     `{"pins":[{"gener`,
		"no list":  `{}`,
		"twice":    `{"pins":[{"generation":1},{"generation":1}]}`,
		"zero":     `{"pins":[{"generation":0}]}`,
		"too long": `{"pins":[]}` + strings.Repeat(" ", maxPinsBytes),
	} {
		t.Run(name, func(t *testing.T) {
			s := three(t)
			must(t, os.WriteFile(s.pinsPath(lamps), []byte(data), 0o644))
			_, err := s.Pins(lamps)
			for what, err := range map[string]error{"pins": err, "pin": s.Pin(t.Context(), lamps, 1, ""), "unpin": s.Unpin(t.Context(), lamps, 1)} {
				if !errors.Is(err, ErrDamaged) || !strings.Contains(hint.Of(err), "fsck") {
					t.Errorf("%s: %v (hint: %s)", what, err, hint.Of(err))
				}
			}
			if now, _ := os.ReadFile(s.pinsPath(lamps)); string(now) != data {
				t.Error("it was written over")
			}
		})
	}
}

func TestTooManyPins(t *testing.T) {
	s := three(t)
	var pins []Pin
	for n := range maxPins {
		pins = append(pins, Pin{Generation: n + 2, Why: strings.Repeat("x", maxTextBytes)})
	}
	must(t, s.writePins(lamps, pins))
	if err := s.Pin(t.Context(), lamps, 1, ""); err == nil || hint.Of(err) == "" {
		t.Errorf("one too many: %v (hint: %s)", err, hint.Of(err))
	}
	must(t, s.Pin(t.Context(), lamps, 3, "again"))
}

// FuzzPins looks for files that crash the reader, or that it takes for pins which
// it would not write.
func FuzzPins(f *testing.F) {
	f.Add([]byte(`{"pins":[{"generation":3,"when":"2026-01-02T03:04:05Z","who":"pi","why":"a week"},{"generation":7}]}`))
	f.Add([]byte(`{"pins":[{"generation":1e99}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		pins, err := parsePins(data)
		if err != nil {
			return
		}
		again, err := marshal(map[string]any{"pins": append([]Pin{}, pins...)})
		must(t, err)
		if got, err := parsePins(again); err != nil || len(got) != len(pins) {
			t.Error(fmt.Sprintf("%+v, then %+v", pins, got), err)
		}
	})
}
