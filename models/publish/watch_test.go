package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/publish"
)

// measured is a generation with that accuracy, made at that hour.
func measured(t testing.TB, task string, seed, hour int, accuracy float64) models.Generation {
	t.Helper()
	s := teststore.New(t)
	b := s.File(baseFile(t, seed), 4, small())
	d, err := s.Begin(task)
	must(t, err)
	data, err := head.New(4, 0, 2, 1).Encode()
	must(t, err)
	must(t, d.WriteFile(models.HeadName, data))
	g, err := d.Commit(t.Context(), models.Manifest{
		Edge: "test", Base: b.Base, Preprocessing: b.Preprocessing, Features: 4, Labels: []string{"a", "b"},
		Created: time.Date(2030, 1, 1, hour, 0, 0, 0, time.UTC), Measures: fmt.Appendf(nil, `{"val":{"accuracy":%v,"loss":0.3}}`, accuracy),
	})
	must(t, err)
	return g
}

// leave puts a bundle where a trainer does: whole, in one step.
func leave(t testing.TB, dir, run string, g models.Generation) {
	t.Helper()
	to := filepath.Join(dir, run, g.Task)
	must(t, os.MkdirAll(to, 0o700))
	data, err := os.ReadFile(bundleFile(t, g))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(to, ".part"), data, 0o600))
	must(t, os.Rename(filepath.Join(to, ".part"), filepath.Join(to, publish.BundleName)))
}

func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t)
	r, _, c := newRepository(t)
	dir := t.TempDir()
	told := make(chan publish.Watched, 100)
	next := func() publish.Watched {
		t.Helper()
		select {
		case w := <-told:
			return w
		case <-time.After(time.Minute):
			t.Fatal("nothing happens")
			return publish.Watched{}
		}
	}
	o := publish.WatchOptions{
		Dir: dir, Settle: 20 * time.Millisecond, Poll: 100 * time.Millisecond, Retry: 10 * time.Millisecond, Tell: func(w publish.Watched) { told <- w },
		Add: publish.AddOptions{Channel: "canary", Percent: 20, Gate: &publish.Gate{Least: map[string]float64{"accuracy": 0.8}, Against: true, Margin: 0.02}},
	}
	start := func() (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.Watch(ctx, o) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	leave(t, dir, "run-1", measured(t, "lamps", 1, 1, 0.9))
	leave(t, dir, "run-0", measured(t, "lamps", 2, 0, 0.95)) // older: overtaken
	stop := start()
	if w := next(); w.Release != 1 || w.Task != "lamps" || w.Err != nil || filepath.Base(filepath.Dir(filepath.Dir(w.Bundle))) != "run-1" {
		t.Errorf("%+v", w)
	}
	leave(t, dir, "run-2", measured(t, "lamps", 3, 2, 0.87))
	if w := next(); w.Release != 0 || !errors.Is(w.Err, publish.ErrNotBetter) {
		t.Errorf("worse: %+v", w)
	}
	leave(t, dir, "run-3", measured(t, "lamps", 4, 3, 0.885))
	if w := next(); w.Release != 2 {
		t.Errorf("within the margin: %+v", w)
	}
	must(t, os.MkdirAll(filepath.Join(dir, "run-4", "lamps"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "run-4", "lamps", publish.BundleName), []byte("no bundle"), 0o600))
	if w := next(); w.Err == nil || w.Release != 0 {
		t.Errorf("no bundle: %+v", w)
	}
	leave(t, dir, "", measured(t, "doors", 5, 1, 0.8))
	if w := next(); w.Release != 3 || w.Task != "doors" {
		t.Errorf("another task: %+v", w)
	}
	stop()
	// Started again it publishes nothing twice.
	stop = start()
	for range 3 {
		if w := next(); w.Release != 0 || w.Err == nil {
			t.Errorf("again: %+v", w)
		}
	}
	stop()
	got := newDevice(t, r, c.Now).sees("canary", 1, 2, 3)
	if got.Releases[0].Rollout.Percent != 20 {
		t.Errorf("%+v", got.Releases[0].Rollout)
	}
	o.Dir = filepath.Join(dir, "none")
	if err := r.Watch(t.Context(), o); err == nil {
		t.Error("watched no folder")
	}
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		gates    []string
		against  bool
		measures string
		before   string
		ok       bool
	}{
		{nil, false, `{}`, `{}`, true},
		{[]string{"accuracy>=0.85"}, false, `{"val":{"accuracy":0.85}}`, ``, true},
		{[]string{"accuracy>=0.85"}, false, `{"val":{"accuracy":0.84}}`, ``, false},
		{[]string{"accuracy>=0.85"}, false, `{"val":{"accuracy":0.9},"test":{"accuracy":0.8}}`, ``, false},
		{[]string{"val.accuracy >= 0.85", "val.loss<=0.5"}, false, `{"val":{"accuracy":0.9,"loss":0.6}}`, ``, false},
		{[]string{"val.loss<=0.5"}, false, `{"val":{"loss":0.5}}`, ``, true},
		{[]string{"recall>=0.5"}, false, `{"val":{"recall":1}}`, ``, false},
		{[]string{"val>=0.5"}, false, `{"val":{"recall":1}}`, ``, false},
		{[]string{"val.a.b>=0.5"}, false, `{"val":{"a":1}}`, ``, false},
		{[]string{"accuracy>=0"}, false, ``, ``, false},
		{nil, true, `{"accuracy":0.88}`, `{"val":{"accuracy":0.9}}`, true},
		{nil, true, `{"accuracy":0.87}`, `{"val":{"accuracy":0.9}}`, false},
		{nil, true, `{}`, `{"val":{"accuracy":0.9}}`, false},
		{nil, true, `{}`, `{}`, true},
		{nil, true, `{}`, ``, true},
	} {
		g := publish.Gate{Against: c.against, Margin: 0.02}
		for _, text := range c.gates {
			must(t, g.ParseGate(text))
		}
		var before json.RawMessage
		if c.before != "" {
			before = json.RawMessage(c.before)
		}
		if err := g.Check(json.RawMessage(c.measures), before); (err == nil) != c.ok || err != nil && !errors.Is(err, publish.ErrNotBetter) {
			t.Errorf("%v, measures %s, before %s: %v", c.gates, c.measures, c.before, err)
		}
	}
	for _, text := range []string{"", "accuracy", "accuracy>0.8", ">=1", "accuracy>=good", "accuracy>=NaN"} {
		if err := new(publish.Gate).ParseGate(text); err == nil {
			t.Errorf("%q is a gate", text)
		}
	}
}
