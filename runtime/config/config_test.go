package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const example = "../../docs/edge.yaml"

func exampleText(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestExampleIsDefault holds the shipped example to the defaults: every key is in
// it, and says what holds without it.
func TestExampleIsDefault(t *testing.T) {
	l, err := Load(Input{File: example})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l.Config, Default()) {
		t.Errorf("docs/edge.yaml gives\n%+v\nthe defaults are\n%+v", l.Config, Default())
	}
	walk(reflect.ValueOf(Default()), "", func(path string, _ reflect.Value) {
		if l.Origins[path] == "" {
			t.Errorf("docs/edge.yaml does not have %s", path)
		}
	})
}

// TestExampleWebhook takes the comment signs off the example's webhook.
func TestExampleWebhook(t *testing.T) {
	text := exampleText(t)
	text = strings.Replace(text, "webhooks: {}", "webhooks:", 1)
	text = regexp.MustCompile(`(?m)^  #  `).ReplaceAllString(text, "    ")
	text = strings.Replace(text, "/etc/edge/kitchen.secret", secretFile(t), 1)
	l, err := Load(Input{File: write(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	got := l.Events.Webhooks["kitchen"]
	want := DefaultWebhook()
	want.URL, want.Kinds, want.SecretFile, want.Secret = "https://example.org/hook", []string{"change", "source_lost"}, got.SecretFile, "0123456789abcdef"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example's webhook is\n%+v, want\n%+v", got, want)
	}
	for _, key := range keysOf(reflect.TypeFor[Webhook]()) {
		if key != "secret" && !strings.Contains(exampleText(t), "#    "+key+":") {
			t.Errorf("the example's webhook does not have %s", key)
		}
	}
}

func secretFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEmptyFilesAreDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "tasks:\nevents:\n  jsonl:\n", "{}", "null"} {
		l, err := Load(Input{File: write(t, text)})
		if err != nil || !reflect.DeepEqual(l.Config, Default()) {
			t.Errorf("%q gives %v\n%+v", text, err, l)
		}
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, `
poll: 3s
grace: 20s
log: {level: warn}
tasks:
  front-door:
    source: test://
    threshold: 0.9
  back:
    in_a_row: 4
`)
	l, err := Load(Input{
		File: file,
		Environ: []string{
			"PATH=/bin", "EDGE_GRACE=30s", "EDGE_LISTEN=:1, unix:/tmp/x", "EDGE_TASKS_FRONT_DOOR_THRESHOLD=95%",
			"EDGE_TASKS_FRONT_DOOR_ADAPT_CORES=2", "EDGE_TASKS_NEW_SOURCE=test://?rate=1", "EDGE_CONFIG=elsewhere",
			"EDGE_EVENTS_WEBHOOKS_HALL_URL=https://example.org", "EDGE_EVENTS_WEBHOOKS_HALL_SECRET=0123456789abcdef",
		},
		Settings: []Setting{{"tasks.front-door.threshold", "70%", "--set"}, {"log.format", "json", "--log-format"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.Poll.D() != 3*time.Second || l.Grace.D() != 30*time.Second || l.Log != (Log{"warn", "json"}) {
		t.Errorf("poll %v, grace %v, log %v", l.Poll, l.Grace, l.Log)
	}
	if !slices.Equal(l.Listen, []string{":1", "unix:/tmp/x"}) {
		t.Errorf("listen %q", l.Listen)
	}
	if got := l.Names(); !slices.Equal(got, []string{"back", "front-door", "new"}) {
		t.Fatalf("tasks %q: named tasks replace the default's", got)
	}
	front := l.Tasks["front-door"]
	if front.Threshold != 0.7 || front.Adapt.Cores != 2 || front.Source != "test://" || front.Window != DefaultTask().Window {
		t.Errorf("front-door is %+v", front)
	}
	if w := l.Events.Webhooks["hall"]; w.URL != "https://example.org" || w.Secret != "0123456789abcdef" || w.Timeout != DefaultWebhook().Timeout {
		t.Errorf("the webhook is %+v", w)
	}
	for key, want := range map[string]string{
		"poll": "edge.yaml:2", "grace": "EDGE_GRACE", "tasks.front-door.threshold": "--set", "tasks.front-door.source": "edge.yaml:7",
		"tasks.back": "edge.yaml:9", "log.format": "--log-format", "tasks.new.source": "EDGE_TASKS_NEW_SOURCE", "store": "",
	} {
		if l.Origins[key] != want {
			t.Errorf("%s comes from %q, want %q", key, l.Origins[key], want)
		}
	}
}

// A variable or flag for a task replaces the default's tasks only if it names
// another one.
func TestDefaultTaskStaysOrGoes(t *testing.T) {
	for _, c := range []struct {
		environ  []string
		settings []Setting
		want     []string
	}{
		{nil, nil, []string{"default"}},
		{[]string{"EDGE_TASKS_DEFAULT_SOURCE=test://"}, nil, []string{"default"}},
		{[]string{"EDGE_TASKS_A_SOURCE=test://", "EDGE_TASKS_B_SOURCE=test://"}, nil, []string{"a", "b"}},
		{[]string{"EDGE_TASKS_A_SOURCE=test://", "EDGE_TASKS_DEFAULT_SOURCE=test://"}, nil, []string{"a", "default"}},
		{nil, []Setting{{"tasks.x.source", "test://", "--source"}}, []string{"x"}},
		// Keys and names that look alike: the longest key wins, and then a task that there is.
		{[]string{"EDGE_TASKS_A_ADAPT_ON_CHANGE=false"}, nil, []string{"a"}},
		{nil, []Setting{{"tasks.a.b.adapt.cores", "2", "--set"}}, []string{"a.b"}},
	} {
		l, err := Load(Input{Environ: c.environ, Settings: c.settings})
		if err != nil || !slices.Equal(l.Names(), c.want) {
			t.Errorf("%v %v gives %v, %v; want %v", c.environ, c.settings, l, err, c.want)
		}
	}
}

func TestMergeKeys(t *testing.T) {
	l, err := Load(Input{File: write(t, `
tasks:
  a: &common
    threshold: 90%
    crop: {width: 50%}
    window: 7
  b:
    <<: *common
    window: 9
    source: test://
`)})
	if err != nil {
		t.Fatal(err)
	}
	if b := l.Tasks["b"]; b.Threshold != 0.9 || b.Window != 9 || b.Crop.Width != 0.5 || b.Source != "test://" {
		t.Errorf("b is %+v", b)
	}
}

func TestRelativePaths(t *testing.T) {
	file := write(t, "store: st\ntasks: {a: {samples: ../photos}}\nevents: {jsonl: {path: /var/x}}\n")
	l, err := Load(Input{File: file, Environ: []string{"EDGE_EVENTS_HISTORY_PATH=h.db"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file)
	if l.Store != filepath.Join(dir, "st") || l.Tasks["a"].Samples != filepath.Join(filepath.Dir(dir), "photos") ||
		l.Events.JSONL.Path != "/var/x" || l.Events.History.Path != "h.db" {
		t.Errorf("%q %q %q %q", l.Store, l.Tasks["a"].Samples, l.Events.JSONL.Path, l.Events.History.Path)
	}
}

func TestTaskConfigs(t *testing.T) {
	l, err := Load(Input{File: write(t, "tasks: {a: {crop: {x: 50%, width: 50%}, interval: 1s}, b: {probation: {collapse: 0%, latency_factor: 0}}}")})
	if err != nil {
		t.Fatal(err)
	}
	tasks := l.TaskConfigs()
	if len(tasks) != 2 || tasks[0].Name != "a" || tasks[0].Crop.X != 0.5 || tasks[0].Crop.Height != 1 || tasks[0].Interval != time.Second {
		t.Errorf("a is %+v", tasks)
	}
	if b := tasks[1]; b.Crop.Width != 0 || b.Probation.Collapse != -1 || b.Probation.LatencyFactor != -1 {
		t.Errorf("b is %+v", b)
	}
	for _, task := range tasks {
		if err := task.Probation.Validate(); err != nil {
			t.Error(err)
		}
		if err := task.Decide.Validate(); err != nil {
			t.Error(err)
		}
	}
}
