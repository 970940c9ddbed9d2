package pixel

import (
	"fmt"
	"sync"
)

// scratch is what Apply needs besides dst.
type scratch struct {
	row   []float32 // [Width*3]: one row of the picture at the target's width
	steps []step    // how that row is made
	sums  []float32 // [Height]: the weights that each row of dst has received
}

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

// Apply stretches the whole picture to Width x Height and writes it into dst.
//
// dst has shape [Height, Width, 3] (rows, columns, red green blue), so its
// length is p.Len(). The resampling is bilinear with half-pixel centres, that
// is, a tent filter, as wide as Resize says. Resampled values are not rounded to
// bytes before Scale and Offset. The result is the same on every processor, to
// the last bit.
//
// Apply fails if p is not valid, or a length does not fit. It keeps no
// reference to dst or img, allocates nothing once it has warmed up, whatever
// the picture's size, and may be called concurrently.
func (p Preprocessing) Apply(dst []float32, img *RGB) error {
	return p.apply(dst, img, whole(img))
}

// apply does it for the part of img that part says.
func (p Preprocessing) apply(dst []float32, img *RGB, part extent) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(dst) != p.Len() {
		return fmt.Errorf("preprocessing: room for %d values, want %d", len(dst), p.Len())
	}
	if img.Width < 1 || img.Height < 1 || len(img.Pix)/3/img.Width != img.Height || len(img.Pix) != img.Width*img.Height*3 {
		return fmt.Errorf("preprocessing: a picture of %dx%d pixels in %d bytes", img.Width, img.Height, len(img.Pix))
	}
	s := scratchPool.Get().(*scratch)
	defer scratchPool.Put(s)
	s.resize(dst, p, img, part)
	for j, sum := range s.sums {
		affine(dst[j*p.Width*3:][:p.Width*3], p.Scale/sum, p.Offset)
	}
	return nil
}

// resize adds up the picture's rows in dst, each weighted for every row of dst
// it counts in, and the weights in s.sums.
func (s *scratch) resize(dst []float32, p Preprocessing, img *RGB, part extent) {
	width, height := p.Width, p.Height
	s.row = sized(s.row, width*3)
	s.sums = sized(s.sums, height)
	clear(dst)
	clear(s.sums)
	across, down := newTent(img.Width, part.width, width, p.Resize), newTent(img.Height, part.height, height, p.Resize)
	wide, slope := across.radius > 1, float32(1/across.radius)
	fast := 0
	if wide {
		fast = s.shrinkSteps(across, width)
	} else {
		s.twoSteps(across, width)
	}
	first := 0 // rows of dst before it are complete
	for y := range img.Height {
		for first < height && down.end(first) <= y {
			first++
		}
		if first == height || down.start(first) > y {
			continue // no row of dst looks at this one
		}
		src := img.Pix[y*img.Width*3:][:img.Width*3]
		if wide {
			shrinkRow(s.row, src, s.steps, fast, slope)
		} else {
			twoRow(s.row, src, s.steps)
		}
		for j := first; j < height && down.start(j) <= y; j++ {
			w := down.weight(j, y)
			s.sums[j] += w
			axpy(dst[j*width*3:][:width*3], s.row, w)
		}
	}
}

// sized returns s with length n, grown if need be. Its values are undefined.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
