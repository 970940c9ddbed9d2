package main

import "math"

// glyphs is a single-stroke alphabet, the kind that an engraving machine cuts into label plates.
// Each word is one stroke, each pair of digits a point: x in 0..4, y in 0..6.
var glyphs = map[rune]string{
	'0': "103041453616050110", '1': "152620 1030", '2': "05163645440040", '3': "05163645443313 334241301001",
	'4': "30360242", '5': "460603334241301001", '6': "36160501103041423303", '7': "064610",
	'8': "13040516364544331302011030414233", '9': "10304145361605041343",
	'A': "002640 1232", 'B': "00063645443303 3342413000", 'C': "4536160501103041", 'D': "00062644422000",
	'E': "40000646 0333", 'F': "000646 0333", 'G': "45361605011030414323", 'H': "0006 4046 0343",
	'I': "2026", 'K': "0006 460340", 'L': "060040", 'M': "0006234640", 'N': "00064046",
	'O': "103041453616050110", 'P': "00063645443303", 'R': "00063645443303 2340",
	'S': "453616050413334241301001", 'T': "0646 2620", 'U': "060110304146", 'V': "062046",
	'W': "0610233046", 'X': "0046 0640", 'Y': "062346 2320", 'Z': "06460040",
	'-': "1333", '/': "0046", '.': "2021",
}

// lettering is a line of text as strokes on a plane. Its zero value is empty.
type lettering struct {
	strokes [][4]float64 // ax, ay, bx, by
	x, y    float64      // centre
	w, h    float64      // half extent with half a stroke to spare
	pen     float64      // half stroke width
}

// write lays text out centred on (x, y), with letters of height size. Letters without a glyph leave a gap.
func write(text string, x, y, size, pen float64) lettering {
	l := lettering{x: x, y: y, pen: pen}
	unit := size / 6
	width := float64(len(text))*5.5*unit - 1.5*unit
	left := x - width/2
	for _, c := range text {
		px, py, have := 0.0, 0.0, false
		for i := 0; i < len(glyphs[c]); {
			if glyphs[c][i] == ' ' {
				have = false
				i++
				continue
			}
			nx := left + float64(glyphs[c][i]-'0')*unit
			ny := y - size/2 + float64(glyphs[c][i+1]-'0')*unit
			if have {
				l.strokes = append(l.strokes, [4]float64{px, py, nx, ny})
			}
			px, py, have = nx, ny, true
			i += 2
		}
		left += 5.5 * unit
	}
	l.w, l.h = width/2+pen, size/2+pen
	return l
}

// covers tells whether (x, y) lies on a stroke.
func (l *lettering) covers(x, y float64) bool {
	if math.Abs(x-l.x) > l.w || math.Abs(y-l.y) > l.h {
		return false
	}
	for _, s := range l.strokes {
		if segment2(x, y, s[0], s[1], s[2], s[3]) < l.pen {
			return true
		}
	}
	return false
}
