package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// results writes a file of results and returns its path.
func results(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	results(t, dir, "table.json", `{"machine": {"cores": 2}, "rows": [
		{"what": "cold", "against": "keras", "ratio": 21.5, "seconds": 3},
		{"what": "limit", "ratio": 1.4, "at_most": 1.5},
		{"set": "grocery10", "seed": 2, "memory_ratio": 8},
		{"ratio": 3}
	]}`)
	results(t, dir, "serve.json", `{"ratios": {"jpeg": 1.2, "json": 0.9}, "rate": 900, "better": "less"}`)
	results(t, dir, "notes.txt", "no JSON")
	got, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ratio{
		"table: rows: cold keras":                     {21.5, false},
		"table: rows: limit":                          {1.4, true},
		"table: rows: grocery10 seed 2: memory_ratio": {8, false},
		"table: rows: 3":                              {3, false},
		"serve: ratios: jpeg":                         {1.2, false},
		"serve: ratios: json":                         {0.9, false},
	}
	for name, r := range want {
		if got[name] != r {
			t.Errorf("%s: %v, want %v", name, got[name], r)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestReadFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := read(results(t, dir, "bad.json", "{")); err == nil || !strings.Contains(err.Error(), "bad.json") {
		t.Errorf("got %v", err)
	}
	if got, err := read(filepath.Join(dir, "nothing.json")); err != nil || len(got) != 0 {
		t.Errorf("nothing recorded: %v, %v", got, err)
	}
}

func TestCompare(t *testing.T) {
	before := map[string]ratio{
		"slower": {value: 20}, "faster": {value: 20}, "same": {value: 20}, "limit": {1.4, true}, "other limit": {1.4, true}, "lost": {value: 1},
		"nothing": {value: 0},
	}
	after := map[string]ratio{
		"slower": {value: 17}, "faster": {value: 23}, "same": {value: 18.1}, "limit": {1.6, true}, "other limit": {1.2, true}, "fresh": {value: 2},
		"nothing": {value: 1},
	}
	got := compare(before, after, 0.1)
	want := []move{
		{"limit", "worse", 1.4, 1.6}, {"slower", "worse", 20, 17},
		{"faster", "better", 20, 23}, {"nothing", "better", 0, 1}, {"other limit", "better", 1.4, 1.2},
		{"lost", "gone", 1, 0}, {"fresh", "new", 0, 2},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %v, want %v", i, got[i], want[i])
		}
	}
	text := report(got, len(after), 0.1)
	for _, line := range []string{
		"worse   slower: 17, was 20 (-15 %)\n", "better  nothing: 1, was 0\n", "gone    lost: was 1\n", "new     fresh: 2\n",
		"7 ratios; by more than 10 %: 2 worse, 3 better; 1 gone, 1 new\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}
