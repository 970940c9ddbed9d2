package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg/draw"
)

const (
	heatMost   = 150 // classes beyond which single cells can no longer be seen
	heatNamed  = 40  // classes up to which rows and columns are named
	heatCounts = 25  // classes up to which cells hold their counts
	nameLength = 18  // signs of a class name beside a picture
)

// heatPicture draws a confusion matrix: a row for each true class, a column for
// each predicted one, blue for right and orange for wrong, the darker the larger
// the share of its row. It returns nothing when there are no or too many classes.
func heatPicture(run *Run, m measured) (template.HTML, error) {
	n := len(m.Confusion)
	if n == 0 || n > heatMost {
		return "", nil
	}
	cell, size := 36.0, 13.0
	switch {
	case n > heatNamed:
		cell, size = max(4, 640/float64(n)), 10
	case n > heatCounts:
		cell, size = 16, 10
	case n > 12:
		cell, size = 24, 11
	}
	probe := words(newHandler(), size, roleInk)
	left := 0.0
	names := make([]string, n)
	for i := range names {
		names[i] = heatName(run, i, n)
		left = max(left, float64(probe.Width(names[i])))
	}
	// Names stand above their columns, slanted by 45 degrees.
	slant := math.Ceil(left*math.Sqrt2/2 + size)
	left = math.Ceil(left) + 10
	side := cell * float64(n)
	pic := newPicture(left+side+max(4, slant-cell/2), side+slant+4)

	row := pic.words(size, roleInk)
	row.XAlign = draw.XRight
	column := pic.words(size, roleInk)
	column.Rotation = math.Pi / 4
	for i, name := range names {
		if name == "" {
			continue
		}
		middle := (float64(i) + 0.5) * cell
		pic.FillText(row, point(left-6, side-middle+1), name)
		pic.FillText(column, point(left+middle, side+6), name)
	}
	pic.box(left, 0, side, side, rolePanel)
	for t, counts := range m.Confusion {
		of := 0
		for _, c := range counts {
			of += c
		}
		for p, c := range counts {
			if c > 0 {
				pic.heatCell(left+float64(p)*cell, side-float64(t+1)*cell, cell, c, of, t == p, n <= heatCounts)
			}
		}
	}
	wrong := mistakes(m.Confusion)
	alt := fmt.Sprintf("Confusion matrix of %d classes on %s: %d right, %d taken for another class.",
		n, plural(m.Images, m.Name+" image", m.Name+" images"), m.Images-wrong, wrong)
	for i, p := range Pairs(m.Confusion) {
		if i == 3 {
			break
		}
		alt += fmt.Sprintf(" %d of %d %s taken for %s.", p.Images, p.Of, run.label(p.True), run.label(p.Predicted))
	}
	return pic.inline("heat", alt)
}

// heatCell fills one cell. Wrong answers are few, so their shades grow with the
// square root of their share.
func (p *picture) heatCell(x, y, side float64, count, of int, hit, counted bool) {
	share, fill, ink := float64(count)/float64(of), roleHit, roleHitInk
	if !hit {
		share, fill, ink = math.Sqrt(share), roleMiss, roleMissInk
	}
	level := role(min(heatLevels-1, int(share*heatLevels)))
	gap := 0.0
	if side > 10 {
		gap = 1
	}
	p.box(x+gap/2, y+gap/2, side-gap, side-gap, fill+level)
	if counted {
		size := min(13, 1.45*side/float64(max(2, len(strconv.Itoa(count)))))
		style := p.words(size, ink+level)
		style.XAlign = draw.XCenter
		// Centring takes the whole line's height; digits have no descenders.
		p.FillText(style, point(x+side/2, y+side/2+size/12), strconv.Itoa(count))
	}
}

// heatName returns what stands beside a row, for many classes only every tenth number.
func heatName(run *Run, class, classes int) string {
	if classes <= heatNamed {
		return short(run.label(class), nameLength)
	}
	if class%10 == 9 || class == 0 {
		return strconv.Itoa(class + 1)
	}
	return ""
}

// short cuts the middle out of a name of more than n signs.
func short(name string, n int) string {
	runes := []rune(name)
	if len(runes) <= n {
		return name
	}
	return string(runes[:n/2]) + "\u2026" + string(runes[len(runes)-(n-1)/2:])
}
