package runtime

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func TestNotifier(t *testing.T) {
	root := t.TempDir()
	folder, other := filepath.Join(root, "a", "b", "c"), filepath.Join(root, "other")
	n := newNotifier(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.run(ctx, time.Hour)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	var told, toldOther atomic.Int64
	n.watch("one", []string{folder}, func() { told.Add(1) })
	n.watch("two", []string{other}, func() { toldOther.Add(1) })
	// more waits until somebody is told something new about what do did.
	more := func(what string, do func() error) {
		t.Helper()
		quiet(&told)
		before := told.Load()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		eventually(t, what, func() bool { return told.Load() > before })
	}
	write := func(name string) func() error {
		return func() error { return os.WriteFile(filepath.Join(folder, name), nil, 0o600) }
	}
	eventually(t, "the folder above is watched", func() bool { return told.Load() > 0 })
	more("the folder appears, step by step", func() error { return os.MkdirAll(folder, 0o700) })
	quiet(&told)
	more("a file appears", write("1"))
	more("the folder goes", func() error { return os.RemoveAll(filepath.Join(root, "a")) })
	more("it comes back", func() error { return os.MkdirAll(folder, 0o700) })
	quiet(&told)
	more("a file appears in it", write("2"))
	more("it is renamed into place", func() error {
		moved := filepath.Join(root, "a", "b", "moved")
		if err := os.Mkdir(moved, 0o700); err != nil {
			return err
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		return os.Rename(moved, folder)
	})
	quiet(&told)
	more("a file appears in the new one", write("3"))

	n.forget("two")
	quiet(&toldOther)
	before := toldOther.Load()
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	more("the first is still told", write("4"))
	if toldOther.Load() != before {
		t.Error("who wants to know no more is told")
	}
}

// quiet waits until nothing more is told, for several times as long as putting
// the watches in order takes.
func quiet(told *atomic.Int64) {
	for {
		before := told.Load()
		time.Sleep(5 * settling)
		if told.Load() == before {
			return
		}
	}
}
