package proof

import (
	"math"

	"github.com/edge-adapt/edge/models/base"
)

// picture returns a made-up picture [1,H,W,3] as the base is fed with it. at gives
// the byte of a colour at a place, both from 0 to 1 across the picture.
func picture(s base.Source, at func(x, y float64, colour int) float64) []float32 {
	p := s.Preprocessing
	values := make([]float32, 0, p.Len())
	for y := range p.Height {
		for x := range p.Width {
			for c := range 3 {
				b := math.Round(min(max(at((float64(x)+0.5)/float64(p.Width), (float64(y)+0.5)/float64(p.Height), c), 0), 255))
				values = append(values, float32(b)*p.Scale+p.Offset)
			}
		}
	}
	return values
}

// waves is soft and colourful: slow waves of another direction in each colour.
func waves(x, y float64, colour int) float64 {
	a := float64(colour) * 2 * math.Pi / 3
	return 127.5 + 110*math.Sin(2*math.Pi*(1.5*x*math.Cos(a)+2.5*y*math.Sin(a)+0.4*x*y)+a)
}

// blocks is hard and mostly without colour: squares of two sizes, dark to the
// right, with a red disc.
func blocks(x, y float64, colour int) float64 {
	if (x-0.3)*(x-0.3)+(y-0.6)*(y-0.6) < 0.04 {
		return [3]float64{210, 30, 40}[colour]
	}
	n := 4.0
	if y > 0.5 {
		n = 12
	}
	dark := 120 * x
	if (int(n*x)+int(n*y))%2 == 0 {
		return 240 - dark
	}
	return 140 - dark
}
