package device_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
)

// TestReportShowsMistakes puts valves among the lamps to measure with: the page
// shows what the head takes them for.
func TestReportShowsMistakes(t *testing.T) {
	c := configured(t)
	all, dir := c.Dir, t.TempDir()
	for _, c := range []struct {
		class       string
		first, last int
		folder      string
	}{
		{"lamp_red", 0, 5, "train/lamp_red"}, {"lamp_red", 5, 8, "val/lamp_red"}, {"lamp_red", 8, 10, "test/lamp_red"},
		{"valve_open", 0, 5, "train/valve_open"}, {"valve_open", 5, 8, "val/lamp_red"}, {"valve_open", 8, 10, "test/valve_open"},
	} {
		files, err := filepath.Glob(filepath.Join(all, c.class, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, c.folder), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range files[c.first:c.last] {
			if err := os.Symlink(file, filepath.Join(dir, c.folder, c.class+"_"+filepath.Base(file))); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Dir = dir
	run, err := device.Adapt(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	g, err := c.Store.Current(c.Task)
	if err != nil {
		t.Fatal(err)
	}
	var measures struct {
		Images    int
		Val, Test struct{ Accuracy float64 }
	}
	if err := json.Unmarshal(g.Measures, &measures); err != nil {
		t.Fatal(err)
	}
	if measures.Images != 20 || measures.Val.Accuracy > 0.9 || measures.Test.Accuracy < 0.9 {
		t.Errorf("%s", g.Measures)
	}
	page, err := os.ReadFile(run.Report)
	if err != nil {
		t.Fatal(err)
	}
	wrong, pictures := strings.Count(string(page), "val/lamp_red/valve_open_"), strings.Count(string(page), "data:image/jpeg;base64,")
	if wrong < 3 || pictures < 3 {
		t.Errorf("the page names %d of 3 wrong images and shows %d pictures", wrong, pictures)
	}
}
