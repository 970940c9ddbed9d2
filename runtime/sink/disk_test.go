package sink

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/ownmounts"
	"github.com/edge-adapt/edge/runtime"
)

// diskSinks are the sinks that write to a disk.
func diskSinks(t *testing.T, dir string) map[string]runtime.Sink {
	h, err := NewHistory(HistoryOptions{Path: filepath.Join(dir, "history.db")})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]runtime.Sink{
		"jsonl":   jsonLines(t, JSONLinesOptions{Path: filepath.Join(dir, "events.jsonl")}),
		"history": h,
	}
}

// TestFullDisk fills a real file system, frees it, and asks that what was
// delivered is there, whole, and what comes after it too.
func TestFullDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		ownmounts.InChild(t)
		return
	}
	for name, s := range diskSinks(t, dir) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
			t.Skip(ownmounts.Skipped, err)
		}
		ballast := filepath.Join(dir, "ballast")
		deliver(t, s, 1, 3)
		delivered := []uint64{1, 2, 3}
		data := make([]byte, 1<<20)
		if n, _ := writeSome(ballast, data); n == 0 {
			t.Fatal("the disk is not full")
		}
		lost := 0
		for n := 4; lost < 20; n++ {
			err := s.Deliver(t.Context(), event(n))
			switch {
			case err == nil:
				delivered = append(delivered, uint64(n)) // there was room in a page
			case hint.Of(err) == "":
				t.Fatalf("%s: no next step: %v", name, err)
			default:
				lost++
			}
			if n > 5000 {
				t.Fatalf("%s: a full disk takes everything", name)
			}
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), event(9999)); err != nil {
			t.Fatalf("%s: there is room again: %v", name, err)
		}
		delivered = append(delivered, 9999)
		check(t, name, dir, delivered)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
}

func writeSome(path string, data []byte) (int, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Write(data)
}

func check(t *testing.T, name, dir string, delivered []uint64) {
	t.Helper()
	if name == "jsonl" {
		want(t, filepath.Join(dir, "events.jsonl"), delivered...)
		return
	}
	wantHistory(t, filepath.Join(dir, "history.db"), Query{Limit: 1 << 20}, delivered...)
}

// TestReadOnlyDisk makes the file system read-only and writable again.
func TestReadOnlyDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		ownmounts.InChild(t)
		return
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY, "size=1m"); err != nil {
		t.Skip(ownmounts.Skipped, err)
	}
	sinks := diskSinks(t, dir)
	for name, s := range sinks {
		if err := s.Deliver(t.Context(), event(1)); !errors.Is(err, unix.EROFS) || hint.Of(err) == "" {
			t.Errorf("%s: a read-only disk gives %v", name, err)
		}
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=1m"); err != nil {
		t.Skip(ownmounts.Skipped, err)
	}
	for name, s := range sinks {
		deliver(t, s, 2, 3)
		check(t, name, dir, []uint64{2, 3})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
