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
	Note                                string
	Figures                             []figure
}

// SweepHTML writes the table and the plots of a sweep as one file, under the
// promises of HTML.
func SweepHTML(w io.Writer, s *Sweep) error {
	p := sweepPage{
		Title: "How much to unfreeze", Base: s.Base, Seeds: s.seeds(), Answer: s.answer(), Version: s.Version,
		Style: sheet(), Header: sweepHeader(true), Rows: s.rows(true), BestRow: s.best(), Note: sweepNote,
	}
	for _, f := range []struct {
		caption string
		axis    func([]series) axis
		tick    func(float64) string
		lines   []sweepLine
	}{
		{"Accuracy", accuracyAxis, percentTick, []sweepLine{{lineTrain, metAccuracy}, {lineVal, valAccuracy}, {lineTest, testAccuracy}}},
		{"Loss", lossAxis, lossTick, []sweepLine{{lineTrain, metLoss}, {lineVal, valLoss}, {lineTest, testLoss}}},
		{"Gap between training and validation, in points", spanAxis, lossTick, []sweepLine{{lineTrain, metGap}, {lineClean, gapOf}}},
		{"Seconds of a run", lossAxis, lossTick, []sweepLine{{lineOnly, secondsOf}}},
		{"Memory at its peak, in MiB", lossAxis, memoryTick, []sweepLine{{lineOnly, memoryOf}}},
	} {
		picture, err := sweepPicture(s.fractions(), f.caption, f.axis, f.tick, f.lines)
		if err != nil {
			return err
		}
		var keys []key
		for _, l := range f.lines {
			if l.key.Name != "" {
				keys = append(keys, l.key)
			}
		}
		p.Figures = append(p.Figures, figure{Caption: f.caption, Key: keys, Picture: picture})
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

// look is how a line of a sweep is drawn, and what it is called.
type look struct {
	key    key
	colour role
	shape  draw.GlyphDrawer
}

var (
	lineTrain = look{key{"train as met", "train"}, roleTrain, draw.CircleGlyph{}}
	lineVal   = look{key{"validation", "val"}, roleVal, draw.BoxGlyph{}}
	lineTest  = look{key{"test", "test"}, roleInk, draw.PyramidGlyph{}}
	lineClean = look{key{"train clean", "test"}, roleInk, draw.PyramidGlyph{}}
	lineOnly  = look{colour: roleTrain, shape: draw.CircleGlyph{}}
)

type sweepLine struct {
	look
	of func(SweepRun) float64
}

// sweepPicture draws measures by fraction: a point a run, a line of the means.
func sweepPicture(groups [][]SweepRun, name string, toAxis func([]series) axis, tick func(float64) string, of []sweepLine) (template.HTML, error) {
	lines := make([]series, len(of))
	for i, l := range of {
		for _, g := range groups {
			for _, r := range g {
				if v := l.of(r); finite(v) {
					lines[i].Values = append(lines[i].Values, v)
				}
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
	for _, l := range of {
		var means, points plotter.XYs
		if l.key.Name != "" {
			alt += " " + l.key.Name + ":"
		}
		for _, g := range groups {
			x := g[0].Unfreeze.Fraction
			mean := spreadOf(g, l.of).Mean
			if !finite(mean) {
				continue
			}
			alt += fmt.Sprintf(" %s: %s.", percentTick(x), tick(mean))
			means = append(means, plotter.XY{X: x, Y: mean})
			for _, r := range g {
				points = append(points, plotter.XY{X: x, Y: l.of(r)})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(means)
		if err != nil {
			return "", fmt.Errorf("draw %s: %w", name, err)
		}
		line.LineStyle = draw.LineStyle{Color: l.colour.paint(), Width: 2}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return "", fmt.Errorf("draw %s: %w", name, err)
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: l.colour.paint(), Radius: 3, Shape: l.shape}
		p.Add(line, scatter)
	}
	p.Draw(draw.Crop(pic.Canvas, 2, -8, 2, -8))
	return pic.inline("curve", alt)
}
