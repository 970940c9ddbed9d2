package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// sweepPage is what the template shows of a sweep.
type sweepPage struct {
	Title, Base, Seeds, Answer, Version string
	Style                               template.CSS
	Header                              []string
	Rows                                [][]string
	BestRow                             int
	Figures                             []figure
}

// SweepHTML writes the table and the plots of a sweep as one file, under the
// promises of HTML.
func SweepHTML(w io.Writer, s *Sweep) error {
	p := sweepPage{
		Title: "How much to unfreeze", Base: s.Base, Seeds: s.seeds(), Answer: s.answer(), Version: s.Version,
		Style: sheet(), Header: sweepHeader, Rows: s.rows(), BestRow: s.best(),
	}
	both := []key{{"train", "train"}, {"validation", "val"}}
	for _, f := range []struct {
		caption string
		key     []key
		axis    func([]series) axis
		tick    func(float64) string
		of      []func(SweepRun) float64
	}{
		{"Accuracy", both, accuracyAxis, percentTick, []func(SweepRun) float64{trainAccuracy, valAccuracy}},
		{"Loss", both, lossAxis, lossTick, []func(SweepRun) float64{trainLoss, valLoss}},
		{"Gap between training and validation, in points", nil, spanAxis, lossTick, []func(SweepRun) float64{gapOf}},
		{"Seconds of a run", nil, lossAxis, lossTick, []func(SweepRun) float64{secondsOf}},
		{"Memory at its peak, in MiB", nil, lossAxis, memoryTick, []func(SweepRun) float64{memoryOf}},
	} {
		picture, err := sweepPicture(s.fractions(), f.caption, f.axis, f.tick, f.of)
		if err != nil {
			return err
		}
		p.Figures = append(p.Figures, figure{Caption: f.caption, Key: f.key, Picture: picture})
	}
	return writePage(w, "sweep", p)
}

func memoryTick(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

// spanAxis is for values that may be negative.
func spanAxis(lines []series) axis {
	low, high, ok := limits(lines)
	if !ok {
		return axis{0, 1, 0.5}
	}
	low, high = min(0, low), max(0, high)
	if low == high {
		high = 1
	}
	step := niceStep(high-low, 4)
	return axis{step * math.Floor(low/step), step * math.Ceil(high/step), step}
}

// sweepPicture draws measures by fraction: a point a run, a line of the means.
func sweepPicture(groups [][]SweepRun, name string, toAxis func([]series) axis, tick func(float64) string, of []func(SweepRun) float64) (template.HTML, error) {
	lines := make([]series, len(of))
	for i, measure := range of {
		for _, g := range groups {
			for _, r := range g {
				lines[i].Values = append(lines[i].Values, measure(r))
			}
		}
	}
	pic := newPicture(learningWidth, learningHeight)
	p := learningPlot(pic, 1, toAxis(lines), tick)
	p.X.Label.Text = "layers unfrozen"
	p.X.Min, p.X.Max = 0, 0.05
	var ticks []plot.Tick
	for _, g := range groups {
		f := g[0].Unfreeze.Fraction
		p.X.Max = max(p.X.Max, f)
		ticks = append(ticks, plot.Tick{Value: f, Label: percentTick(f)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	alt := "Chart of " + name + " by the share of layers unfrozen."
	colours := [2]role{roleTrain, roleVal}
	shapes := [2]draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}}
	for i, measure := range of {
		var means, points plotter.XYs
		for _, g := range groups {
			x := g[0].Unfreeze.Fraction
			mean := spreadOf(g, measure).Mean
			alt += fmt.Sprintf(" %s: %s.", percentTick(x), tick(mean))
			if !finite(mean) {
				continue
			}
			means = append(means, plotter.XY{X: x, Y: mean})
			for _, r := range g {
				points = append(points, plotter.XY{X: x, Y: measure(r)})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(means)
		if err != nil {
			return "", fmt.Errorf("draw %s: %w", name, err)
		}
		line.LineStyle = draw.LineStyle{Color: colours[i].paint(), Width: 2}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return "", fmt.Errorf("draw %s: %w", name, err)
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: colours[i].paint(), Radius: 3, Shape: shapes[i]}
		p.Add(line, scatter)
	}
	p.Draw(draw.Crop(pic.Canvas, 2, -8, 2, -8))
	return pic.inline("curve", alt)
}
