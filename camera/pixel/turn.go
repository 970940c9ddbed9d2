package pixel

// turn places the pixels of a stored picture where they belong upright.
type turn struct {
	width, height int // of the stored picture
	dst           *RGB
	// Stored pixel (x, y) goes to pixel number origin + x*dx + y*dy of dst.
	origin, dx, dy int
}

// newTurn prepares the way from a stored picture to an upright one in dst, for
// which it makes room. orientation is the EXIF value, 1 to 8 (Exif 2.32, tag 0x0112): where the stored picture's
// first row and first column belong.
func newTurn(dst *RGB, width, height, orientation int) *turn {
	w, h := width, height
	t := &turn{width: w, height: h, dst: dst}
	if orientation < 5 {
		dst.Resize(w, h)
	} else {
		dst.Resize(h, w)
	}
	switch orientation {
	case 2: // top, right
		t.origin, t.dx, t.dy = w-1, -1, w
	case 3: // bottom, right
		t.origin, t.dx, t.dy = w*h-1, -1, -w
	case 4: // bottom, left
		t.origin, t.dx, t.dy = w*(h-1), 1, -w
	case 5: // left, top
		t.origin, t.dx, t.dy = 0, h, 1
	case 6: // right, top
		t.origin, t.dx, t.dy = h-1, h, -1
	case 7: // right, bottom
		t.origin, t.dx, t.dy = w*h-1, -h, -1
	case 8: // left, bottom
		t.origin, t.dx, t.dy = h*(w-1), -h, 1
	default:
		t.origin, t.dx, t.dy = 0, 1, w
	}
	return t
}

// run asks for every stored row once, from the top. Besides the upright picture
// it needs memory for a few rows only.
func (t *turn) run(row rower) {
	if t.dx == 1 {
		for y := range t.height {
			at := (t.origin + y*t.dy) * 3
			row(t.dst.Pix[at:at+t.width*3], y)
		}
		return
	}
	// Sixteen rows at a time, so that pixels which become neighbours in dst are
	// written one after the other.
	const rows = 16
	strip := make([]byte, rows*t.width*3)
	for y0 := 0; y0 < t.height; y0 += rows {
		n := min(rows, t.height-y0)
		for y := range n {
			row(strip[y*t.width*3:(y+1)*t.width*3], y0+y)
		}
		for x := range t.width {
			to := (t.origin + x*t.dx + y0*t.dy) * 3
			from := x * 3
			for range n {
				s, d := strip[from:from+3:from+3], t.dst.Pix[to:to+3:to+3]
				d[0], d[1], d[2] = s[0], s[1], s[2]
				from += t.width * 3
				to += t.dy * 3
			}
		}
	}
}

// oriented writes the picture, turned upright, into dst.
func (p *RGB) oriented(dst *RGB, orientation int) {
	newTurn(dst, p.Width, p.Height, orientation).run(func(row []byte, y int) {
		copy(row, p.Pix[y*p.Width*3:])
	})
}
