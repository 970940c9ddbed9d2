package sink

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-adapt/edge/runtime"
)

// How long something was seen, is known between two changes of the same task, if the
// daemon ran on.
func TestHistorySaysHowLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	h := history(t, HistoryOptions{Path: path})
	id := uint64(0)
	tell := func(second float64, kind runtime.Kind, task, label string) {
		t.Helper()
		id++
		at := time.Date(2026, 1, 1, 0, 0, 0, int(second*1e9), time.UTC)
		if err := h.Deliver(t.Context(), runtime.Event{ID: id, Time: at, Kind: kind, Task: task, Label: label}); err != nil {
			t.Fatal(err)
		}
	}
	tell(0, runtime.KindStart, "", "")
	tell(1, runtime.KindChange, "lamp", "red")
	tell(2, runtime.KindChange, "door", "open")
	tell(3, runtime.KindHeartbeat, "lamp", "red")
	tell(4.5, runtime.KindChange, "lamp", "green") // red for 3.5 s
	tell(6, runtime.KindChange, "lamp", "red")     // green for 1.5 s
	tell(7, runtime.KindStart, "", "")             // until then, nobody knows
	tell(8, runtime.KindChange, "lamp", "red")
	tell(9, runtime.KindChange, "lamp", "green") // red for 1 s
	for _, q := range []struct {
		query Query
		want  string
	}{
		{Query{}, "start 0, red 3.5, open 0, red 0, green 1.5, red 0, start 0, red 1, green 0"},
		// What is not asked for counts for it all the same.
		{Query{Task: "lamp", Label: "red", Kinds: []runtime.Kind{runtime.KindChange}}, "red 3.5, red 0, red 1"},
		{Query{Label: "green", Limit: 2}, "green 1.5, green 0"},
		{Query{To: time.Date(2026, 1, 1, 0, 0, 2, 0, time.UTC), Limit: 1}, "red 3.5"},
	} {
		events, err := ReadHistory(t.Context(), path, q.query)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, e := range events {
			if i > 0 {
				got += ", "
			}
			name := e.Label
			if name == "" {
				name = string(e.Kind)
			}
			got += fmt.Sprintf("%s %g", name, e.Seconds)
		}
		if got != q.want {
			t.Errorf("%+v: %s; want %s", q.query, got, q.want)
		}
	}
	events, err := ReadHistory(t.Context(), path, Query{Label: "green", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(events[0])
	if want := `{"id":5,"time":"2026-01-01T00:00:04.5Z","kind":"change","task":"lamp","label":"green","seconds":1.5}`; err != nil || string(data) != want {
		t.Errorf("%s, %v; want %s", data, err, want)
	}
}
