package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The tables of docs/scale.md are those of the last run, and those are what its
// figures say.
func TestDocument(t *testing.T) {
	root := filepath.Join("..", "..")
	data, err := os.ReadFile(filepath.Join(root, "bench", "results", "fleet.json"))
	must(t, err)
	var r report
	must(t, json.Unmarshal(data, &r))
	tables, err := os.ReadFile(filepath.Join(root, "bench", "results", "fleet.md"))
	must(t, err)
	if string(tables) != string(r.markdown()) {
		t.Error("bench/results/fleet.md is not what fleet.json says")
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "scale.md"))
	must(t, err)
	_, rest, found := strings.Cut(string(text), "<!-- bench/results/fleet.md -->\n")
	shown, _, ended := strings.Cut(rest, "<!-- /bench/results/fleet.md -->\n")
	if !found || !ended || strings.TrimSpace(shown) != strings.TrimSpace(string(tables)) {
		t.Error("docs/scale.md does not show the tables of bench/results/fleet.md between its marks")
	}
}
