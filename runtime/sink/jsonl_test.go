package sink

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

// event is the n-th event of a test.
func event(n int) runtime.Event {
	return runtime.Event{
		ID: uint64(n), Time: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC), Kind: runtime.KindChange,
		Task: "lamp", Label: "on", Previous: "off", Score: 0.75, Generation: 2,
	}
}

func deliver(t testing.TB, s runtime.Sink, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := s.Deliver(t.Context(), event(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// ids reads a file of JSON lines, each of which must be whole.
func ids(t testing.TB, path string) []uint64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		t.Fatalf("%s ends within a line", path)
	}
	var all []uint64
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var e runtime.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %q: %v", path, lines.Text(), err)
		}
		all = append(all, e.ID)
	}
	return all
}

func want(t testing.TB, path string, numbers ...uint64) {
	t.Helper()
	if got := ids(t, path); fmt.Sprint(got) != fmt.Sprint(numbers) {
		t.Errorf("%s has events %v, want %v", filepath.Base(path), got, numbers)
	}
}

func jsonLines(t testing.TB, o JSONLinesOptions) *JSONLines {
	t.Helper()
	j, err := NewJSONLines(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestJSONLinesAreEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "events.jsonl")
	j := jsonLines(t, JSONLinesOptions{Path: path})
	deliver(t, j, 1, 2)
	data, _ := os.ReadFile(path)
	first, _, _ := strings.Cut(string(data), "\n")
	if want := `{"id":1,"time":"2026-01-01T00:00:01Z","kind":"change","task":"lamp","label":"on","previous":"off","score":0.75,"generation":2}`; first != want {
		t.Errorf("a line is %s, want %s", first, want)
	}
	want(t, path, 1, 2)
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	j = jsonLines(t, JSONLinesOptions{Path: path})
	deliver(t, j, 3, 3)
	want(t, path, 1, 2, 3)
}

func TestJSONLinesRotate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "e")
	one, _ := line(event(1))
	j := jsonLines(t, JSONLinesOptions{Path: path, MaxSize: int64(2*len(one) + 2), Keep: 2})
	deliver(t, j, 1, 9)
	want(t, path, 9)
	want(t, path+".1", 7, 8)
	want(t, path+".2", 5, 6)
	if files, _ := os.ReadDir(dir); len(files) != 3 {
		t.Errorf("%d files are kept: %v", len(files), files)
	}
	// Fewer are kept now: the file in between goes, the one beyond is not ours to look for.
	j = jsonLines(t, JSONLinesOptions{Path: path, MaxSize: 1, Keep: 0})
	deliver(t, j, 10, 10)
	want(t, path, 10)
	want(t, path+".1", 7, 8)
}

func TestJSONLinesMaxAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e")
	j := jsonLines(t, JSONLinesOptions{Path: path, MaxSize: 1, Keep: 5, MaxAge: time.Hour})
	deliver(t, j, 1, 3)
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path+".2", old, old); err != nil {
		t.Fatal(err)
	}
	deliver(t, j, 4, 4)
	want(t, path+".1", 3)
	want(t, path+".2", 2)
	if _, err := os.Stat(path + ".3"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is too old was kept: %v", err)
	}
}

// TestJSONLinesOthersMeddle has other programs do to the file what they do.
func TestJSONLinesOthersMeddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e")
	j := jsonLines(t, JSONLinesOptions{Path: path})
	deliver(t, j, 1, 1)
	os.Rename(path, path+".old") // logrotate
	deliver(t, j, 2, 2)
	want(t, path+".old", 1)
	want(t, path, 2)
	os.Remove(path)
	deliver(t, j, 3, 3)
	want(t, path, 3)
	os.Truncate(path, 0) // copytruncate
	deliver(t, j, 4, 4)
	want(t, path, 4)
	os.RemoveAll(filepath.Dir(path))
	deliver(t, j, 5, 5)
	want(t, path, 5)
}

// TestJSONLinesMend starts on what a crash may have left.
func TestJSONLinesMend(t *testing.T) {
	whole, _ := line(event(1))
	for cut := range len(whole) + 2 {
		path := filepath.Join(t.TempDir(), "e")
		both := string(whole) + "\n" + string(whole) + "\n"
		if err := os.WriteFile(path, []byte(both[:len(whole)+1+cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		j := jsonLines(t, JSONLinesOptions{Path: path})
		deliver(t, j, 2, 2)
		if cut < len(whole) {
			want(t, path, 1, 2)
		} else {
			want(t, path, 1, 1, 2)
		}
		j.Close()
	}
}

func TestJSONLinesKeepsForeignText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e")
	foreign := strings.Repeat("x", longestLine+5)
	os.WriteFile(path, []byte(foreign), 0o600)
	j := jsonLines(t, JSONLinesOptions{Path: path})
	deliver(t, j, 1, 1)
	data, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(data), foreign+"\n{") {
		t.Error("a file that is none of ours was cut")
	}
}

func TestJSONLinesNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	for _, path := range []string{fifo, dir, filepath.Join(dir, "file", "below")} {
		j := jsonLines(t, JSONLinesOptions{Path: path})
		err := j.Deliver(t.Context(), event(1))
		if err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v (hint %q)", path, err, hint.Of(err))
		}
	}
	for _, o := range []JSONLinesOptions{{}, {Path: "x", MaxSize: -1}, {Path: "x", Keep: -1}, {Path: "x", MaxAge: -1}} {
		if _, err := NewJSONLines(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestFilter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e")
	f := &Filter{Sink: jsonLines(t, JSONLinesOptions{Path: path}), Kinds: []runtime.Kind{runtime.KindChange, runtime.KindStart}, Tasks: []string{"lamp"}}
	for n, e := range []runtime.Event{
		{Kind: runtime.KindChange, Task: "lamp"}, {Kind: runtime.KindGood, Task: "lamp"}, {Kind: runtime.KindChange, Task: "other"}, {Kind: runtime.KindStart},
	} {
		e.ID = uint64(n)
		if err := f.Deliver(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	want(t, path, 0, 3)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
