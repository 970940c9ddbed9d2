package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// TestRefused has files that must be refused, and what must be in the reason.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"listn: [a]":                        `edge.yaml:1: there is no key "listn"; did you mean listen?`,
		"\n\ntasks:\n  a:\n    treshold: 1": `edge.yaml:5: tasks.a: there is no key "treshold"; did you mean threshold?`,
		"source: x":                         `there is no key "source" here; it belongs at tasks.NAME.source`,
		"xyzzyplugh: 1":                     `there are store, listen`,
		"poll: fast":                        `edge.yaml:1: poll: "fast" is no length of time`,
		"poll: -1s":                         `below zero`,
		"poll: 1ms":                         `edge.yaml:1: poll: 1ms is out of range`,
		"poll:":                             `poll: has no value`,
		"poll: [1s]":                        `poll: want one value`,
		"poll: 1s\npoll: 2s":                `edge.yaml:2: poll: stands here twice`,
		"pprof: yes":                        `want true or false`,
		"workers: 1.5":                      `no whole number`,
		"workers: 1000":                     `workers: 1000 is out of range: want 0 to 256`,
		"memory: 10%%":                      `memory`,
		"memory: 0":                         `no amount of memory`,
		"memory: 1MiB":                      `too little`,
		"listen: []":                        `at least one address`,
		"listen: [8080]":                    `"8080" is no address`,
		"listen: ['unix:x']":                `begins with /`,
		"listen: [':1', ':1']":              `twice`,
		"listen: {a: b}":                    `listen: want one value`,
		"tls: {cert: a}":                    `cert and key go together`,
		"tls: {cert: a, key: b, self_made: true}": `self_made`,
		"tls: [a]":                                                       `want a group of keys: cert, key, self_made`,
		"log: {level: inof}":                                             `log.level: "inof": want debug, info, warn, error; did you mean info?`,
		"tasks: {A B: {}}":                                               `"A B" cannot name a task`,
		"tasks: {a: {source: nonsense}}":                                 `edge.yaml:1: tasks.a.source`,
		"tasks: {a: {crop: {x: 60%, width: 50%}}}":                       `reaches beyond the picture`,
		"tasks: {a: {crop: {width: 0}}}":                                 `above 0%`,
		"tasks: {a: {threshold: 0}}":                                     `tasks.a.threshold`,
		"tasks: {a: {threshold: 800%}}":                                  `no share`,
		"tasks: {a: {share: 50%}}":                                       `above 50%`,
		"tasks: {a: {window: 0}}":                                        `tasks.a.window: 0 is out of range`,
		"tasks: {a: {adapt: {on_change: true}}}":                         `set tasks.a.samples`,
		"tasks: {a: {probation: {frames: 0}}}":                           `tasks.a.probation.frames`,
		"tasks: {a: {probation: {latency_frames: 1}}}":                   `tasks.a.probation: latency_frames`,
		"tasks: {a-b: {}, a_b: {}}":                                      `same variables as task a-b`,
		"events: {webhooks: {a: {}}}":                                    `events.webhooks.a.url: is missing`,
		"events: {webhooks: {a: {url: ftp://x}}}":                        `want https://`,
		"events: {webhooks: {a: {url: 'http://u:secretword@x/'}}}":       `has a password in it`,
		"events: {webhooks: {a: {url: 'http://x', kinds: [chagne]}}}":    `did you mean change?`,
		"events: {webhooks: {a: {url: 'http://x', tasks: [nobody]}}}":    `no task "nobody"`,
		"events: {webhooks: {a: {url: 'http://x', secret: secretword}}}": `a secret does not belong in this file; use events.webhooks.a.secret_file, or the variable EDGE_EVENTS_WEBHOOKS_A_SECRET`,
		"gc: {newest: -1}":                                               `gc.newest: -1 is out of range`,
		"gc: {newest: 0, limit: 1GiB}":                                   `gc.limit: nothing is removed`,
		"update: {every: 10s}":                                           `update.every: 10s is too often`,
		"update: {nudge: {broker: 'http://x'}}":                          `update.nudge.broker`,
		"update: {nudge: {broker: 'mqtts://u:secretword@x'}}":            `without a password`,
		"update: {nudge: {cert_file: a}}":                                `cert_file and key_file go together`,
		"report: {url: 'ftp://x'}":                                       `report.url`,
		"report: {every: 1s}":                                            `report.every: 1s is out of range`,
		"tasks: {a: {source_file: /nowhere/at/all}}":                     `tasks.a.source_file: stat /nowhere/at/all`,
		"tasks: {a: {source_file: /dev/zero}}":                           `/dev/zero is no file`,
		"tasks: {a: {source: 'test://', source_file: /x}}":               `are both set`,
		"a: b: c":                       `edge.yaml: not YAML`,
		"- a":                           `want a group of keys`,
		"poll: 1s\n---\npoll: 2s":       `a second document`,
		"? [a]\n: b":                    `a key must be one word`,
		"<<: 3":                         `<< wants a group of keys`,
		"tasks: 3":                      `tasks: want names`,
		"a: &a [*a]":                    ``,
		"tls: &t {<<: *t}":              `too large, or aliases within aliases`,
		"listen: &l [a, *l]":            `want a list of words`,
		"\x00":                          `not YAML`,
		strings.Repeat("# \n", 400_000): `larger than 1024 KiB`,
	} {
		_, err := Load(Input{File: write(t, text)})
		var problems Problems
		if errors.As(err, &problems) != (len(text) < maxFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q gives %v; want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secretword") {
			t.Errorf("%.60q: the error shows the secret: %v", text, err)
		}
		if hint.Of(err) == "" {
			t.Errorf("%.60q: no next step", text)
		}
	}
}

func TestRefusedOverrides(t *testing.T) {
	for _, c := range []struct {
		in   Input
		want string
	}{
		{Input{Environ: []string{"EDGE_POLL=x"}}, `EDGE_POLL: poll: "x" is no length of time`},
		{Input{Environ: []string{"EDGE_TASKS_A_WINDOW=0"}}, `EDGE_TASKS_A_WINDOW: tasks.a.window: 0 is out of range`},
		{Input{Settings: []Setting{{"tasks.a.windw", "1", "--set"}}}, `--set: there is no key "tasks.a.windw"; did you mean tasks.NAME.window?`},
		{Input{Settings: []Setting{{"poll", "0s", "--poll"}}}, `--poll: poll`},
		{Input{Settings: []Setting{{"tasks", "0s", "--set"}}}, `--set: there is no key "tasks"`},
		{Input{Settings: []Setting{{"events.webhooks.a.secret", "secretword secretword", "--set"}}}, `can be seen by everyone`},
		{Input{File: "/nowhere/at/all.yaml"}, `configuration: stat /nowhere/at/all.yaml`},
	} {
		_, err := Load(c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secretword") {
			t.Errorf("%v gives %v; want %q", c.in, err, c.want)
		}
	}
}

// All that is wrong is said at once.
func TestAllProblems(t *testing.T) {
	_, err := Load(Input{File: write(t, "poll: 1ms\ngrace: 0s\ntasks: {a: {window: 0}}\n")})
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Errorf("want three problems: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	l, err := Load(Input{Environ: []string{"EDGE_LISTN=x", "EDGE_TASKS_A_SOURSE=x", "EDGE_PYTHONPATH=x", "EDGE_TEST_S3=y"}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(l.Warnings, "\n")
	if len(l.Warnings) != 2 || !strings.Contains(got, "did you mean EDGE_LISTEN?") || !strings.Contains(got, "EDGE_TASKS_A_SOURSE") {
		t.Errorf("warnings:\n%s", got)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "uri"), []byte("rtsp://me:secretword@cam/1\n"), 0o600)
	file := filepath.Join(dir, "edge.yaml")
	os.WriteFile(file, []byte(`
tasks: {a: {source_file: uri}, b: {source: "rtsp://me:secretword@cam/2"}}
events: {webhooks: {w: {url: "https://example.org/hook?key=secretword"}}}
`), 0o600)
	l, err := Load(Input{File: file, Environ: []string{"EDGE_EVENTS_WEBHOOKS_W_SECRET=secretword-secretword"}})
	if err != nil {
		t.Fatal(err)
	}
	if l.Tasks["a"].Source != "rtsp://me:secretword@cam/1" {
		t.Fatalf("the file was not read: %q", l.Tasks["a"].Source)
	}
	shown, err := l.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "secretword") {
		t.Errorf("shown:\n%s", shown)
	}
	for _, want := range []string{"EDGE_EVENTS_WEBHOOKS_W_SECRET", "source_file: " + filepath.Join(dir, "uri")} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("%s is missing:\n%s", want, shown)
		}
	}
}

func TestTwoLineSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, text := range []string{"", "\n", "a\nb", "short"} {
		os.WriteFile(path, []byte(text), 0o600)
		_, err := Load(Input{File: write(t, "events: {webhooks: {w: {url: 'https://x', secret_file: "+path+"}}}")})
		if err == nil || !strings.Contains(err.Error(), "events.webhooks.w.secret") {
			t.Errorf("%q gives %v", text, err)
		}
	}
}
