package report

import (
	"math"
	"strings"
)

// canvas draws lines into character cells.
type canvas interface {
	// draw adds the line of series 0 or 1, its values spread over the width.
	draw(series int, values []float64, a axis)
	// rows returns the lines of text, each as wide as the canvas.
	rows() []string
}

var seriesColours = [2]string{sgrBlue, sgrOrange}

// markers are the signs of series 0, series 1, and of both in one cell.
type markers [3]string

func (t *textReport) markers() markers {
	if t.Unicode {
		return markers{"\u25cb", "\u25cf", "\u25c9"}
	}
	return markers{"o", "x", "*"}
}

// marks is a canvas of one sign a cell, which tells series apart without colours.
type marks struct {
	markers markers
	style   style
	columns int
	cells   [][]int // bit 0: series 0, bit 1: series 1
}

func newMarks(m markers, s style, columns, rows int) *marks {
	c := &marks{markers: m, style: s, columns: columns, cells: make([][]int, rows)}
	for i := range c.cells {
		c.cells[i] = make([]int, columns)
	}
	return c
}

// draw puts one mark an epoch; epochs that share a column share a mark at their mean.
func (c *marks) draw(series int, values []float64, a axis) {
	sums, counts := make([]float64, c.columns), make([]int, c.columns)
	for i, v := range values {
		if finite(v) {
			x := place(i, len(values), c.columns)
			sums[x] += v
			counts[x]++
		}
	}
	for x, n := range counts {
		if n > 0 {
			y := row(a, sums[x]/float64(n), len(c.cells))
			c.cells[y][x] |= 1 << series
		}
	}
}

func (c *marks) rows() []string {
	var out []string
	for _, cells := range c.cells {
		var b strings.Builder
		for _, set := range cells {
			switch set {
			case 0:
				b.WriteByte(' ')
			case 3:
				b.WriteString(c.markers[2])
			default:
				b.WriteString(c.style.paint(seriesColours[set-1], c.markers[set-1]))
			}
		}
		out = append(out, b.String())
	}
	return out
}

// braille is a canvas of two by four dots a cell. A cell has one colour, that of
// the series drawn last.
type braille struct {
	style   style
	columns int
	dots    [][]byte // the low byte of the cell's code point
	owner   [][]int
}

func newBraille(s style, columns, rows int) *braille {
	c := &braille{style: s, columns: columns, dots: make([][]byte, rows), owner: make([][]int, rows)}
	for i := range rows {
		c.dots[i], c.owner[i] = make([]byte, columns), make([]int, columns)
	}
	return c
}

// brailleBits are the dots of a cell by row and column (Unicode chart U+2800).
var brailleBits = [4][2]byte{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func (c *braille) set(series, x, y int) {
	row, column := y/4, x/2
	if c.owner[row][column] != series {
		c.owner[row][column], c.dots[row][column] = series, 0
	}
	c.dots[row][column] |= brailleBits[y%4][x%2]
}

// draw joins the epochs with straight lines and leaves a gap where a value is not finite.
func (c *braille) draw(series int, values []float64, a axis) {
	width, height := 2*c.columns, 4*len(c.dots)
	lastX, lastY := -1, 0
	for i, v := range values {
		if !finite(v) {
			lastX = -1
			continue
		}
		x, y := place(i, len(values), width), row(a, v, height)
		if lastX < 0 {
			c.set(series, x, y)
		} else {
			steps := max(x-lastX, max(y-lastY, lastY-y), 1)
			for k := 0; k <= steps; k++ {
				f := float64(k) / float64(steps)
				c.set(series, lastX+int(math.Round(f*float64(x-lastX))), lastY+int(math.Round(f*float64(y-lastY))))
			}
		}
		lastX, lastY = x, y
	}
}

func (c *braille) rows() []string {
	var out []string
	for i, dots := range c.dots {
		var b strings.Builder
		for x := 0; x < len(dots); {
			// One escape sequence for a run of cells of one colour.
			end := x
			for end < len(dots) && (dots[end] != 0) == (dots[x] != 0) && c.owner[i][end] == c.owner[i][x] {
				end++
			}
			if dots[x] == 0 {
				b.WriteString(strings.Repeat(" ", end-x))
			} else {
				var cells strings.Builder
				for _, d := range dots[x:end] {
					cells.WriteRune(0x2800 + rune(d))
				}
				b.WriteString(c.style.paint(seriesColours[c.owner[i][x]], cells.String()))
			}
			x = end
		}
		out = append(out, b.String())
	}
	return out
}

// place spreads n values over width cells; a single one stands at the left.
func place(i, n, width int) int {
	if n < 2 {
		return 0
	}
	return int(math.Round(float64(i) / float64(n-1) * float64(width-1)))
}

// row returns the cell of a value, counted from the top.
func row(a axis, v float64, height int) int {
	y := int(math.Round((1 - a.share(v)) * float64(height-1)))
	return min(max(y, 0), height-1)
}
