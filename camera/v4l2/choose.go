package v4l2

import (
	"cmp"
	"math"
	"slices"
)

// What is wished for where nobody says.
const (
	defaultWidth  = 640
	defaultHeight = 480
	defaultRate   = 30
)

// wish is what a device is asked for.
type wish struct {
	code          string
	width, height int
	rate          float64 // of the choice; not asked for if nobody wished it
}

// preference orders the readable formats by what a frame costs: bytes to move and
// work to decode. RGB3 needs no work but more of the bus, and JPEG work and more
// still.
var preference = []string{"YUYV", "UYVY", "NV12", "YU12", "RGB3", "GREY", "MJPG", "JPEG"}

// choose picks the format and the size to ask for. The size counts most: the
// smallest that is not smaller than wished for, else the largest. Then the rate:
// what falls short of the wish loses. Then the cost. ok is false where no format is
// readable.
func choose(formats []Format, o Options) (best wish, ok bool) {
	width, height := o.Width, o.Height
	switch {
	case width <= 0 && height <= 0:
		width, height = defaultWidth, defaultHeight
	case width <= 0:
		width = height * defaultWidth / defaultHeight
	case height <= 0:
		height = width * defaultHeight / defaultWidth
	}
	rate := o.Rate
	if rate <= 0 {
		rate = defaultRate
	}
	type candidate struct {
		wish
		short, area int // pixels that are missing; pixels altogether
		slow        float64
		cost        int
	}
	var all []candidate
	for _, f := range formats {
		if !f.Readable || o.Format != "" && f.Code != o.Format {
			continue
		}
		sizes := f.Sizes
		if len(sizes) == 0 {
			sizes = []Size{{Width: width, Height: height}} // the device will say
		}
		for _, s := range sizes {
			w, h := s.nearest(width, height)
			all = append(all, candidate{
				wish:  wish{f.Code, w, h, s.rate(rate)},
				short: max(width-w, 0)*height + max(height-h, 0)*width, area: w * h,
				slow: rate - min(s.rate(rate), rate),
				cost: slices.Index(preference, f.Code),
			})
		}
	}
	if len(all) == 0 {
		return wish{}, false
	}
	return slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.short, b.short), cmp.Compare(a.area, b.area), cmp.Compare(a.slow, b.slow), cmp.Compare(a.cost, b.cost))
	}).wish, true
}

// nearest returns the size in s that is nearest to width x height, larger rather
// than smaller.
func (s Size) nearest(width, height int) (int, int) {
	if s.MaxWidth == 0 {
		return s.Width, s.Height
	}
	return inRange(width, s.Width, s.MaxWidth, s.StepX), inRange(height, s.Height, s.MaxHeight, s.StepY)
}

func inRange(v, low, high, step int) int {
	step = max(step, 1)
	v = min(max(v, low), high)
	if up := low + (v-low+step-1)/step*step; up <= high {
		return up
	}
	return low + (high-low)/step*step
}

// rate returns the lowest rate of s that is not below the wish, else the highest;
// the wish itself where the device says nothing.
func (s Size) rate(wish float64) float64 {
	best, fastest := math.Inf(1), 0.0
	for _, r := range s.Rates {
		// 29.97 is 30 to everybody but a computer.
		if r > wish*0.99 {
			best = min(best, r)
		}
		fastest = max(fastest, r)
	}
	switch {
	case len(s.Rates) == 0:
		return wish
	case !math.IsInf(best, 1):
		return best
	}
	return fastest
}
