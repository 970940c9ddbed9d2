package runtime

import "github.com/edge-adapt/edge/camera/pixel"

const (
	motionWidth   = 32
	motionHeight  = 24
	motionSamples = 4 // a cell's mean is taken over 4x4 pixels at most
)

// motion is a gate that is open while the picture moves.
//
// It compares each frame with the last one that moved, and not with the one
// before, so that what moves slowly is seen too.
type motion struct {
	reference, now [motionWidth * motionHeight]uint8
	seen           bool
	left           int // frames that may still pass without motion
}

// passes reports whether the part r of img is to be looked at: if its mean
// absolute difference is at least threshold, and for hold frames after that, in
// which a decision settles on what the motion has left.
func (m *motion) passes(img *pixel.RGB, r rect, threshold float64, hold int) bool {
	grey(&m.now, img, r)
	if !m.seen || m.difference() >= threshold {
		m.seen, m.left = true, hold
		m.reference = m.now
		return true
	}
	m.left--
	return m.left >= 0
}

// difference returns the mean absolute difference, 0 to 1.
func (m *motion) difference() float64 {
	sum := 0
	for i, v := range m.now {
		d := int(v) - int(m.reference[i])
		if d < 0 {
			d = -d
		}
		sum += d
	}
	return float64(sum) / (255 * motionWidth * motionHeight)
}

// grey writes a small grey copy of the part r of img: each cell the mean of
// (red + 2*green + blue)/4 over pixels that are spread evenly in it.
func grey(dst *[motionWidth * motionHeight]uint8, img *pixel.RGB, r rect) {
	for j := range motionHeight {
		y0, y1 := cell(j, motionHeight, r.height)
		stepY := max((y1-y0)/motionSamples, 1)
		for i := range motionWidth {
			x0, x1 := cell(i, motionWidth, r.width)
			stepX := max((x1-x0)/motionSamples, 1)
			sum, n := 0, 0
			for y := y0; y < y1; y += stepY {
				row := img.Pix[((r.y+y)*img.Width+r.x)*3:]
				for x := x0; x < x1; x += stepX {
					p := row[x*3:][:3]
					sum += int(p[0]) + 2*int(p[1]) + int(p[2])
					n++
				}
			}
			dst[j*motionWidth+i] = uint8(sum / (4 * n))
		}
	}
}

// cell returns where cell i of n lies among size pixels, at least one pixel.
func cell(i, n, size int) (first, end int) {
	first = i * size / n
	return first, max((i+1)*size/n, first+1)
}
