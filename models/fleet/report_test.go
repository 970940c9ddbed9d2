package fleet

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// whole returns a report with every field set.
func whole() Report {
	return Report{
		Format: Format, Sequence: 7, Sent: noon, Edge: "v1.2.3", Architecture: "arm64", MemoryMiB: 980, Uptime: 12.5, Channel: "stable",
		Health: Health{Ready: true, Problem: "the camera is gone", ResidentMiB: 60, DiskFreeMiB: 1000, Temperature: 51.5},
		Stuck:  "the disk is full",
		Tasks: []Task{{
			Task: "lamps", Generation: 4, Release: 9, State: Good, Activated: noon, Base: digest.Of([]byte("base")), Classes: 2,
			Labels: []string{"lamp_red", "lamp"}, Measures: Measures{0.93, 40}, Counts: Counts{1000, 2, 30}, Latency: Latency{11, 25}, Stuck: "release 10 is for amd64",
			Refused:   []Refusal{{10, noon, "worse on 3 of 40 images"}},
			Rollbacks: []Rollback{{noon, 3, 8, 2, ByProbation, "it answers lamp_red, and lamp never"}},
		}},
	}
}

func TestReportComesBack(t *testing.T) {
	r := whole()
	data, err := r.Encode(Consent{LabelNames: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode(Consent{LabelNames: true})
	if err != nil || string(again) != string(data) {
		t.Errorf("%s, then %s (%v)", data, again, err)
	}
	for _, part := range []string{"lamp_red", "1000", "v1.2.3", "worse on 3", `"release":8`, "51.5"} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s is not in %s", part, data)
		}
	}
}

// Without consent no name of a class leaves the device, in whichever field.
func TestConsent(t *testing.T) {
	r := whole()
	r.Stuck = "no picture of lamp_red fits"
	r.Health.Problem = "lamp? lamp_red, lamps (lamp)"
	r.Tasks[0].Stuck = "lamp_red"
	r.Tasks[0].Refused[0].Reason = "confuses lamp with lamp_red; übrigens: lampé"
	data, err := r.Encode(Consent{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "lamp_red") || got.Tasks[0].Labels != nil {
		t.Errorf("a name went out: %s", data)
	}
	for _, c := range []struct{ got, want string }{
		{got.Stuck, "no picture of class 1 fits"},
		{got.Health.Problem, "class 2? class 1, lamps (class 2)"}, // lamps is the task
		{got.Tasks[0].Stuck, "class 1"},
		{got.Tasks[0].Refused[0].Reason, "confuses class 2 with class 1; übrigens: lampé"},
		{got.Tasks[0].Rollbacks[0].Reason, "it answers class 1, and class 2 never"},
	} {
		if c.got != c.want {
			t.Errorf("%q: want %q", c.got, c.want)
		}
	}
	if got.Tasks[0].Classes != 2 || got.Tasks[0].Task != "lamps" {
		t.Errorf("%+v", got.Tasks[0])
	}
	if r.Tasks[0].Labels == nil || !strings.Contains(r.Tasks[0].Rollbacks[0].Reason, "lamp_red") {
		t.Error("the report of the caller was changed")
	}
}

// A writer shortens; a reader refuses.
func TestCut(t *testing.T) {
	r := whole()
	r.Stuck = strings.Repeat("é", 400) + "\n\x00"
	task := &r.Tasks[0]
	for i := range 40 {
		task.Rollbacks = append(task.Rollbacks, Rollback{When: noon.Add(time.Duration(-i) * time.Hour), Generation: i + 1, By: ByPerson})
	}
	data, err := r.Encode(Consent{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Tasks[0].Rollbacks); n != MaxRollbacks || !got.Tasks[0].Rollbacks[n-1].When.Equal(noon) || got.Tasks[0].Rollbacks[0].When.Before(noon.Add(-15*time.Hour)) {
		t.Errorf("of the rollbacks came %v", got.Tasks[0].Rollbacks)
	}
	if len(got.Stuck) > maxText || !strings.HasSuffix(got.Stuck, "é…") {
		t.Errorf("cut to %q", got.Stuck)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, change := range map[string]func(*Report){
		"no sequence":         func(r *Report) { r.Sequence = 0 },
		"sequence too high":   func(r *Report) { r.Sequence = maxWhole + 1 },
		"no version":          func(r *Report) { r.Edge = "" },
		"no architecture":     func(r *Report) { r.Architecture = "" },
		"version of 2 lines":  func(r *Report) { r.Edge = "v1\nv2" },
		"channel":             func(r *Report) { r.Channel = "../stable" },
		"negative uptime":     func(r *Report) { r.Uptime = -1 },
		"no number":           func(r *Report) { r.Uptime = math.NaN() },
		"negative memory":     func(r *Report) { r.MemoryMiB = -1 },
		"heat":                func(r *Report) { r.Health.Temperature = math.Inf(1) },
		"task's name":         func(r *Report) { r.Tasks[0].Task = "A b" },
		"task twice":          func(r *Report) { r.Tasks = append(r.Tasks, r.Tasks[0]) },
		"no generation":       func(r *Report) { r.Tasks[0].Generation = 0 },
		"state":               func(r *Report) { r.Tasks[0].State = "fine" },
		"base":                func(r *Report) { r.Tasks[0].Base = "sha256:00" },
		"accuracy above 1":    func(r *Report) { r.Tasks[0].Measures.Accuracy = 1.01 },
		"latency below 0":     func(r *Report) { r.Tasks[0].Latency.P99 = -1 },
		"no release refused":  func(r *Report) { r.Tasks[0].Refused[0].Release = 0 },
		"rollback by nobody":  func(r *Report) { r.Tasks[0].Rollbacks[0].By = "" },
		"rollback of nothing": func(r *Report) { r.Tasks[0].Rollbacks[0].Generation = 0 },
		"year":                func(r *Report) { r.Tasks[0].Rollbacks[0].When = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		r := whole()
		change(&r)
		if _, err := r.Encode(Consent{}); err == nil {
			t.Errorf("%s: it was written", name)
		}
	}
	for text, want := range map[string]error{
		"":                                   ErrForm,
		"{}":                                 ErrForm,
		"[]":                                 ErrForm,
		`{"format":2}`:                       ErrNewer,
		`{"format":1}`:                       ErrForm,
		`{"format":0}`:                       ErrForm,
		`{"format":1,"tasks":[{}`:            ErrForm,
		strings.Repeat(" ", MaxBytes) + "{}": ErrForm,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
	data, err := whole().Encode(Consent{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(append(data, "{}"...)); !errors.Is(err, ErrForm) {
		t.Errorf("two reports: %v", err)
	}
	if _, err := Parse([]byte(strings.Replace(string(data), `"format":1`, `"format":1,"new_field":[1]`, 1))); err != nil {
		t.Errorf("a field it does not know: %v", err)
	}
}

// FuzzReport reads anything; what it takes can be written, and comes back.
func FuzzReport(f *testing.F) {
	data, err := whole().Encode(Consent{LabelNames: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":1,"sequence":1,"sent":"0001-01-01T00:00:00Z","edge":"v","architecture":"a","tasks":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		again, err := r.Encode(Consent{LabelNames: true})
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", r, err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("%s was written and cannot be read: %v", again, err)
		}
		veiled, err := r.Encode(Consent{})
		if err != nil {
			t.Fatalf("%+v cannot be written without labels: %v", r, err)
		}
		if r, err = Parse(veiled); err != nil {
			t.Fatalf("%s was written and cannot be read: %v", veiled, err)
		}
		for _, task := range r.Tasks {
			if task.Labels != nil {
				t.Fatal("labels without consent")
			}
		}
	})
}
