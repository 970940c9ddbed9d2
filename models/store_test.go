package models

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "file")
	must(t, os.WriteFile(plain, nil, 0o644))
	for _, bad := range []string{"", plain, plain + "/below"} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}

	// Looking does not make a store.
	s := open(t, filepath.Join(dir, "not", "there"))
	if tasks, err := s.Tasks(); err != nil || len(tasks) > 0 {
		t.Errorf("tasks %v, %v", tasks, err)
	}
	if all, err := s.Generations(lamps); err != nil || len(all) > 0 {
		t.Errorf("generations %v, %v", all, err)
	}
	if past, err := s.History(lamps); err != nil || len(past) > 0 {
		t.Errorf("history %v, %v", past, err)
	}
	if _, err := s.Current(lamps); !errors.Is(err, ErrNotFound) || !strings.Contains(hint.Of(err), "edge adapt") {
		t.Errorf("current: %v (hint: %s)", err, hint.Of(err))
	}
	if err := s.Activate(t.Context(), lamps, 1, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("activate: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "not")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking made a folder")
	}

	// The first write does, for its user alone.
	_, err := learn(s, lamps, 1)
	must(t, err)
	if info, err := os.Stat(s.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("store: %v, %v", info.Mode(), err)
	}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
}

// denied is a disk that may only be read.
type denied struct{ osDisk }

func (denied) Mkdir(path string, _ fs.FileMode) error {
	return &fs.PathError{Op: "mkdir", Path: path, Err: unix.EROFS}
}

func TestReadOnlyStore(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := learn(s, lamps, 1)
	must(t, err)
	s.disk = denied{}
	if _, err := checkWhole(s, lamps, 0); err != nil {
		t.Error(err)
	}
	if _, err := s.Begin(lamps); !errors.Is(err, unix.EROFS) || !strings.Contains(hint.Of(err), "--store") {
		t.Errorf("begin: %v (hint: %s)", err, hint.Of(err))
	}
}

func TestTaskNames(t *testing.T) {
	s := open(t, t.TempDir())
	for _, good := range []string{"a", "lamps", "front-door", "0", "v1.2_x", strings.Repeat("x", 64)} {
		if err := CheckTask(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".", "..", ".a", "-a", "_a", "A", "a b", "a/b", "../a", "ä", "a\n", strings.Repeat("x", 65)} {
		err := CheckTask(bad)
		if err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %v (hint: %s)", bad, err, hint.Of(err))
		}
		if _, err := s.Begin(bad); err == nil {
			t.Errorf("%q was begun", bad)
		}
		if _, err := s.Generations(bad); err == nil {
			t.Errorf("%q was listed", bad)
		}
		if _, err := s.Current(bad); err == nil {
			t.Errorf("%q has a current generation", bad)
		}
		if err := s.Activate(t.Context(), bad, 1, ""); err == nil {
			t.Errorf("%q was activated", bad)
		}
	}
}

func TestTasks(t *testing.T) {
	s := open(t, t.TempDir())
	for _, task := range []string{"valves", "lamps"} {
		_, err := learn(s, task, 1)
		must(t, err)
	}
	must(t, os.MkdirAll(filepath.Join(s.Dir(), "tasks", "begun", "generations"), 0o755))
	must(t, os.MkdirAll(filepath.Join(s.Dir(), "tasks", "Foreign", "generations", "1"), 0o755))
	tasks, err := s.Tasks()
	if err != nil || !slices.Equal(tasks, []string{"lamps", "valves"}) {
		t.Errorf("got %q, %v", tasks, err)
	}
}

func TestSweep(t *testing.T) {
	s := open(t, t.TempDir())
	draft, err := s.Begin(lamps)
	must(t, err)
	must(t, draft.WriteFile(HeadName, headOf(1)))
	must(t, os.MkdirAll(filepath.Join(s.tmpDir(), "draft-dead", "deep", "deeper"), 0o755))
	must(t, os.WriteFile(filepath.Join(s.tmpDir(), "plain"), nil, 0o400))

	other := open(t, s.Dir())
	_, err = learn(other, lamps, 1)
	must(t, err)
	if left := leftovers(t, s); !slices.Equal(left, []string{draft.scratch.dir}) {
		t.Errorf("left: %v, want the draft that lives", left)
	}
	must(t, draft.Discard())
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
