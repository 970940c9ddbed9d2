package report

import (
	"fmt"
	"strings"
)

// facts writes what became of the images, where the time went, and where the
// results are.
func (t *textReport) facts() {
	r := t.run
	t.heading("Run", "")
	t.fact("images", imagesText(r.Images, len(r.Conflicts)))
	t.named(len(r.Skipped), func(i int) string { return "skipped " + skipText(r.Skipped[i]) })
	t.named(len(r.Duplicates), func(i int) string { return "duplicate " + duplicateText(r.Duplicates[i]) })
	t.named(len(r.Conflicts), func(i int) string { return "conflict " + conflictText(r.Conflicts[i]) })
	if r.Cache != nil {
		t.fact("cache", r.Cache.sentence())
	}
	t.fact("time", secondsText(r))
	t.fact("memory", fmt.Sprintf("%.0f MiB at its peak", r.PeakRSSMiB))
	t.fact("base", strings.TrimSpace(clean(r.Base.Name)+" "+shortDigest(r.Base.Digest)))
	if r.BestEpoch > 0 && len(r.History) > 0 {
		t.fact("epochs", fmt.Sprintf("%d, weights of epoch %d kept", len(r.History), r.BestEpoch))
	}
	if r.Calibration != nil {
		t.fact("calibration", r.Calibration.sentence())
	}
	if r.Generation > 0 {
		generation := fmt.Sprintf("%d of task %s", r.Generation, clean(r.Task))
		if r.Path != "" {
			generation += ", in " + clean(r.Path)
		}
		t.fact("generation", generation)
	} else {
		t.fact("task", clean(r.Task)+", nothing stored")
	}
	if r.Report != "" {
		t.fact("report", clean(r.Report))
	}
	for _, warning := range r.Warnings {
		t.fact("warning", t.paint(sgrOrange, clean(warning)))
	}
}

const factIndent = 12

func (t *textReport) fact(name, value string) {
	t.paragraph(fmt.Sprintf("%-*s", factIndent, name), value)
}

// named writes the first of n lines, and how many are left out.
func (t *textReport) named(n int, line func(i int) string) {
	for i := range min(n, pathsNamed) {
		t.fact("", line(i))
	}
	if n > pathsNamed {
		t.fact("", fmt.Sprintf("and %d more%s", n-pathsNamed, t.elsewhere()))
	}
}

// elsewhere says where to find what was left out.
func (t *textReport) elsewhere() string {
	if t.run.Report == "" {
		return ""
	}
	return ", in the report"
}
