package metrics_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/edge-adapt/edge/runtime/metrics"
)

// exercise uses every instrument once.
func exercise(m *metrics.Metrics) {
	t := m.Task("shelf")
	t.Event("change")
	m.Sink("log").Delivered.Inc()
}

func TestNamesAreDocumented(t *testing.T) {
	m := metrics.New()
	exercise(m)
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "edge_") {
			continue
		}
		var names []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			names = append(names, l.GetName())
		}
		labels[f.GetName()] = names
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
	}
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, line := range regexp.MustCompile(`(?m)^//\t(edge_\w+)(?:\{([a-z,]+)\})?`).FindAllStringSubmatch(string(source), -1) {
		var names []string
		if line[2] != "" {
			names = strings.Split(line[2], ",")
		}
		slices.Sort(names)
		documented[line[1]] = names
	}
	for name := range labels {
		slices.Sort(labels[name])
	}
	if !maps.EqualFunc(labels, documented, slices.Equal[[]string]) {
		t.Errorf("the registry has %v,\nthe package comment %v", labels, documented)
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	m := metrics.New()
	exercise(m)
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestForget(t *testing.T) {
	m := metrics.New()
	m.Task("shelf").Frames.Inc()
	m.Task("door").Event("change")
	m.Forget("shelf")
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if l.GetValue() == "shelf" {
					t.Errorf("%s still tells of a task that is gone", f.GetName())
				}
			}
		}
	}
}

func TestTwoRuntimesShareNothing(t *testing.T) {
	a, b := metrics.New(), metrics.New()
	a.Task("shelf").Frames.Inc()
	if v := testutil.ToFloat64(b.Task("shelf").Frames); v != 0 {
		t.Errorf("the other registry counts %v", v)
	}
}

func TestObservingDoesNotAllocate(t *testing.T) {
	task := metrics.New().Task("shelf")
	task.Event("change")
	if n := testing.AllocsPerRun(1000, func() {
		task.Frames.Inc()
		task.Latency.Observe(0.003)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
