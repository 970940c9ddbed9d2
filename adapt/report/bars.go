package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"

	"github.com/edge-adapt/edge/adapt"
)

const (
	barsShown = 40 // classes, those with the lowest F1
	barRow    = 24.0
	barWidth  = 440.0
)

// weakest returns the classes with images, the lowest F1 first.
func weakest(classes []adapt.ClassMeasures) []adapt.ClassMeasures {
	sorted := slices.Clone(classes)
	sorted = slices.DeleteFunc(sorted, func(c adapt.ClassMeasures) bool { return c.Images == 0 })
	slices.SortStableFunc(sorted, func(a, b adapt.ClassMeasures) int { return cmp.Compare(a.F1, b.F1) })
	return sorted
}

// barsPicture draws F1 as a bar for each class, with precision and recall marked
// on it. It returns nothing when no class has images.
func barsPicture(m measured) (template.HTML, error) {
	classes := weakest(m.PerClass)
	if len(classes) == 0 {
		return "", nil
	}
	worst, best := classes[0], classes[len(classes)-1]
	alt := fmt.Sprintf("Bar chart of F1 by class on the %s images: lowest %s with %s, highest %s with %s.",
		m.Name, clean(worst.Label), percent(worst.F1), clean(best.Label), percent(best.F1))
	classes = classes[:min(barsShown, len(classes))]

	probe := words(newHandler(), 13, roleInk)
	left := 0.0
	for _, c := range classes {
		left = max(left, float64(probe.Width(short(clean(c.Label), nameLength))))
	}
	left = math.Ceil(left) + 10
	const right, foot = 58.0, 22.0
	span := barWidth - left - right
	height := barRow*float64(len(classes)) + foot
	pic := newPicture(barWidth, height)

	for _, share := range []float64{0, 0.25, 0.5, 0.75, 1} {
		x := left + span*share
		pic.StrokeLine2(draw.LineStyle{Color: roleRule.paint(), Width: 0.8},
			point(x, foot-4).X, point(x, foot-4).Y, point(x, height).X, point(x, height).Y)
		tick := pic.words(12, roleMuted)
		tick.XAlign = draw.XCenter
		pic.FillText(tick, point(x, foot/2-3), percentTick(share))
	}
	for i, c := range classes {
		y := height - barRow*(float64(i)+0.5)
		name := pic.words(13, roleInk)
		name.XAlign = draw.XRight
		pic.FillText(name, point(left-8, y+1), short(clean(c.Label), nameLength))
		pic.box(left, y-6, span*clamp(c.F1), 12, roleBar)
		pic.mark(left+span*clamp(c.Precision), y, draw.PyramidGlyph{}, roleInk)
		pic.mark(left+span*clamp(c.Recall), y, draw.CircleGlyph{}, roleVal)
		pic.FillText(pic.words(13, roleInk), point(left+span+10, y+1), percent(c.F1))
	}
	return pic.inline("bars", alt)
}

// mark draws a sign with a rim, so that it shows on the bar and beside it.
func (p *picture) mark(x, y float64, shape draw.GlyphDrawer, r role) {
	p.DrawGlyph(draw.GlyphStyle{Color: roleBack.paint(), Radius: 5.5, Shape: shape}, point(x, y))
	p.DrawGlyph(draw.GlyphStyle{Color: r.paint(), Radius: 3.8, Shape: shape}, point(x, y))
}

// clamp keeps a share that is not a number or out of range on the picture.
func clamp(share float64) float64 {
	if math.IsNaN(share) {
		return 0
	}
	return min(max(share, 0), 1)
}
