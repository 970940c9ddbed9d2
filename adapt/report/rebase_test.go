package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/rebase"
)

// rebased is a run of two classes that was compared.
func rebased(activate bool, flips ...rebase.Flip) *Run {
	run := classes(2)
	run.Rebase = &Rebase{
		Release: 7, Generation: 3, From: Base{Name: "old base"},
		Outcome: &rebase.Outcome{
			Verdict:  rebase.Verdict{Activate: activate, Kind: rebase.Worse, Reason: "15 of 20 held-out images are right, 17 were"},
			Compared: 20, Unknown: 2, Before: run.Val, After: run.Train, Flipped: flips,
			Added: []string{"wheel"}, LeftOut: []string{"clutch"}, Lost: []string{"pedal"},
			Conflicts: []rebase.Conflict{{Kind: rebase.Spelling, Device: "lamp_red", Server: "Lamp Red"}},
		},
	}
	return run
}

func flip(path, is, before, after string, score float32) rebase.Flip {
	return rebase.Flip{Path: path, True: is, Before: rebase.Guess{Label: before, Score: 0.5}, After: rebase.Guess{Label: after, Score: score}}
}

func TestHTMLRebase(t *testing.T) {
	shot := thumbnail(t, rand.New(rand.NewPCG(1, 1))) //nolint:gosec // the same every time
	run := rebased(false,
		flip("gained.png", "a", "b", "a", 0.99), flip("other.png", "a", "b", "c", 0.999),
		flip("lost.png", "a", "a", "b", 0.6), flip("surely.png", "a", "a", "b", 0.9))
	run.Rebase.Thumbnails = map[string][]byte{"lost.png": shot, "gained.png": []byte("<svg onload=alert(1)>")}
	d := pageOf(t, run, nil)
	checkPage(t, d)
	for _, say := range []string{
		"The new head is refused", "15 of 20 held-out images are right, 17 were.", "generation 3 on base old base", "release 7",
		"4 of 20 held-out images: 2 right before and wrong now, 1 wrong before and right now, 1 wrong in another way.",
		"New classes: wheel.", "pedal", "clutch", "Lamp Red", "2 held-out images were not compared", "before b 50.0 %", "after a 99.0 %",
	} {
		if !strings.Contains(d.text, say) {
			t.Errorf("does not say %q", say)
		}
	}
	if d.elements["img"] != 1 || strings.Count(d.source, `class="blank"`) != 3 {
		t.Errorf("%d thumbnails", d.elements["img"])
	}
	last := -1
	for _, path := range []string{"surely.png", "lost.png", "gained.png", "other.png"} {
		at := strings.Index(d.text, path)
		if at < last {
			t.Errorf("%s is out of order", path)
		}
		last = at
	}
}

func TestHTMLRebaseVariants(t *testing.T) {
	var many []rebase.Flip
	for i := range MistakesShown + 5 {
		many = append(many, flip(fmt.Sprint(i), "a", "a", "b", 0.5))
	}
	bare := &Run{Rebase: &Rebase{Outcome: &rebase.Outcome{Verdict: rebase.Verdict{Kind: rebase.NotFinite, Reason: "the new base gives infinity"}}}}
	for name, c := range map[string]struct {
		run    *Run
		says   string
		silent string
	}{
		"activated": {rebased(true), "The new head takes the place", "is refused"},
		"no flips":  {rebased(true), "None: both heads say the same of 20 held-out images.", "more are left out."},
		"many":      {rebased(false, many...), "5 more are left out.", "None: both"},
		"no head":   {bare, "No image was compared.", "Before and after"},
	} {
		d := pageOf(t, c.run, nil)
		checkPage(t, d)
		if !strings.Contains(d.text, c.says) || strings.Contains(d.text, c.silent) {
			t.Errorf("%s: the page does not say %q, or says %q", name, c.says, c.silent)
		}
	}
	if d := pageOf(t, classes(2), nil); strings.Contains(d.text, "Flipped") {
		t.Error("a run that was compared with nothing says what flipped")
	}
}

func TestRebaseHostileNames(t *testing.T) {
	const evil = "<script>\x1b[2J\u202e"
	run := rebased(false, flip(evil, evil, evil, "b", 0.5))
	run.Rebase.Added, run.Rebase.From.Name, run.Rebase.Verdict.Reason = []string{evil}, evil, evil
	run.Rebase.Conflicts[0].Server = evil
	d := pageOf(t, run, nil)
	checkPage(t, d)
	if d.elements["script"] > 0 || strings.ContainsAny(d.text, "\x1b\u202e") {
		t.Error("a name became something else")
	}
	for _, r := range textOf(t, run, TextOptions{}) {
		if r != '\n' && (r < ' ' || r > '~') {
			t.Fatalf("holds %q", r)
		}
	}
}

func TestTextRebase(t *testing.T) {
	got := strings.Join(strings.Fields(textOf(t, rebased(false, flip("x.png", "a", "a", "b", 0.75)), TextOptions{Width: 120})), " ")
	for _, say := range []string{"Rebase", "refused", "17 were.", "New classes: wheel.", "Flipped: 1 of 20", "x.png: was a 50.0 %, is b 75.0 %"} {
		if !strings.Contains(got, say) {
			t.Errorf("%q is missing from\n%s", say, got)
		}
	}
}

func TestRebaseJSON(t *testing.T) {
	data, err := json.Marshal(rebased(false, flip("x.png", "a", "a", "b", 0.75)))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rebase struct {
			Verdict  rebase.Verdict
			Release  int
			Compared int
			Flipped  []rebase.Flip
		}
	}
	if err := json.Unmarshal(data, &got); err != nil || got.Rebase.Release != 7 || got.Rebase.Compared != 20 || len(got.Rebase.Flipped) != 1 || got.Rebase.Verdict.Kind != rebase.Worse {
		t.Errorf("%+v, %v", got, err)
	}
}
