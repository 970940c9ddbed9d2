package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// FuzzLoad feeds the loader files, variables and flags: it refuses with reasons,
// or gives a configuration that is valid and reads the same once shown.
func FuzzLoad(f *testing.F) {
	f.Add(exampleText(f), "GRACE", "1s", "tasks.a.source", "test://")
	f.Add("tasks: {a: &c {window: 3}, b: {<<: *c}}", "TASKS_A_B_WINDOW", "4", "poll", "2s")
	f.Add("a: &a [*a, *a]\nb: [*a, *a]", "", "", "", "")
	f.Add("<<: [{poll: 1s}, {poll: 2s}]", "TASKS__SOURCE", "", "tasks..source", "")
	f.Fuzz(func(t *testing.T, file, variable, text, key, value string) {
		if strings.Contains(file, "_file") || strings.Contains(variable, "FILE") || strings.Contains(key, "_file") {
			return // the machine's own files are not ours to read
		}
		in := Input{File: "edge.yaml"}
		if variable != "" {
			in.Environ = []string{"EDGE_" + variable + "=" + text}
		}
		if key != "" {
			in.Settings = []Setting{{key, value, "--set"}}
		}
		l, err := load(in, []byte(file))
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 || problems[0].Reason == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if err := l.Validate(); err != nil {
			t.Fatalf("loaded, and invalid: %v", err)
		}
		shown, err := l.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shown), Redacted) || strings.Contains(string(shown), "***") || strings.Contains(file+variable+text+key+value, "@") || strings.Contains(file+text+value, "?") {
			return // what is hidden cannot be read back
		}
		again, err := load(Input{File: "/edge.yaml"}, shown)
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		if !reflect.DeepEqual(l.Tasks, again.Tasks) || !reflect.DeepEqual(l.Events.Webhooks, again.Events.Webhooks) || l.Poll != again.Poll {
			t.Fatalf("shown\n%s\nis another configuration", shown)
		}
	})
}
