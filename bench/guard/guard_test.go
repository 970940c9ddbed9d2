package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write writes a file of results and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "table.json", `{"machine": "2 cores", "ratios": {"seed-cold/a": 21.5, "limit": 1.4, "accuracy": -0.3},
		"rows": {"seed": {"rounds": 5, "lines": [
			{"id": "seed-cold/a", "value": 21.5, "unit": "x", "at_least": 20, "at_most": null},
			{"id": "limit", "value": 1.4, "unit": "x", "at_most": 1.5},
			{"id": "accuracy", "value": -0.3, "unit": "points", "at_least": -2},
			{"id": "not among the ratios", "value": 7}
		]}}}`)
	write(t, dir, "serve.json", `{"rate": 900, "ratios": {"jpeg": 1.2}}`)
	write(t, dir, "list.json", `[{"ratio": 3}]`)
	write(t, dir, "rows.json", `{"rows": [1, 2]}`)
	write(t, dir, "notes.txt", "no JSON")
	got, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ratio{
		"table seed-cold/a": {value: 21.5},
		"table limit":       {value: 1.4, less: true},
		"table accuracy":    {value: -0.3, points: true},
		"serve jpeg":        {value: 1.2},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := read(write(t, dir, "bad.json", "{")); err == nil || !strings.Contains(err.Error(), "bad.json") {
		t.Errorf("got %v", err)
	}
	if got, err := read(filepath.Join(dir, "nothing.json")); err != nil || len(got) != 0 {
		t.Errorf("nothing recorded: %v, %v", got, err)
	}
}

func TestCompare(t *testing.T) {
	before := map[string]ratio{
		"slower": {value: 20}, "faster": {value: 20}, "same": {value: 20}, "lost": {value: 1}, "nothing": {value: 0},
		"limit": {value: 1.4, less: true}, "other limit": {value: 1.4, less: true},
		"accuracy": {value: 0.1, points: true}, "worse accuracy": {value: 0.1, points: true},
	}
	after := map[string]ratio{
		"slower": {value: 17}, "faster": {value: 23}, "same": {value: 18.1}, "fresh": {value: 2}, "nothing": {value: 1},
		"limit": {value: 1.6, less: true}, "other limit": {value: 1.2, less: true},
		"accuracy": {value: -0.8, points: true}, "worse accuracy": {value: -1, points: true},
	}
	l := limits{share: 0.1, points: 1}
	got := compare(before, after, l)
	want := []move{
		{"limit", "worse", 1.4, 1.6, false}, {"slower", "worse", 20, 17, false}, {"worse accuracy", "worse", 0.1, -1, true},
		{"faster", "better", 20, 23, false}, {"nothing", "better", 0, 1, false}, {"other limit", "better", 1.4, 1.2, false},
		{"lost", "gone", 1, 0, false}, {"fresh", "new", 0, 2, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	text := report(got, len(after), l)
	for _, line := range []string{
		"worse   slower: 17, was 20 (-15 %)\n", "worse   worse accuracy: -1 points, was 0.1\n",
		"better  nothing: 1, was 0\n", "gone    lost: was 1\n", "new     fresh: 2\n",
		"9 ratios; by more than 10 % or 1 points: 3 worse, 3 better; 1 gone, 1 new\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}
