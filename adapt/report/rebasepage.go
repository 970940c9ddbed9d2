package report

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/rebase"
)

//go:embed rebase.html.tmpl
var rebaseTemplate string

// rebaseSection is what the page shows of a rebase.
type rebaseSection struct {
	*Rebase
	Headline, Reason, Counts, More string
	Sign, Tone                     string
	Notes                          []string
	Measured                       []measuredRow
	Shots                          []flipShot
}

// flipShot is an image that flipped.
type flipShot struct {
	rebase.Flip
	Alt           string
	Source        template.URL // empty without a thumbnail
	Was, Is       string       // classes of the style sheet
	Before, After float64      // scores, 0 to 1
}

func newRebaseSection(r *Rebase) *rebaseSection {
	s := &rebaseSection{
		Rebase: r, Headline: r.headline(), Reason: clean(r.Verdict.Reason), Counts: r.flipCounts(), Notes: r.notes(),
		Sign: "!", Tone: "doubtful",
	}
	if r.Verdict.Activate {
		s.Sign, s.Tone = "\u2713", "good"
	}
	if r.Compared > 0 {
		for _, m := range []struct {
			name string
			adapt.Measures
		}{{"before", r.Before}, {"after", r.After}} {
			i := Wilson(m.Accuracy, m.Images)
			s.Measured = append(s.Measured, measuredRow{m.name, &i, m.Measures})
		}
	}
	for _, f := range WorstFlips(r.Flipped, MistakesShown) {
		shot := flipShot{Flip: f, Before: float64(f.Before.Score), After: float64(f.After.Score), Was: "was", Is: "was"}
		if !f.Lost() {
			shot.Was = "seen"
		}
		if !f.Gained() {
			shot.Is = "seen"
		}
		shot.Alt = fmt.Sprintf("%s, was taken for %s, is taken for %s", clean(f.True), clean(f.Before.Label), clean(f.After.Label))
		if small := r.Thumbnails[f.Path]; isJPEG(small) {
			//nolint:gosec // Base64 cannot hold anything else.
			shot.Source = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(small))
		}
		s.Shots = append(s.Shots, shot)
	}
	if more := len(r.Flipped) - len(s.Shots); more > 0 {
		s.More = fmt.Sprintf("%d more are left out.", more)
	}
	return s
}
