package models

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// rewrite changes what lies at path, which is not for writing.
func rewrite(path string, change func(data []byte) []byte) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o444)
}

func flipLast(data []byte) []byte { data[len(data)-1] ^= 1; return data }
func cut(data []byte) []byte      { return data[:len(data)-1] }

func replaced(from, to string) func([]byte) []byte {
	return func(data []byte) []byte { return bytes.Replace(data, []byte(from), []byte(to), 1) }
}

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		harm   func(g Generation) error
		listed bool // Generations does not see it
		opened bool // Generation does not see it
		want   error
	}{
		{"no folder", func(g Generation) error { return os.RemoveAll(g.dir) }, false, false, ErrNotFound},
		{"no manifest", func(g Generation) error { return os.Remove(g.Path(ManifestName)) }, false, false, ErrDamaged},
		{"no head", func(g Generation) error { return os.Remove(g.HeadPath()) }, false, false, ErrDamaged},
		{"no labels", func(g Generation) error { return os.Remove(g.Path(LabelsName)) }, false, false, ErrDamaged},
		{"no report", func(g Generation) error { return os.Remove(g.Path("report.html")) }, false, false, ErrDamaged},
		{"no base", func(g Generation) error { return os.Remove(g.BasePath()) }, false, false, ErrDamaged},
		{"head cut", func(g Generation) error { return rewrite(g.HeadPath(), cut) }, false, false, ErrDamaged},
		{"base cut", func(g Generation) error { return rewrite(g.BasePath(), cut) }, false, false, ErrDamaged},
		{"head changed", func(g Generation) error { return rewrite(g.HeadPath(), flipLast) }, true, false, ErrDamaged},
		{"labels changed", func(g Generation) error { return rewrite(g.Path(LabelsName), flipLast) }, true, false, ErrDamaged},
		{"report changed", func(g Generation) error { return rewrite(g.Path("report.html"), flipLast) }, true, true, ErrDamaged},
		{"base changed", func(g Generation) error { return rewrite(g.BasePath(), flipLast) }, true, true, ErrDamaged},
		{"manifest cut", func(g Generation) error {
			return rewrite(g.Path(ManifestName), func(data []byte) []byte { return data[:len(data)/2] })
		}, false, false, ErrDamaged},
		{"another task's", func(g Generation) error { return rewrite(g.Path(ManifestName), replaced(lamps, "valves")) }, false, false, ErrDamaged},
		{"another number's", func(g Generation) error {
			return rewrite(g.Path(ManifestName), replaced(`"generation": 3`, `"generation": 4`))
		}, false, false, ErrDamaged},
		{"newer", func(g Generation) error { return rewrite(g.Path(ManifestName), replaced(`"format": 1`, `"format": 2`)) }, false, false, ErrNewer},
		{"head is a link", func(g Generation) error {
			err := os.Rename(g.HeadPath(), g.Path("aside"))
			return errors.Join(err, os.Symlink("aside", g.HeadPath()))
		}, false, false, ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := three(t)
			must(t, s.Activate(t.Context(), lamps, 1, ""))
			g, err := s.Generation(lamps, 3)
			must(t, err)
			must(t, c.harm(g))

			all, err := s.Generations(lamps)
			switch {
			case c.listed && (err != nil || len(all) != 3):
				t.Errorf("listed %d, %v, want 3", len(all), err)
			case c.want == ErrNotFound && (err != nil || len(all) != 2):
				t.Errorf("listed %d, %v, want 2", len(all), err)
			case !c.listed && c.want != ErrNotFound && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), "generation 3") || len(all) != 2):
				t.Errorf("listed %d, %v, want 2 and %v", len(all), err, c.want)
			}
			if _, err := s.Generation(lamps, 3); c.opened && err != nil || !c.opened && !errors.Is(err, c.want) {
				t.Errorf("opened: %v, want %v", err, c.want)
			}
			if err := g.Verify(t.Context()); c.opened && !errors.Is(err, c.want) {
				t.Errorf("verified: %v, want %v", err, c.want)
			}
			if err := s.Activate(t.Context(), lamps, 3, ""); !errors.Is(err, c.want) {
				t.Errorf("activated: %v, want %v", err, c.want)
			}
			wantCurrent(t, s, 1)
		})
	}
}

func wantCurrent(t *testing.T, s *Store, want int) {
	t.Helper()
	if g, err := s.Current(lamps); err != nil || g.Generation != want {
		t.Errorf("current is %d, %v, want %d", g.Generation, err, want)
	}
}

func TestDamagedCurrentNamesTheWayBack(t *testing.T) {
	s := three(t)
	must(t, s.Activate(t.Context(), lamps, 1, ""))
	must(t, s.Activate(t.Context(), lamps, 3, ""))
	must(t, os.Remove(s.generationDir(lamps, 3)+"/"+HeadName))
	_, err := s.Current(lamps)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(hint.Of(err), "edge models activate 1") {
		t.Errorf("got %v (hint: %s)", err, hint.Of(err))
	}
	must(t, s.Activate(t.Context(), lamps, 1, "back"))
	wantCurrent(t, s, 1)
}

func TestForeignNamesAmongGenerations(t *testing.T) {
	s := three(t)
	for _, name := range []string{"0", "01", "-1", "4.part", "x", "99999999999999999999"} {
		must(t, os.Mkdir(s.numbersDir(lamps)+"/"+name, 0o755))
	}
	must(t, os.WriteFile(s.numbersDir(lamps)+"/7", nil, 0o644))
	if all, err := s.Generations(lamps); err != nil || len(all) != 3 {
		t.Errorf("listed %d, %v, want 3", len(all), err)
	}
}
