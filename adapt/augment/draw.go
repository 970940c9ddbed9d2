package augment

import (
	"math"

	"github.com/edge-adapt/edge/adapt/head"
)

// Draw is how one picture is changed. Shares are of the canvas's width and
// height. Identity changes nothing.
type Draw struct {
	Flip          bool
	Left, Top     float64 // of the window that is kept, as shares of the canvas, before it is turned
	Width, Height float64 // of the same
	Angle         float64 // by which the picture is turned about the window's middle, degrees clockwise

	Brightness float64 // factor of all values
	Contrast   float64 // factor of the distance to the picture's mean grey
	Saturation float64 // factor of the distance to the pixel's own grey

	Hidden Box // what is made grey, as shares of the result; empty: nothing

	// Lambda is the share of the picture in its blend with another, 0.5 to 1.
	Lambda float64
}

// Box is a rectangle.
type Box struct{ Left, Top, Right, Bottom float64 }

// Identity is the draw that changes nothing: what the zero Config draws.
var Identity = Draw{Width: 1, Height: 1, Brightness: 1, Contrast: 1, Saturation: 1, Lambda: 1}

// The parts of a random stream's number. The highest bit keeps the streams
// apart from those of package head.
const (
	stream     uint64 = 1 << 63
	epochShift        = 40 // epochs below 2^23, images below 2^40
)

// Draw returns what is drawn for an image in an epoch of a run. It fits c,
// which must be valid, for any numbers; epochs from 2^23 and images from 2^40
// on meet the draws of others. Each kind of change has its own place in the
// sequence of random numbers, so that switching one on leaves the others.
func (c Config) Draw(seed, epoch, image uint64) Draw {
	r := head.NewRandom(seed, stream|epoch<<epochShift|image)
	d := Identity
	d.Flip = uniform(r, 0, 1) < 0.5 && c.Flip
	d.Left, d.Top, d.Width, d.Height = window(r, c.Crop)
	d.Angle = uniform(r, -c.Rotate, c.Rotate)
	d.Brightness = uniform(r, 1-c.Light, 1+c.Light)
	d.Contrast = uniform(r, 1-c.Light, 1+c.Light)
	d.Saturation = uniform(r, 1-c.Light, 1+c.Light)
	d.Hidden = hidden(r, c.Erase)
	if lambda := uniform(r, 0.5, 1); uniform(r, 0, 1) < c.Mix {
		d.Lambda = lambda
	}
	return d
}

// uniform returns a number in [low, high).
func uniform(r *head.Random, low, high float64) float64 {
	return low + float64(r.Uniform())*(high-low)
}

// window draws the window of a random resized crop (Szegedy et al. 2014), but
// from the sides' ratios that fit the area drawn, so that it is always inside.
func window(r *head.Random, smallest float64) (left, top, width, height float64) {
	if smallest == 0 {
		smallest = 1
	}
	area := uniform(r, smallest, 1)
	widest := math.Log(min(4.0/3, 1/area))
	ratio := math.Exp(uniform(r, -widest, widest))
	width, height = min(math.Sqrt(area*ratio), 1), min(math.Sqrt(area/ratio), 1)
	return uniform(r, 0, 1-width), uniform(r, 0, 1-height), width, height
}

// hidden draws what is erased (Zhong et al. 2017): with probability one half a
// square, of up to the largest share of the area.
func hidden(r *head.Random, largest float64) Box {
	use := uniform(r, 0, 1) < 0.5
	side := math.Sqrt(uniform(r, 0, largest))
	left, top := uniform(r, 0, 1-side), uniform(r, 0, 1-side)
	if !use || side == 0 {
		return Box{}
	}
	return Box{left, top, left + side, top + side}
}
