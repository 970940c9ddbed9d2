package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	learningWidth, learningHeight = 440, 270
	markedEpochs                  = 40 // with more epochs the points would hide the lines
)

// learningPicture draws one measure of every epoch, train and validation.
func learningPicture(run *Run, name string, lines []series, a axis, tick func(float64) string) (template.HTML, error) {
	pic := newPicture(learningWidth, learningHeight)
	p := learningPlot(pic, len(run.History), a, tick)

	if best := float64(run.BestEpoch); best > 0 {
		mark, err := plotter.NewLine(plotter.XYs{{X: best, Y: a.Low}, {X: best, Y: a.High}})
		if err != nil {
			return "", fmt.Errorf("draw the best epoch: %w", err)
		}
		mark.LineStyle = draw.LineStyle{Color: roleMuted.paint(), Width: 1, Dashes: []vg.Length{3, 3}}
		p.Add(mark)
	}
	colours := [2]role{roleTrain, roleVal}
	shapes := [2]draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}}
	for i, s := range lines {
		for _, part := range finiteParts(s.Values) {
			line, points, err := plotter.NewLinePoints(part)
			if err != nil {
				return "", fmt.Errorf("draw the %s of %s: %w", name, s.Name, err)
			}
			line.LineStyle = draw.LineStyle{Color: colours[i].paint(), Width: 2}
			p.Add(line)
			if len(part) <= markedEpochs {
				points.GlyphStyle = draw.GlyphStyle{Color: colours[i].paint(), Radius: 3, Shape: shapes[i]}
				p.Add(points)
			}
		}
	}
	p.Draw(draw.Crop(pic.Canvas, 2, -8, 2, -8))
	return pic.inline("curve", learningAlt(run, name, lines, tick))
}

// learningPlot returns the empty plot: axes, ticks and a grid behind the lines.
func learningPlot(pic *picture, epochs int, a axis, tick func(float64) string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.TextHandler = pic.handler
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle = draw.LineStyle{Color: roleRule.paint(), Width: 1}
		axis.Tick.LineStyle = draw.LineStyle{Color: roleRule.paint(), Width: 1}
		axis.Tick.Length = 4
		align := axis.Tick.Label
		axis.Tick.Label = pic.words(13, roleMuted)
		axis.Tick.Label.XAlign, axis.Tick.Label.YAlign = align.XAlign, align.YAlign
		label := axis.Label.TextStyle
		axis.Label.TextStyle = pic.words(13, roleMuted)
		axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign = label.XAlign, label.YAlign
		axis.Padding = 4
	}
	p.X.Label.Text = "epoch"
	p.X.Min, p.X.Max = 1, math.Max(2, float64(epochs))
	p.X.Tick.Marker = plot.ConstantTicks(epochTicks(epochs))
	p.Y.Min, p.Y.Max = a.Low, a.High
	var ticks []plot.Tick
	for i := 0; a.Low+float64(i)*a.Step <= a.High+a.Step/1e6; i++ {
		v := a.Low + float64(i)*a.Step
		ticks = append(ticks, plot.Tick{Value: v, Label: tick(v)})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)

	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal = draw.LineStyle{Color: roleRule.paint(), Width: 0.6}
	p.Add(grid)
	return p
}

// epochTicks names at most eight epochs, the first among them.
func epochTicks(epochs int) []plot.Tick {
	step := 1
	for _, s := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		step = s
		if epochs <= 8*s {
			break
		}
	}
	ticks := []plot.Tick{{Value: 1, Label: "1"}}
	for e := step; e <= epochs; e += step {
		if e > 1 && (step < 5 || e > step/2) {
			ticks = append(ticks, plot.Tick{Value: float64(e), Label: strconv.Itoa(e)})
		}
	}
	return ticks
}

// finiteParts cuts a curve where values are not finite.
func finiteParts(values []float64) []plotter.XYs {
	var parts []plotter.XYs
	open := false
	for i, v := range values {
		if !finite(v) {
			open = false
			continue
		}
		if !open {
			parts = append(parts, nil)
			open = true
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], plotter.XY{X: float64(i + 1), Y: v})
	}
	return parts
}

// learningAlt tells a curve in a sentence: where each line starts and ends.
func learningAlt(run *Run, name string, lines []series, tick func(float64) string) string {
	alt := fmt.Sprintf("Line chart of %s over %s.", name, plural(len(run.History), "epoch", "epochs"))
	for _, s := range lines {
		if n := len(s.Values); n > 0 {
			alt += fmt.Sprintf(" %s: %s at first, %s at last.", s.Name, tick(s.Values[0]), tick(s.Values[n-1]))
		}
	}
	if run.BestEpoch > 0 {
		alt += fmt.Sprintf(" The best epoch is %d.", run.BestEpoch)
	}
	return alt
}
