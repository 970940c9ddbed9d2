package models

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

const lamps = "lamps" // the task of most tests

// baseOf and headOf are contents that tell the round they were made in. Rounds 1
// and 2 share a base, as do 3 and 4, and so on.
func baseOf(round int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "base %3d ", (round+1)/2), 1000)
}
func headOf(round int) []byte { return bytes.Repeat(fmt.Appendf(nil, "head %4d ", round), 300) }

func manifestOf(round int) Manifest {
	base := baseOf(round)
	return Manifest{
		Edge:          "test",
		Base:          Base{"test", digest.Of(base), int64(len(base))},
		Preprocessing: pixel.Preprocessing{Width: 8, Height: 8, Colour: "rgb", Scale: 1, Resize: "bilinear"},
		Features:      16,
		Labels:        []string{"off", "on", fmt.Sprintf("round %d", round)},
		Recipe:        []byte(`{"epochs":5}`),
		Measures:      []byte(`{"accuracy":0.5,"confusion":[[1,2],[3,4]]}`),
		Reason:        fmt.Sprintf("round %d", round),
	}
}

// learn does what `edge adapt` does to a store, from the base to the activation.
func learn(s *Store, task string, round int) (int, error) {
	n, err := commit(s, task, round)
	if err != nil {
		return 0, err
	}
	return n, s.Activate(context.Background(), task, n, fmt.Sprintf("round %d", round))
}

// commit is learn without the activation.
func commit(s *Store, task string, round int) (int, error) {
	ctx := context.Background()
	m := manifestOf(round)
	if err := s.PutBlob(ctx, bytes.NewReader(baseOf(round)), m.Base.Digest, m.Base.Bytes); err != nil {
		return 0, err
	}
	d, err := s.Begin(task)
	if err != nil {
		return 0, err
	}
	defer d.Discard()
	if err := d.WriteFile(HeadName, headOf(round)); err != nil {
		return 0, err
	}
	w, err := d.Create("report.html")
	if err != nil {
		return 0, err
	}
	for range 2 {
		fmt.Fprintf(w, "<p>round %d", round) // errors show at Commit
	}
	w.Close()
	g, err := d.Commit(ctx, m)
	return g.Generation, err
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkRound reports unless g is wholly of the round that its manifest names.
func checkRound(g Generation) error {
	var round int
	reason := g.Reason
	if strings.HasPrefix(reason, "salvaged") {
		_, reason, _ = strings.Cut(reason, ": ")
	}
	if _, err := fmt.Sscanf(reason, "round %d", &round); err != nil {
		return err
	}
	report := fmt.Sprintf("<p>round %d<p>round %[1]d", round)
	labels := fmt.Sprintf("off\non\nround %d\n", round)
	for path, want := range map[string][]byte{
		g.HeadPath():          headOf(round),
		g.BasePath():          baseOf(round),
		g.Path(LabelsName):    []byte(labels),
		g.Path("report.html"): []byte(report),
	} {
		if _, has := g.File("report.html"); !has && path == g.Path("report.html") {
			continue // it was salvaged without
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not of round %d (%v)", path, round, err)
		}
	}
	return nil
}

// checkWhole checks what must hold of a task at every instant, and returns its
// pointers. The generations below from were checked before.
func checkWhole(s *Store, task string, from int) (Activation, error) {
	all, err := s.Generations(task)
	if err != nil {
		return Activation{}, fmt.Errorf("generations: %w", err)
	}
	for _, g := range all {
		if g.Generation < from {
			continue
		}
		if err := g.Verify(context.Background()); err != nil {
			return Activation{}, err
		}
		if err := checkRound(g); err != nil {
			return Activation{}, err
		}
	}
	active, err := s.Active(task)
	if err != nil {
		return Activation{}, err
	}
	if _, err := s.Current(task); err != nil {
		return Activation{}, err
	}
	if active.Previous > 0 {
		if _, err := s.Generation(task, active.Previous); err != nil {
			return Activation{}, fmt.Errorf("previous: %w", err)
		}
	}
	return active, checkHistory(s, task, active)
}

// checkHistory checks that every activation stands in the history once, in order.
func checkHistory(s *Store, task string, active Activation) error {
	past, err := s.History(task)
	if err != nil {
		return err
	}
	for i, a := range past {
		// A repair activates again what was active, or leaves out what is damaged.
		follows := i == 0 || a.Previous == past[i-1].Current || a.Current == past[i-1].Current || strings.HasPrefix(a.Why, "fsck: ")
		if a.Number != i+1 || !follows {
			return fmt.Errorf("history: entry %d is %+v", i, a)
		}
	}
	if last(past) != active {
		return fmt.Errorf("history ends with %+v, active is %+v", last(past), active)
	}
	return nil
}

// leftovers lists what is in tmp/.
func leftovers(t testing.TB, s *Store) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.tmpDir(), "*"))
	must(t, err)
	return names
}
