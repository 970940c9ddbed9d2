package report

import (
	"fmt"
	"io"
	"math"
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

// The measures of a sweep. NaN: a run has none.
func metAccuracy(r SweepRun) float64   { return scoreOr(r.After.Met).Accuracy }
func trainAccuracy(r SweepRun) float64 { return r.After.Train.Accuracy }
func valAccuracy(r SweepRun) float64   { return r.After.Val.Accuracy }
func testAccuracy(r SweepRun) float64  { return scoreOr(r.After.Test).Accuracy }
func metLoss(r SweepRun) float64       { return scoreOr(r.After.Met).Loss }
func trainLoss(r SweepRun) float64     { return r.After.Train.Loss }
func valLoss(r SweepRun) float64       { return r.After.Val.Loss }
func testLoss(r SweepRun) float64      { return scoreOr(r.After.Test).Loss }
func metGap(r SweepRun) float64        { return 100 * (metAccuracy(r) - valAccuracy(r)) }
func gapOf(r SweepRun) float64         { return r.After.GapPoints }
func secondsOf(r SweepRun) float64     { return r.Seconds }
func memoryOf(r SweepRun) float64      { return r.PeakRSSMiB }

func scoreOr(s *Score) Score {
	if s == nil {
		return Score{Accuracy: math.NaN(), Loss: math.NaN()}
	}
	return *s
}

// sweepColumn is a column of measures. The page has all of them, a terminal
// those for which it is wide enough.
type sweepColumn struct {
	name     string
	of       func(SweepRun) float64
	scale    float64
	decimals int
	wide     bool // on the page alone
}

var sweepColumns = []sweepColumn{
	{"train as met", metAccuracy, 100, 1, false},
	{"train clean", trainAccuracy, 100, 1, true},
	{"validation", valAccuracy, 100, 1, false},
	{"test", testAccuracy, 100, 1, false},
	{"gap as met", metGap, 1, 1, false},
	{"gap clean", gapOf, 1, 1, false},
	{"train loss as met", metLoss, 1, 3, true},
	{"train loss clean", trainLoss, 1, 3, true},
	{"val. loss", valLoss, 1, 3, false},
	{"test loss", testLoss, 1, 3, true},
	{"seconds", secondsOf, 1, 1, false},
	{"MiB", memoryOf, 1, 0, false},
}

// sweepHeader names the columns of rows.
func sweepHeader(page bool) []string {
	header := []string{"unfrozen"}
	if page {
		header = append(header, "layers", "from")
	}
	for _, c := range sweepColumns {
		if page || !c.wide {
			header = append(header, c.name)
		}
	}
	return header
}

// rows is the table of a sweep, a row a fraction.
func (s *Sweep) rows(page bool) (rows [][]string) {
	for _, g := range s.fractions() {
		u := g[0].Unfreeze
		row := []string{percentTick(u.Fraction)}
		if page {
			row = append(row, fmt.Sprint(u.Layers), clean(u.From))
		}
		for _, c := range sweepColumns {
			if !page && c.wide {
				continue
			}
			cell := ""
			if v := spreadOf(g, func(r SweepRun) float64 { return c.scale * c.of(r) }); finite(v.Mean) {
				cell = v.text(c.decimals, len(g))
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
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

// sweepNote says what the two kinds of training measures are.
const sweepNote = "Train as met is Keras' history of the kept epoch, with dropout; clean, as validation and test, is measured afterwards, without."

// SweepText writes the table of a sweep and what it found. It writes once, and
// nothing at all after an error.
func SweepText(w io.Writer, s *Sweep, o TextOptions) error {
	t := &textReport{style: newStyle(o), run: &Run{}}
	t.heading("Sweep", s.seeds()+", base "+clean(s.Base))
	signed := func(cells []string) (row table.Row) {
		for _, c := range cells {
			row = append(row, t.signs(c))
		}
		return row
	}
	header := sweepHeader(false)
	var columns []table.ColumnConfig
	for i := range header {
		columns = append(columns, number(i+1))
	}
	wt := t.table(columns...)
	wt.AppendHeader(signed(header))
	for _, cells := range s.rows(false) {
		wt.AppendRow(signed(cells))
	}
	t.render(wt)
	t.line("")
	t.paragraph("", "Accuracies and gaps in per cent, means over the seeds. "+sweepNote)
	t.paragraph("", s.answer())
	if s.Report != "" {
		t.paragraph("", "report: "+clean(s.Report))
	}
	if _, err := w.Write(t.buf.Bytes()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
