package models

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

func TestCommit(t *testing.T) {
	s := open(t, t.TempDir())
	m := manifestOf(1)
	must(t, s.PutBlob(t.Context(), bytes.NewReader(baseOf(1)), m.Base.Digest, m.Base.Bytes))
	d, err := s.Begin(lamps)
	must(t, err)
	must(t, d.WriteFile(HeadName, headOf(1)))
	if got, err := os.ReadFile(d.Path(HeadName)); err != nil || !bytes.Equal(got, headOf(1)) {
		t.Errorf("before commit: %d bytes, %v", len(got), err)
	}
	g, err := d.Commit(t.Context(), m)
	must(t, err)
	must(t, d.Discard()) // nothing
	must(t, g.Verify(t.Context()))
	if g.Format != Format || g.Task != lamps || g.Generation != 1 || g.Created.IsZero() {
		t.Errorf("filled in: %+v", g.Manifest)
	}
	wantFiles := []File{
		{HeadName, digest.Of(headOf(1)), int64(len(headOf(1)))},
		{LabelsName, digest.Of([]byte("off\non\nround 1\n")), int64(len("off\non\nround 1\n"))},
	}
	if !slices.Equal(g.Files, wantFiles) {
		t.Errorf("files %v, want %v", g.Files, wantFiles)
	}
	again, err := s.Generation(lamps, 1)
	must(t, err)
	if string(encode(t, again.Manifest)) != string(encode(t, g.Manifest)) {
		t.Errorf("stored %+v, returned %+v", again.Manifest, g.Manifest)
	}
	if again.HeadPath() != g.HeadPath() || again.BasePath() != g.BasePath() {
		t.Errorf("paths %+v, %+v", again, g)
	}
	if _, err := s.Current(lamps); !errors.Is(err, ErrNotFound) {
		t.Errorf("a commit activated: %v", err)
	}
	// Nothing goes through an ended draft.
	if err := d.WriteFile("late", nil); err == nil {
		t.Error("an ended draft took a file")
	}
	if _, err := d.Commit(t.Context(), m); err == nil {
		t.Error("a draft was committed twice")
	}
}

func TestNumbersAreGivenOnce(t *testing.T) {
	s := open(t, t.TempDir())
	for want := 1; want <= 3; want++ {
		if n, err := commit(s, lamps, want); err != nil || n != want {
			t.Fatalf("got %d, %v, want %d", n, err, want)
		}
	}
	must(t, os.RemoveAll(s.generationDir(lamps, 3)))
	must(t, os.RemoveAll(s.generationDir(lamps, 2)))
	if n, err := commit(s, lamps, 4); err != nil || n != 4 {
		t.Errorf("after removal: %d, %v, want 4", n, err)
	}
	// Folders and pointers stand in for a counter that is lost or nonsense.
	must(t, s.Activate(t.Context(), lamps, 4, ""))
	must(t, os.RemoveAll(s.generationDir(lamps, 4)))
	must(t, os.WriteFile(s.counterPath(lamps), []byte("nonsense"), 0o644))
	if n, err := commit(s, lamps, 5); err != nil || n != 5 {
		t.Errorf("without counter: %d, %v, want 5", n, err)
	}
	must(t, os.WriteFile(s.counterPath(lamps), []byte("1000000000"), 0o644))
	if n, err := commit(s, lamps, 6); err == nil {
		t.Errorf("number %d beyond the last", n)
	}
	if _, err := s.Generation(lamps, 5); err != nil {
		t.Error(err)
	}
}

func TestCommitRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	good := manifestOf(1)
	must(t, s.PutBlob(t.Context(), bytes.NewReader(baseOf(1)), good.Base.Digest, good.Base.Bytes))
	for name, change := range map[string]func(d *Draft, m *Manifest){
		"no base":          func(_ *Draft, m *Manifest) { m.Base = Base{} },
		"unknown base":     func(_ *Draft, m *Manifest) { m.Base.Digest = digest.Of(nil) },
		"base's size":      func(_ *Draft, m *Manifest) { m.Base.Bytes-- },
		"no labels":        func(_ *Draft, m *Manifest) { m.Labels = nil },
		"label twice":      func(_ *Draft, m *Manifest) { m.Labels = []string{"a", "b", "a"} },
		"label of two":     func(_ *Draft, m *Manifest) { m.Labels = []string{"a\nb"} },
		"no features":      func(_ *Draft, m *Manifest) { m.Features = 0 },
		"no preprocessing": func(_ *Draft, m *Manifest) { m.Preprocessing.Width = 0 },
		"parent to come":   func(_ *Draft, m *Manifest) { m.Parent = 1 },
		"recipe not JSON":  func(_ *Draft, m *Manifest) { m.Recipe = []byte("{") },
		"long reason":      func(_ *Draft, m *Manifest) { m.Reason = string(make([]byte, 2000)) },
		"open file":        func(d *Draft, _ *Manifest) { d.Create("report.html") },
		"failed file":      func(d *Draft, _ *Manifest) { d.WriteFile(HeadName, nil) }, // is there
	} {
		d, err := s.Begin(lamps)
		must(t, err)
		must(t, d.WriteFile(HeadName, headOf(1)))
		m := manifestOf(1)
		change(d, &m)
		if g, err := d.Commit(t.Context(), m); err == nil {
			t.Errorf("%s: committed as %d", name, g.Generation)
		}
		must(t, d.Discard())
	}
	headless, err := s.Begin(lamps)
	must(t, err)
	if _, err := headless.Commit(t.Context(), good); err == nil {
		t.Error("committed without a head")
	}
	must(t, headless.Discard())
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if n, err := commit(s, lamps, 1); err != nil || n != 1 {
		t.Errorf("refused commits used up numbers: %d, %v", n, err)
	}
}

func TestDraftFileNames(t *testing.T) {
	s := open(t, t.TempDir())
	d, err := s.Begin(lamps)
	must(t, err)
	defer d.Discard()
	for _, bad := range []string{"", ".", "..", ".hidden", "a/b", "../a", "a b", "ä", ManifestName, LabelsName, string(make([]byte, 101))} {
		if _, err := d.Create(bad); err == nil {
			t.Errorf("%q was created", bad)
		}
		if err := d.WriteFile(bad, nil); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}
