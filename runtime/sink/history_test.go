package sink

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

func history(t testing.TB, o HistoryOptions) *History {
	t.Helper()
	h, err := NewHistory(o)
	if err != nil {
		t.Fatal(err)
	}
	h.now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	t.Cleanup(func() { h.Close() })
	return h
}

func wantHistory(t testing.TB, path string, q Query, numbers ...uint64) {
	t.Helper()
	events, err := ReadHistory(t.Context(), path, q)
	if err != nil {
		t.Fatal(err)
	}
	got := []uint64{}
	for _, e := range events {
		got = append(got, e.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(numbers) {
		t.Errorf("%+v has events %v, want %v", q, got, numbers)
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?#%dir", "h.db")
	h := history(t, HistoryOptions{Path: path})
	deliver(t, h, 1, 9)
	other := event(10)
	other.Task, other.Kind = "door", runtime.KindGood
	if err := h.Deliver(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	wantHistory(t, path, Query{}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) // while it is open
	wantHistory(t, path, Query{Limit: 2}, 9, 10)
	wantHistory(t, path, Query{Task: "lamp", Limit: 2}, 8, 9)
	wantHistory(t, path, Query{Kinds: []runtime.Kind{runtime.KindGood}}, 10)
	wantHistory(t, path, Query{Kinds: []runtime.Kind{runtime.KindGood, runtime.KindChange}, Limit: 2}, 9, 10)
	wantHistory(t, path, Query{Label: event(4).Label, Limit: 1}, 10)
	wantHistory(t, path, Query{Label: "nothing"})
	wantHistory(t, path, Query{From: event(3).Time, To: event(5).Time}, 3, 4)
	wantHistory(t, path, Query{Task: "nobody'; --"})
	events, err := ReadHistory(t.Context(), path, Query{Limit: 1})
	if err != nil || events[0].Event != other {
		t.Errorf("an event came back as %+v, %v; want %+v", events, err, other)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	wantHistory(t, path, Query{Limit: 1}, 10)
	if _, err := ReadHistory(t.Context(), path+"x", Query{}); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestHistoryRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	h := history(t, HistoryOptions{Path: path, MaxRows: 5})
	deliver(t, h, 1, 8)
	h.due = 0
	deliver(t, h, 9, 9)
	wantHistory(t, path, Query{}, 5, 6, 7, 8, 9)
	h.Close()

	h = history(t, HistoryOptions{Path: path, MaxAge: time.Hour})
	h.now = func() time.Time { return event(8).Time.Add(time.Hour) }
	deliver(t, h, 10, 10) // the first event of a run looks after the old ones
	wantHistory(t, path, Query{}, 8, 9, 10)
}

// The file does not stay as large as it once was.
func TestHistoryGivesSpaceBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	h := history(t, HistoryOptions{Path: path})
	long := event(1)
	long.Message = strings.Repeat("x", 10_000)
	for range 50 {
		if err := h.Deliver(t.Context(), long); err != nil {
			t.Fatal(err)
		}
	}
	h.Close()
	before, _ := os.Stat(path)
	h = history(t, HistoryOptions{Path: path, MaxRows: 1})
	deliver(t, h, 2, 2)
	h.Close()
	after, _ := os.Stat(path)
	if after.Size() > before.Size()/4 {
		t.Errorf("%d bytes before, %d after all but one event were removed", before.Size(), after.Size())
	}
}

func TestHistoryDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.db")
	os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600)
	var warned []error
	h := history(t, HistoryOptions{Path: path, Warn: func(err error) { warned = append(warned, err) }})
	deliver(t, h, 1, 2)
	wantHistory(t, path, Query{}, 1, 2)
	if len(warned) != 1 || !strings.Contains(warned[0].Error(), "damaged") || hint.Of(warned[0]) == "" {
		t.Errorf("warned of %v", warned)
	}
	aside, _ := filepath.Glob(path + ".damaged-*")
	if len(aside) != 1 {
		t.Fatalf("set aside: %q", aside)
	}
	if data, _ := os.ReadFile(aside[0]); !strings.HasPrefix(string(data), "no database ") {
		t.Error("the damaged file was changed")
	}
}

// Damage behind the head of the file shows only when events come, and costs one.
func TestHistoryDamagedWithin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	h := history(t, HistoryOptions{Path: path})
	deliver(t, h, 1, 500)
	h.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := f.Stat()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size())-4096), 4096); err != nil {
		t.Fatal(err)
	}
	f.Close()
	lost := 0
	for n := 501; n < 505; n++ {
		if h.Deliver(t.Context(), event(n)) != nil {
			lost++
		}
	}
	if lost != 1 {
		t.Errorf("%d events lost", lost)
	}
	wantHistory(t, path, Query{}, 502, 503, 504)
	if aside, _ := filepath.Glob(path + ".damaged-*"); len(aside) == 0 {
		t.Error("the damaged file is gone")
	}
}

func TestHistoryRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	h := history(t, HistoryOptions{Path: path})
	deliver(t, h, 1, 1)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	deliver(t, h, 2, 2)
	wantHistory(t, path, Query{}, 2)
}

func TestHistoryNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99; CREATE TABLE x (y)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	h := history(t, HistoryOptions{Path: path})
	if err := h.Deliver(t.Context(), event(1)); err == nil || !strings.Contains(hint.Of(err), "install") {
		t.Errorf("a newer file gives %v (%s)", err, hint.Of(err))
	}
}

// TestHistoryKilled kills a process that delivers without end, and asks for every
// event that it said was delivered.
func TestHistoryKilled(t *testing.T) {
	if path := os.Getenv("EDGE_TEST_HISTORY"); path != "" {
		h := history(t, HistoryOptions{Path: path, MaxRows: 1000})
		for n := 1; ; n++ {
			deliver(t, h, n, n)
			fmt.Printf("delivered %d\n", n)
		}
	}
	path := filepath.Join(t.TempDir(), "h.db")
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHistoryKilled$")
		cmd.Env = append(os.Environ(), "EDGE_TEST_HISTORY="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			fmt.Sscanf(lines.Text(), "delivered %d", &last)
			if last == 100+137*round {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		if last < 100 {
			t.Fatalf("the child ended at %d", last)
		}
		events, err := ReadHistory(t.Context(), path, Query{Limit: 2})
		if err != nil || len(events) != 2 {
			t.Fatalf("after a kill: %v, %v", events, err)
		}
		if got := events[1].ID; got != uint64(last) && got != uint64(last+1) {
			t.Errorf("%d was delivered last, and %d is there", last, got)
		}
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		var verdict string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("after a kill: %s, %v", verdict, err)
		}
		db.Close()
	}
}

func BenchmarkHistory(b *testing.B) {
	h := history(b, HistoryOptions{Path: filepath.Join(b.TempDir(), "h.db"), MaxRows: 10_000})
	n := 0
	for b.Loop() {
		n++
		deliver(b, h, n, n)
	}
}

func BenchmarkJSONLines(b *testing.B) {
	j := jsonLines(b, JSONLinesOptions{Path: filepath.Join(b.TempDir(), "e"), MaxSize: 1 << 20, Keep: 2})
	n := 0
	for b.Loop() {
		n++
		deliver(b, j, n, n)
	}
}
