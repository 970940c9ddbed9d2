package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

// outcomeOf is an outcome of the reference's two sets, as training met them;
// measured clean, training is 99 %.
func outcomeOf(met, metLoss, val, valLoss float64) Outcome {
	gap := 100 * (met - val)
	return Outcome{
		Train: Score{0.99, 0.02, 800}, Val: Score{val, valLoss, 200}, GapPoints: 100 * (0.99 - val),
		Met: &Score{met, metLoss, 800}, MetGapPoints: &gap,
	}
}

// storyOf is the reference experiment's: all layers from the start against
// freezing first.
func storyOf() *FineTune {
	labels := []string{"ant", "bee"}
	train := measuresOf(labels, [][]int{{396, 4}, {4, 396}}, 0.02)
	val := measuresOf(labels, [][]int{{82, 18}, {18, 82}}, 0.40)
	f := &FineTune{
		Run: Run{
			Task: "insects", Base: Base{Name: "parent-finetuned", Digest: "sha256:1"}, Labels: labels,
			Images: adapt.Images{Total: 1000, Train: 800, Val: 200}, History: historyOf(10), BestEpoch: 9,
			Train: train, Val: val, PeakRSSMiB: 600,
		},
		Parent:   Base{Name: "parent", Digest: "sha256:0"},
		Unfreeze: Unfreeze{Fraction: 0.2, Layers: 30, Of: 154, From: "block_13_project_BN", Kernels: 10, Parameters: 1_518_400, BatchNorm: "folded"},
		Phases:   []Phase{{Name: "head", Epochs: 5, Rate: 1e-3, Seconds: 0.4}, {Name: "top", Epochs: 5, Rate: 1e-4, Seconds: 17}},
		Before:   outcomeOf(0.80, 0.5, 0.79, 0.5), After: outcomeOf(0.88, 0.25, 0.82, 0.40),
		Against: &Against{Name: "whole", Run: outcomeOf(0.95, 0.15, 0.70, 0.65)},
		Seconds: FineTuneSeconds{Total: 30, Augment: 12},
		Files:   FineTuneFiles{Base: "out/base.tflite", BaseBytes: 8_873_668, Delta: "out/base.delta", DeltaBytes: 3_981_741, Report: "out/report.html"},
	}
	f.History[8].Accuracy = 0.88
	f.Verdict = JudgeMet(&adapt.Result{Train: train, Val: val, History: f.History, Best: f.BestEpoch})
	f.Tasks = []TaskOutcome{{Task: "insects", Labels: labels, Before: f.Before, After: f.After, Head: "out/insects/head.tflite"}}
	return f
}

func TestFineTuneText(t *testing.T) {
	var b bytes.Buffer
	if err := FineTuneText(&b, storyOf(), TextOptions{Width: 100}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"before: whole; after: what is stored",
		"train accuracy, as met 95.0 % 88.0 % -7.0",
		"validation accuracy 70.0 % 82.0 % +12.0",
		"gap, as met 25.0 points 6.0 points -19.0",
		"train loss, as met 0.150 0.250 +0.100",
		"validation loss 0.650 0.400 -0.250",
		"train accuracy, clean 99.0 % 99.0 % +0.0",
		"gap, clean 29.0 points 17.0 points -12.0",
		"Train as met is Keras' history",
		"The reference's aim, validation above 80 % with training as met below 90 %, is met.",
		"Not overfitted: training accuracy as met is 6.0 points above validation.",
		"training is 99.0 %, +17.0 points to validation. So the training images themselves are known by heart all the same.",
		"goes from 25.0 to 6.0 points as met, from 29.0 to 17.0 measured clean",
		"Validation accuracy rises by 12.0 points to 82.0 %",
		"the last 30 of 154 layers of the base, from block_13_project_BN on: 10 kernels, 1.52 million parameters, batch norm frozen",
		"5 epochs at 0.0001 in 17.0 s",
		"making pictures anew for each epoch took 12.0 s",
		"8.87 MB; what changed of the parent, 3.98 MB, 45 % of it",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 100 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}

func TestFineTuneHTML(t *testing.T) {
	f := storyOf()
	f.Tasks = append(f.Tasks, TaskOutcome{Task: "<plants>", Labels: []string{"a", "b"}, Before: f.Before, After: f.After})
	var b bytes.Buffer
	if err := FineTuneHTML(&b, f); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<td>25.0 points</td><td>6.0 points</td>", "<td>29.0 points</td><td>17.0 points</td>", "Keras&#39; history", "&lt;plants&gt;", "block_13_project_BN", `<svg class="curve"`, `<svg class="heat"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(b.String(), "<script") || strings.Contains(b.String(), "<plants>") {
		t.Error("the page holds what it should not")
	}
}

// TestFineTuneJSON holds the fields that programs read.
func TestFineTuneJSON(t *testing.T) {
	data, err := json.Marshal(storyOf())
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"task", "generation", "base", "labels", "images", "history", "train", "val", "verdict", "unfreeze", "phases", "before", "after", "seconds", "peak_rss_mib", "files"} {
		if _, ok := v[key]; !ok {
			t.Errorf("no %q", key)
		}
	}
	after, _ := v["after"].(map[string]any)
	for _, key := range []string{"train", "train_met", "val", "gap_points", "gap_met_points"} {
		if _, ok := after[key]; !ok {
			t.Errorf("no after.%s", key)
		}
	}
	seconds, _ := v["seconds"].(map[string]any)
	for _, key := range []string{"total", "features", "head", "prefix", "train", "augment", "measure"} {
		if _, ok := seconds[key]; !ok {
			t.Errorf("no seconds.%s", key)
		}
	}
}

// TestOutcome takes training as met from the kept epoch, not from the last.
func TestOutcome(t *testing.T) {
	r := &adapt.Result{
		Train: adapt.Measures{Accuracy: 1, Loss: 0.01, Images: 100}, Val: adapt.Measures{Accuracy: 0.84, Loss: 0.5, Images: 50},
		History: []adapt.Epoch{{Accuracy: 0.5, Loss: 1}, {Accuracy: 0.9, Loss: 0.3}, {Accuracy: 0.97, Loss: 0.1}}, Best: 2,
	}
	o := NewOutcome(r)
	if o.Met == nil || *o.Met != (Score{0.9, 0.3, 100}) || math.Abs(*o.MetGapPoints-6) > 1e-9 || math.Abs(o.GapPoints-16) > 1e-9 {
		t.Errorf("%+v", o)
	}
	if c := o.Clean(); c.Met != nil || c.MetGapPoints != nil || c.Train != o.Train || o.Met == nil {
		t.Errorf("clean: %+v", c)
	}
	r.Best = 0 // nothing was trained
	if o := NewOutcome(r); o.Met != nil || o.MetGapPoints != nil {
		t.Errorf("no epoch was kept: %+v", o)
	}
	if rows := changeRows(o, NewOutcome(r)); len(rows) != 5 || rows[0].Name != "train accuracy, clean" {
		t.Errorf("one column has no training as met: %+v", rows)
	}
}

func TestChangeSentence(t *testing.T) {
	for _, c := range []struct {
		before, after float64
		want          string
	}{
		{0.9, 0.9, "stays at 90.0 %"},
		{0.9, 0.91, "rises by 1.0 points to 91.0 %"},
		{0.9, 0.91, "may be chance"},
		{0.9, 0.6, "falls by 30.0 points to 60.0 %"},
	} {
		got := changeSentence(outcomeOf(1, 0, c.before, 0), outcomeOf(1, 0, c.after, 0))
		if !strings.Contains(got, c.want) {
			t.Errorf("%v to %v: %s", c.before, c.after, got)
		}
	}
}

func sweepOf() *Sweep {
	s := &Sweep{Base: "parent"}
	for i, fraction := range []float64{0.5, 0, 0.2} {
		for seed := range uint64(2) {
			val := []float64{0.8, 0.7, 0.9}[i] + float64(seed)/100
			s.Runs = append(s.Runs, SweepRun{
				Unfreeze: Unfreeze{Fraction: fraction, Layers: int(154 * fraction)}, Seed: seed + 1,
				After: outcomeOf(0.95, 0.05, val, 0.3), Seconds: 10, PeakRSSMiB: 500,
			})
		}
	}
	return s
}

func TestSweep(t *testing.T) {
	s := sweepOf()
	var text, page bytes.Buffer
	if err := SweepText(&text, s, TextOptions{Width: 120}); err != nil {
		t.Fatal(err)
	}
	plain := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{"seeds 1, 2", "90.5 +-0.5", "train as met validation test gap as met gap clean val. loss",
		"20 % 95.0 +-0.0 90.5 +-0.5 4.5 +-0.5 8.5 +-0.5", "Best on validation with 20 % unfrozen: 90.5 %."} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if i, j := strings.Index(plain, "70.5 +-"), strings.Index(plain, "80.5 +-"); i < 0 || j < i {
		t.Errorf("the fractions are not in order:\n%s", text.String())
	}
	if err := SweepHTML(&page, s); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), "<svg"); n != 5 {
		t.Errorf("%d plots, want 5", n)
	}
	for _, want := range []string{`<span class="key test">test</span>`, "<td>99.0 ±0.0</td>", "train as met: 0 %: 95 %.", "train clean: 0 %:"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(page.String(), "NaN") {
		t.Error("a measure that no run has is drawn")
	}
	s.Runs = s.Runs[:3]
	s.Runs[0].After.Val.Accuracy = 0.695
	if a := s.answer(); !strings.Contains(a, "as near as seeds differ") {
		t.Errorf("two fractions that overlap: %s", a)
	}
}
