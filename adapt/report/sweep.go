package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Sweep is a set of runs of fine-tuning that differ in how much of the base
// trains, and in their seeds: the reference experiment's question of how much
// to unfreeze. Its JSON is the object that `edge finetune sweep --json` prints.
type Sweep struct {
	Base    string     `json:"base"`
	Dirs    []string   `json:"dirs"`
	Version string     `json:"version,omitempty"`
	Runs    []SweepRun `json:"runs"`   // in the order of fractions, then seeds
	Report  string     `json:"report"` // path of the page
}

// SweepRun is one run of a sweep.
type SweepRun struct {
	Unfreeze   Unfreeze `json:"unfreeze"`
	Seed       uint64   `json:"seed"`
	Before     Outcome  `json:"before"`
	After      Outcome  `json:"after"`
	Seconds    float64  `json:"seconds"` // of the whole process
	PeakRSSMiB float64  `json:"peak_rss_mib"`
	Path       string   `json:"path"` // folder of the run
}

// spread is a measure over the seeds of one fraction.
type spread struct{ Mean, Low, High float64 }

func spreadOf(runs []SweepRun, of func(SweepRun) float64) spread {
	s := spread{Low: of(runs[0]), High: of(runs[0])}
	for _, r := range runs {
		v := of(r)
		s.Mean += v / float64(len(runs))
		s.Low, s.High = min(s.Low, v), max(s.High, v)
	}
	return s
}

// text writes a mean and, with several seeds, half of the range.
func (s spread) text(decimals int, seeds int) string {
	text := fmt.Sprintf("%.*f", decimals, s.Mean)
	if seeds > 1 {
		text += fmt.Sprintf(" \u00b1%.*f", decimals, (s.High-s.Low)/2)
	}
	return text
}

// fractions groups the runs by how much trains, in rising order.
func (s *Sweep) fractions() [][]SweepRun {
	var groups [][]SweepRun
	for _, r := range s.Runs {
		i := slices.IndexFunc(groups, func(g []SweepRun) bool { return g[0].Unfreeze.Fraction == r.Unfreeze.Fraction })
		if i < 0 {
			i = len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	slices.SortStableFunc(groups, func(a, b []SweepRun) int { return a[0].Unfreeze.Layers - b[0].Unfreeze.Layers })
	return groups
}

// The measures of a sweep.
func trainAccuracy(r SweepRun) float64 { return r.After.Train.Accuracy }
func valAccuracy(r SweepRun) float64   { return r.After.Val.Accuracy }
func trainLoss(r SweepRun) float64     { return r.After.Train.Loss }
func valLoss(r SweepRun) float64       { return r.After.Val.Loss }
func gapOf(r SweepRun) float64         { return r.After.GapPoints }
func secondsOf(r SweepRun) float64     { return r.Seconds }
func memoryOf(r SweepRun) float64      { return r.PeakRSSMiB }

var sweepHeader = []string{"unfrozen", "layers", "from", "train", "validation", "test", "gap", "train loss", "val. loss", "seconds", "MiB"}

// sweepNames is the column of the first unfrozen layers' names.
const sweepNames = 2

// rows is the table of a sweep, a row a fraction.
func (s *Sweep) rows() (rows [][]string) {
	for _, g := range s.fractions() {
		u, n := g[0].Unfreeze, len(g)
		percents := func(of func(SweepRun) float64) string {
			return spreadOf(g, func(r SweepRun) float64 { return 100 * of(r) }).text(1, n)
		}
		test := ""
		if g[0].After.Test != nil {
			test = percents(func(r SweepRun) float64 { return r.After.Test.Accuracy })
		}
		rows = append(rows, []string{
			percentTick(u.Fraction), fmt.Sprint(u.Layers), clean(u.From), percents(trainAccuracy), percents(valAccuracy), test,
			spreadOf(g, gapOf).text(1, n), spreadOf(g, trainLoss).text(3, n), spreadOf(g, valLoss).text(3, n),
			spreadOf(g, secondsOf).text(1, n), spreadOf(g, memoryOf).text(0, n),
		})
	}
	return rows
}

// best returns the row with the highest mean validation accuracy; of equal ones
// the one that trains less.
func (s *Sweep) best() int {
	best, accuracy := 0, -1.0
	for i, g := range s.fractions() {
		if a := spreadOf(g, valAccuracy).Mean; a > accuracy {
			best, accuracy = i, a
		}
	}
	return best
}

// answer says in a sentence what the sweep found.
func (s *Sweep) answer() string {
	groups := s.fractions()
	if len(groups) == 0 {
		return "No run has finished."
	}
	best := s.best()
	g := groups[best]
	text := fmt.Sprintf("Best on validation with %s unfrozen: %s", percentTick(g[0].Unfreeze.Fraction), percent(spreadOf(g, valAccuracy).Mean))
	v := spreadOf(g, valAccuracy)
	for i, other := range groups {
		if i != best && spreadOf(other, valAccuracy).High >= v.Low {
			return text + "; other fractions come as near as seeds differ."
		}
	}
	return text + "."
}

func (s *Sweep) seeds() string {
	var seeds []string
	for _, r := range s.Runs {
		if text := fmt.Sprint(r.Seed); !slices.Contains(seeds, text) {
			seeds = append(seeds, text)
		}
	}
	if len(seeds) == 1 {
		return "seed " + seeds[0]
	}
	return "seeds " + strings.Join(seeds, ", ")
}

// SweepText writes the table of a sweep and what it found. It writes once, and
// nothing at all after an error.
func SweepText(w io.Writer, s *Sweep, o TextOptions) error {
	t := &textReport{style: newStyle(o), run: &Run{}}
	t.heading("Sweep", s.seeds()+", base "+clean(s.Base))
	// The page has the column of names too, for which a terminal is too narrow.
	fits := func(cells []string) (row table.Row) {
		for i, c := range cells {
			if i != sweepNames {
				row = append(row, t.signs(c))
			}
		}
		return row
	}
	var columns []table.ColumnConfig
	for i := range sweepHeader[1:] {
		columns = append(columns, number(i+1))
	}
	wt := t.table(columns...)
	wt.AppendHeader(fits(sweepHeader))
	for _, cells := range s.rows() {
		wt.AppendRow(fits(cells))
	}
	t.render(wt)
	t.line("")
	t.paragraph("", s.answer())
	if s.Report != "" {
		t.paragraph("", "report: "+clean(s.Report))
	}
	if _, err := w.Write(t.buf.Bytes()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
