package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

// The members that `edge adapt --json` promises.
func TestRunJSON(t *testing.T) {
	run := plausible()
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"task": "panel", "generation": 3.0, "base.name": run.Base.Name, "base.digest": string(run.Base.Digest),
		"labels.9": "valve_open", "images.total": 1783.0, "images.train": 1145.0, "images.val": 285.0, "images.test": 346.0,
		"images.skipped": 3.0, "images.duplicates": 2.0, "history.1.epoch": 2.0, "history.1.loss": run.History[1].Loss,
		"history.1.accuracy": run.History[1].Accuracy, "history.1.val_loss": run.History[1].ValLoss, "history.1.val_accuracy": run.History[1].ValAccuracy,
		"train.accuracy": run.Train.Accuracy, "train.loss": 0.1104, "val.accuracy": run.Val.Accuracy, "val.loss": 0.2731,
		"test.accuracy": run.Test.Accuracy, "test.loss": 0.2689, "seconds.total": 31.42, "seconds.features": 24.81, "seconds.train": 5.93,
		"peak_rss_mib": 187.4, "report": run.Report,
		// Beyond the promise.
		"verdict.fit": "balanced", "best_epoch": 19.0, "cache.hits": 1290.0, "skipped.2.reason": "empty file",
		"duplicates.0.of": "lamp_off/0012.jpg", "conflicts.0.labels.1": "lamp_off", "recipe.hidden": 128.0, "created": "2026-03-04T15:06:07Z",
	} {
		var v any = got
		for _, key := range strings.Split(path, ".") {
			switch at := v.(type) {
			case map[string]any:
				v = at[key]
			case []any:
				v = at[key[0]-'0']
			}
		}
		if v != want {
			t.Errorf("%s: got %v, want %v", path, v, want)
		}
	}
	history := got["history"].([]any)[0].(map[string]any)
	if len(history) != 5 {
		t.Errorf("an epoch holds %v", history)
	}

	run = classes(2)
	if data, err = json.Marshal(run); err != nil {
		t.Fatal(err)
	}
	clear(got)
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"test", "skipped", "warnings"} {
		if _, ok := got[absent]; ok {
			t.Errorf("%s is there", absent)
		}
	}
}

func TestNewRun(t *testing.T) {
	test := adapt.Measures{Accuracy: 0.5, Images: 2}
	r := &adapt.Result{
		Dataset: &adapt.Dataset{
			Labels:     []string{"a", "b"},
			Samples:    []adapt.Sample{{Path: "a/1", Split: adapt.SplitTrain}, {Path: "b/1", Label: 1, Split: adapt.SplitVal}, {Path: "b/2", Label: 1, Split: adapt.SplitTest}},
			Skipped:    []adapt.Skip{{Path: "a/2", Reason: "empty"}, {Path: "c", Reason: "no images", Folder: true}},
			Duplicates: []adapt.Duplicate{{Path: "a/3", Of: "a/1"}},
			Conflicts:  []adapt.Conflict{{Paths: []string{"a/4", "b/4"}, Labels: []string{"a", "b"}}},
		},
		Features: &adapt.Features{Hits: 2, Computed: 1},
		History:  historyOf(4), Best: 3,
		Train: adapt.Measures{Accuracy: 1, Images: 1}, Val: adapt.Measures{Accuracy: 0, Images: 1}, Test: &test,
		Mistakes: []adapt.Mistake{{Sample: adapt.Sample{Path: "b/1", Label: 1, Split: adapt.SplitVal}, Predicted: 0, Score: 0.75}},
		Seconds:  adapt.Seconds{Total: 3, Features: 2, Train: 1},
	}
	run := NewRun(r)
	if want := (adapt.Images{Total: 7, Train: 1, Val: 1, Test: 1, Skipped: 1, Duplicates: 1}); run.Images != want {
		t.Errorf("images %+v", run.Images)
	}
	if run.BestEpoch != 3 || run.Cache.Hits != 2 || run.Cache.Misses != 1 || run.Verdict.Fit != FitOverfitted || run.Test != r.Test || len(run.History) != 4 {
		t.Errorf("got %+v", run)
	}
	if got := NewMistakes(r); len(got) != 1 || got[0].Path != "b/1" || got[0].True != 1 || got[0].Predicted != 0 || got[0].Score != 0.75 || got[0].Split != adapt.SplitVal {
		t.Errorf("mistakes %+v", got)
	}
}

func TestPairs(t *testing.T) {
	got := Pairs([][]int{{5, 2, 0}, {2, 0, 1}, {0, 3, 90}})
	want := []Pair{{2, 1, 3, 93}, {1, 0, 2, 3}, {0, 1, 2, 7}, {1, 2, 1, 3}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := mistakes([][]int{{5, 2, 0}, {2, 0, 1}, {0, 3, 90}}); n != 8 {
		t.Errorf("%d mistakes", n)
	}
	if Pairs(nil) != nil || Pairs([][]int{{3, 0}, {0, 4}}) != nil {
		t.Error("pairs out of nothing")
	}
}

func TestWorst(t *testing.T) {
	in := []Mistake{{Path: "c", Score: 0.5}, {Path: "b", Score: 0.9}, {Path: "a", Score: 0.5}}
	paths := func(m []Mistake) (s string) {
		for _, x := range m {
			s += x.Path
		}
		return s
	}
	if got := paths(Worst(in, 9)); got != "bac" {
		t.Errorf("got %s", got)
	}
	if got := paths(Worst(in, 2)); got != "ba" {
		t.Errorf("got %s", got)
	}
	if paths(in) != "cba" || len(Worst(nil, 3)) != 0 {
		t.Error("changed its input, or made mistakes up")
	}
}
