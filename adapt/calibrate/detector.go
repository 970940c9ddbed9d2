package calibrate

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// detector knows the classes' directions.
type detector struct {
	quantile  float64
	threshold float32 // of the distance, above 0
	features  centroids
	hidden    centroids // of no width for a head without a hidden layer
}

// blockClasses is how many classes are compared at once, which takes as many
// numbers of the stack.
const blockClasses = 32

// distance returns the distance to the nearest class. NaN in, NaN out.
func (d *detector) distance(features, hidden []float32) float32 {
	var dots, more, zero [blockClasses]float32
	scale, share := 1/norm(features), float32(1)
	moreScale := float32(0)
	if d.hidden.width > 0 {
		share = 0.5
		moreScale = 1 / norm(hidden)
	}
	nearest := float32(math.Inf(1))
	for b, block := range d.features.blocks {
		n := len(block) / d.features.width
		kernel.Dense(dots[:n], features, block, zero[:n], 1, d.features.width, n)
		if d.hidden.width > 0 {
			kernel.Dense(more[:n], hidden, d.hidden.blocks[b], zero[:n], 1, d.hidden.width, n)
		}
		for i := range n {
			cosines := float32(dots[i]*scale) + float32(more[i]*moreScale)
			nearest = min(nearest, 1-float32(share*cosines)) // min returns NaN if either is NaN
		}
	}
	return max(0, nearest) // rounding may lead below
}

// norm returns the length of x, 1 of zeros: a vector without direction is at
// right angles to everything.
func norm(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	if sum == 0 {
		return 1
	}
	return float32(math.Sqrt(sum))
}

// centroids are the directions of classes, vectors of length 1, in blocks of up
// to blockClasses of them, each [width][classes in the block].
type centroids struct {
	width  int
	blocks [][]float32
}

// newCentroids arranges rows, [classes][width], in blocks.
func newCentroids(rows []float32, width int) centroids {
	c := centroids{width: width}
	if width == 0 {
		return c
	}
	for classes := len(rows) / width; classes > 0; {
		n := min(classes, blockClasses)
		block := make([]float32, n*width)
		for i := range n {
			for j := range width {
				block[j*n+i] = rows[i*width+j]
			}
		}
		c.blocks = append(c.blocks, block)
		rows = rows[n*width:]
		classes -= n
	}
	return c
}

// rows returns what newCentroids was given.
func (c centroids) rows() []float32 {
	var rows []float32
	for _, block := range c.blocks {
		n := len(block) / c.width
		for i := range n {
			for j := range c.width {
				rows = append(rows, block[j*n+i])
			}
		}
	}
	return rows
}

func mustBe(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("calibrate: %d %s, want %d", got, what, want))
	}
}
