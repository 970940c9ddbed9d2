package augment

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
)

// Fixed-point numbers. Positions have 32 bits behind the point, weights the
// upper 11 of them, so that a sample, 255 at most times two weights, is an
// exact 30-bit integer and the same on every processor.
const (
	one        = 1 << 32
	weightBits = 11
	unit       = 1 << weightBits
)

// Apply changes the picture on canvas as drawn and writes it into dst as the
// base reads it: shape [p.Height, p.Width, 3], in the range of p.Scale and
// p.Offset.
//
// The order is: turn, cut out, mirror, brightness, contrast, saturation, hide.
// Samples are bilinear with half-pixel centres, between the four nearest
// canvas pixels and never rounded to bytes; beyond the edge the canvas is
// mirrored. Light works on the stored values of 0 to 255 and is clipped there.
// Blending is Mix's.
//
// Apply fails if p is not valid or a length does not fit. It keeps no
// reference, does not allocate, and may be called concurrently.
func (d Draw) Apply(dst []float32, canvas *pixel.RGB, p pixel.Preprocessing) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(dst) != p.Len() {
		return fmt.Errorf("augment: room for %d values, want %d", len(dst), p.Len())
	}
	if canvas.Width < 1 || canvas.Height < 1 || len(canvas.Pix) != canvas.Width*canvas.Height*3 {
		return fmt.Errorf("augment: a canvas of %dx%d pixels in %d bytes", canvas.Width, canvas.Height, len(canvas.Pix))
	}
	mean := d.sample(dst, canvas, p.Width, p.Height)
	d.light(dst, mean, p)
	d.hide(dst, p)
	return nil
}

// grid is where the pixels of the result lie on the canvas, in fixed point:
// pixel (i, j) at x + i*xi + j*xj and y + i*yi + j*yj, where whole numbers are
// the middles of canvas pixels.
type grid struct{ x, xi, xj, y, yi, yj int64 }

func (d Draw) grid(canvas *pixel.RGB, width, height int) grid {
	w, h := float64(canvas.Width), float64(canvas.Height)
	// A step to the right and a step down in the result, before turning.
	right, down := d.Width*w/float64(width), d.Height*h/float64(height)
	if d.Flip {
		right = -right
	}
	// Looking along axes turned one way shows the picture turned the other.
	sin, cos := math.Sincos(-d.Angle * math.Pi / 180)
	fixed := func(v float64) int64 { return int64(math.Round(v * one)) }
	g := grid{xi: fixed(right * cos), xj: fixed(-down * sin), yi: fixed(right * sin), yj: fixed(down * cos)}
	middle := [2]int64{int64(width - 1), int64(height - 1)} // twice
	g.x = fixed((d.Left+d.Width/2)*w-0.5) - (g.xi*middle[0]+g.xj*middle[1])/2
	g.y = fixed((d.Top+d.Height/2)*h-0.5) - (g.yi*middle[0]+g.yj*middle[1])/2
	return g
}

// sample fills dst, [height, width, 3], with values of 0 to 255 and returns
// their mean grey.
func (d Draw) sample(dst []float32, canvas *pixel.RGB, width, height int) float32 {
	const scale = 1.0 / (unit * unit)
	g := d.grid(canvas, width, height)
	var sums [3]int64
	for j := range height {
		x, y := g.x+int64(j)*g.xj, g.y+int64(j)*g.yj
		for i := range width {
			left, right, across := between(x, canvas.Width)
			upper, lower, down := between(y, canvas.Height)
			a := canvas.Pix[(upper*canvas.Width+left)*3:][:3]
			b := canvas.Pix[(upper*canvas.Width+right)*3:][:3]
			c := canvas.Pix[(lower*canvas.Width+left)*3:][:3]
			e := canvas.Pix[(lower*canvas.Width+right)*3:][:3]
			to := dst[(j*width+i)*3:][:3]
			for k := range 3 {
				above := int64(a[k])*(unit-across) + int64(b[k])*across
				below := int64(c[k])*(unit-across) + int64(e[k])*across
				v := above*(unit-down) + below*down
				sums[k] += v
				to[k] = float32(v) * scale
			}
			x, y = x+g.xi, y+g.yi
		}
	}
	n := float64(width * height)
	return grey(float32(float64(sums[0])*scale/n), float32(float64(sums[1])*scale/n), float32(float64(sums[2])*scale/n))
}

// between returns the two of n pixels around a position, mirrored at the ends,
// and the weight of the second, of unit.
func between(position int64, n int) (first, second int, weight int64) {
	i := int(position >> 32)
	return inside(i, n), inside(i+1, n), position & (one - 1) >> (32 - weightBits)
}

// inside mirrors i at the ends of n pixels until it is one of them.
func inside(i, n int) int {
	for uint(i) >= uint(n) {
		if i < 0 {
			i = -1 - i
		} else {
			i = 2*n - 1 - i
		}
	}
	return i
}

// grey is the luma of ITU-R BT.601. Its products are rounded one by one, as
// some processors would otherwise fuse them with the sums.
func grey(r, g, b float32) float32 {
	return float32(0.299*r) + float32(0.587*g) + float32(0.114*b)
}

// light changes brightness, then contrast around mean, the mean grey, then
// saturation, and goes over to the base's range. All three are linear, so that
// they come to a weighted sum of the value, the pixel's grey and the mean.
func (d Draw) light(dst []float32, mean float32, p pixel.Preprocessing) {
	own := float32(d.Saturation * d.Contrast * d.Brightness)
	shared := float32((1 - d.Saturation) * d.Contrast * d.Brightness)
	level := float32((1-d.Contrast)*d.Brightness) * mean
	for len(dst) >= 3 {
		rgb := dst[:3]
		base := float32(shared*grey(rgb[0], rgb[1], rgb[2])) + level
		for k, v := range rgb {
			v = min(max(float32(own*v)+base, 0), 255)
			rgb[k] = float32(v*p.Scale) + p.Offset
		}
		dst = dst[3:]
	}
}

// hide fills the hidden box with middle grey.
func (d Draw) hide(dst []float32, p pixel.Preprocessing) {
	at := func(share float64, n int) int { return min(max(int(math.Round(share*float64(n))), 0), n) }
	left, right := at(d.Hidden.Left, p.Width), at(d.Hidden.Right, p.Width)
	middle := float32(127.5*p.Scale) + p.Offset
	for j := at(d.Hidden.Top, p.Height); j < at(d.Hidden.Bottom, p.Height); j++ {
		row := dst[j*p.Width*3:][:p.Width*3]
		for i := left * 3; i < right*3; i++ {
			row[i] = middle
		}
	}
}
