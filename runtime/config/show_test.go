package config

import (
	"reflect"
	"testing"
)

// TestShownIsTheSame reads back what is shown.
func TestShownIsTheSame(t *testing.T) {
	in := Input{File: write(t, `
store: /st
listen: [":1", "unix:/s p#ace"]
memory: 60%
tasks: {a.b-c: {source: test://, crop: {x: 7%, width: 93%}, heartbeat: 90s, motion: 0.012345}, true: {window: 8}, "1": {}}
events: {jsonl: {path: /x, max_size: 1500KB, max_age: 36h}, webhooks: {w.x: {url: https://e.org, kinds: [good]}}}
`)}
	first, err := Load(in)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(Input{File: write(t, string(shown))})
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	if !reflect.DeepEqual(first.Config, second.Config) {
		t.Errorf("\n%+v is shown as\n%s which is\n%+v", first.Config, shown, second.Config)
	}
}

func TestShowHasOrigins(t *testing.T) {
	l, err := Load(Input{File: write(t, "poll: 5s\n"), Environ: []string{"EDGE_WORKERS=3"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Shown{}
	for _, s := range l.Show() {
		got[s.Key] = s
	}
	for key, want := range map[string]Shown{
		"poll":                   {"poll", "5s", "edge.yaml:1"},
		"workers":                {"workers", 3, "EDGE_WORKERS"},
		"tasks.default.crop.x":   {"tasks.default.crop.x", "0%", "default"},
		"events.history.max_age": {"events.history.max_age", "90d", "default"},
	} {
		if got[key] != want {
			t.Errorf("%+v, want %+v", got[key], want)
		}
	}
}
