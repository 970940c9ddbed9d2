package notices

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNobodyReads: folders that are watched come, go and are renamed, nobody
// reads, and folders can be added all the same.
func TestNobodyReads(t *testing.T) {
	w, err := New()
	must(t, err)
	dir := t.TempDir()
	must(t, w.Add(dir))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 300 {
			a := filepath.Join(dir, fmt.Sprint(i))
			if os.Mkdir(a, 0o750) != nil || w.Add(a) != nil {
				t.Error("a folder cannot be watched")
				return
			}
			_ = os.Rename(a, a+".done")
			_ = os.RemoveAll(a + ".done")
			w.WatchList()
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("adding folders waits for somebody to read")
	}
	must(t, w.Close())
	must(t, w.Close())
	for range w.Events {
	}
}

// TestOverflow: what is missed is said.
func TestOverflow(t *testing.T) {
	w, err := New()
	must(t, err)
	dir := t.TempDir()
	must(t, w.Add(dir))
	name := filepath.Join(dir, "x")
	for range waiting {
		must(t, os.WriteFile(name, nil, 0o600))
		must(t, os.Remove(name))
	}
	select {
	case err := <-w.Errors:
		if !errors.Is(err, fsnotify.ErrEventOverflow) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("nothing was said to be missed")
	}
	if e := <-w.Events; e.Name != name {
		t.Errorf("the first event is %v", e)
	}
	must(t, w.Close())
}
