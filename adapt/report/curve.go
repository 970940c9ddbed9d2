package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/adapt"
)

// series is one line of a learning curve, a value an epoch. Values that are not
// finite are left out.
type series struct {
	Name   string
	Values []float64
}

// curveSeries returns the train and validation lines of one measure. There is
// no validation line when no images were held back.
func curveSeries(r *Run, train, val func(adapt.Epoch) float64) []series {
	lines := []series{{Name: "train"}}
	if r.Val.Images > 0 {
		lines = append(lines, series{Name: "validation"})
	}
	for _, e := range r.History {
		lines[0].Values = append(lines[0].Values, train(e))
		if len(lines) > 1 {
			lines[1].Values = append(lines[1].Values, val(e))
		}
	}
	return lines
}

func lossSeries(r *Run) []series {
	return curveSeries(r, func(e adapt.Epoch) float64 { return e.Loss }, func(e adapt.Epoch) float64 { return e.ValLoss })
}

func accuracySeries(r *Run) []series {
	return curveSeries(r, func(e adapt.Epoch) float64 { return e.Accuracy }, func(e adapt.Epoch) float64 { return e.ValAccuracy })
}

// limits returns the least and the largest finite value, and false without any.
func limits(lines []series) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range lines {
		for _, v := range s.Values {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	return low, high, low <= high
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// axis is the range of a curve's values, rounded outwards to readable ends.
type axis struct {
	Low, High float64
	Step      float64 // between ticks; High-Low is a multiple of it
}

// lossAxis starts at zero, where a perfect head would be.
func lossAxis(lines []series) axis {
	_, high, ok := limits(lines)
	if !ok || high <= 0 {
		return axis{0, 1, 0.5}
	}
	step := niceStep(high, 4)
	return axis{0, step * math.Ceil(high/step), step}
}

// accuracyAxis ends at one, and starts below the worst epoch.
func accuracyAxis(lines []series) axis {
	low, _, ok := limits(lines)
	if !ok || low < 0 || low >= 1 {
		return axis{0, 1, 0.25}
	}
	step := niceStep(1-low, 4)
	return axis{max(0, 1-step*math.Ceil((1-low)/step)), 1, step}
}

// niceStep returns the largest of 1, 2, 2.5 and 5 times a power of ten that
// divides span into at least n-1 and at most about 2n parts.
func niceStep(span float64, n int) float64 {
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if raw <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}

// share places v on the axis, 0 at its low end and 1 at its high end.
func (a axis) share(v float64) float64 { return (v - a.Low) / (a.High - a.Low) }

const curveRows = 9 // odd, so that the middle has a row

func (t *textReport) curves() {
	if len(t.run.History) == 0 {
		return
	}
	losses, accuracies := lossSeries(t.run), accuracySeries(t.run)
	legend := t.legend(len(losses) > 1)
	t.heading("Learning curve", legend)

	width := t.Width - 2
	if t.Width >= 72 {
		width = (t.Width - 2 - 3) / 2
	}
	left := t.panel("loss by epoch", losses, lossAxis(losses), lossTick, width)
	right := t.panel("accuracy by epoch", accuracies, accuracyAxis(accuracies), percentTick, width)
	if t.Width < 72 {
		t.line(left...)
		t.line("")
		t.line(right...)
	} else {
		for i := range left {
			t.line(left[i] + "   " + right[i])
		}
	}
	t.line("")
	t.paragraph("", t.paint(sgrDim, "training as it ran, with dropout; validation after each epoch"))
}

func lossTick(v float64) string    { return strconv.FormatFloat(v, 'g', 3, 64) }
func percentTick(v float64) string { return strconv.FormatFloat(100*v, 'g', 4, 64) + " %" }

func (t *textReport) legend(validation bool) string {
	m := t.markers()
	if t.Colour && t.Unicode {
		line := strings.Repeat("\u2812", 2)
		m = markers{line, line, ""}
	}
	legend := t.paint(sgrBlue, m[0]+" train")
	if validation {
		legend += ", " + t.paint(sgrOrange, m[1]+" validation")
		if m[2] != "" {
			legend += ", " + m[2] + " both"
		}
	}
	return legend
}

// panel draws one measure in width columns; all its lines are equally wide.
func (t *textReport) panel(title string, lines []series, a axis, tick func(float64) string, width int) []string {
	const label = 6 // columns of the axis labels
	epochs := len(t.run.History)
	columns := width - label - 1
	used := columns
	var c canvas
	if t.Colour && t.Unicode {
		c = newBraille(t.style, used, curveRows)
	} else {
		// The same distance between all epochs, as far as they fit.
		if epochs > 1 && epochs <= columns {
			used = (columns-1)/(epochs-1)*(epochs-1) + 1
		}
		c = newMarks(t.markers(), t.style, used, curveRows)
	}
	for i, s := range lines {
		c.draw(i, s.Values, a)
	}
	out := []string{pad(strings.Repeat(" ", label+1)+t.paint(sgrBold, title), label+1+len(title), width)}
	for row, cells := range c.rows() {
		name := ""
		switch row {
		case 0:
			name = tick(a.High)
		case curveRows / 2:
			name = tick((a.High + a.Low) / 2)
		case curveRows - 1:
			name = tick(a.Low)
		}
		out = append(out, fmt.Sprintf("%*s%s%s", label, name, t.pick("\u2502", "|"), pad(cells, used, columns)))
	}
	out = append(out, strings.Repeat(" ", label)+t.pick("\u2514", "+")+strings.Repeat(t.pick("\u2500", "-"), columns))
	return append(out, strings.Repeat(" ", label+1)+pad(t.epochAxis(epochs, used), used, columns))
}

// epochAxis writes the first and the last epoch, and points at the best.
func (t *textReport) epochAxis(epochs, columns int) string {
	cells := []byte(strings.Repeat(" ", columns))
	cells[0] = '1'
	best := t.run.BestEpoch
	last := strconv.Itoa(epochs)
	if best == epochs {
		last = "best " + last
	}
	end := columns - len(last)
	if epochs > 1 {
		copy(cells[end:], last)
	}
	if best > 1 && best < epochs {
		at := place(best-1, epochs, columns)
		right, left := fmt.Sprintf("^ best %d", best), fmt.Sprintf("best %d ^", best)
		switch start := at - len(left) + 1; {
		case at > 1 && at+len(right) < end:
			copy(cells[at:], right)
		case start > 1 && at+1 < end:
			copy(cells[start:], left)
		}
	}
	return string(cells)
}

// pad appends blanks to text, which takes used columns, up to width.
func pad(text string, used, width int) string {
	return text + strings.Repeat(" ", max(0, width-used))
}
