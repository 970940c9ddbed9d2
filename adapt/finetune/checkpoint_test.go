package finetune

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func saver(text string) func(string) error {
	return func(prefix string) error { return os.WriteFile(prefix+".data", []byte(text), 0o600) }
}

func TestCheckpoints(t *testing.T) {
	c := checkpoints{filepath.Join(t.TempDir(), "out", "checkpoints")}
	if s, err := c.last(); s != nil || err != nil {
		t.Fatalf("an empty folder has %v, %v", s, err)
	}
	s := state{History: []Epoch{{}}}
	for epoch, best := range []int{0, 1, 1, 1, 4} {
		s.Epoch, s.Best = epoch, best
		s.History = make([]Epoch, epoch+1)
		if err := c.write(s, saver(strings.Repeat("x", epoch))); err != nil {
			t.Fatal(err)
		}
		want := []int{best, epoch}
		if got, err := c.epochs(); err != nil || !slices.Equal(got, slices.Compact(want)) {
			t.Fatalf("after epoch %d: %v, %v", epoch, got, err)
		}
	}
	last, err := c.last()
	if err != nil || last.Epoch != 4 || last.Best != 4 || len(last.History) != 5 {
		t.Fatalf("%+v, %v", last, err)
	}
	if data, err := os.ReadFile(c.variables(4) + ".data"); err != nil || len(data) != 4 {
		t.Errorf("variables %q, %v", data, err)
	}
}

// TestCheckpointFails leaves what was there, and nothing half written.
func TestCheckpointFails(t *testing.T) {
	c := checkpoints{t.TempDir()}
	if err := c.write(state{History: []Epoch{{}}}, saver("good")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := c.write(state{Epoch: 1, History: make([]Epoch, 2)}, func(prefix string) error {
		_ = os.WriteFile(prefix+".data", []byte("ha"), 0o600)
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(hint.Of(err), "--resume") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "epoch-0000" {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestCheckpointKilled leaves a folder under its temporary name: it does not
// count, and the next state sweeps it up.
func TestCheckpointKilled(t *testing.T) {
	c := checkpoints{t.TempDir()}
	if err := c.write(state{History: []Epoch{{}}}, saver("good")); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(c.dir, unfinished+"123")
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(c.dir, "notes")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := c.last(); err != nil || s.Epoch != 0 {
		t.Errorf("%v, %v", s, err)
	}
	if err := c.write(state{Epoch: 1, Best: 1, History: make([]Epoch, 2)}, saver("better")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half written one is left: %v", err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("a folder that is not ours was removed: %v", err)
	}
}

func TestCheckpointDamaged(t *testing.T) {
	for text, want := range map[string]string{
		"{":             "unexpected end",
		`{"format":99}`: "format 99",
		`{"format":1,"epoch":3,"best":4,"history":[{},{},{},{}]}`: "do not fit together",
		`{"format":1,"epoch":3,"best":1,"history":[{}]}`:          "do not fit together",
	} {
		c := checkpoints{t.TempDir()}
		if err := os.Mkdir(c.path(3), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.path(3), stateName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.last(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
