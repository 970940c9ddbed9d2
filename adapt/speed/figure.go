package speed

import (
	"math"
	"slices"
)

// Figure is a quantity that was measured several times.
type Figure struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // the first quartile
	High   float64 `json:"high"` // the third quartile
	Runs   int     `json:"runs"`
}

// NewFigure sums up values, at least one, which it does not change. Quantiles
// between two values are interpolated linearly (type 7 of Hyndman and Fan 1996).
func NewFigure(values []float64) Figure {
	sorted := slices.Sorted(slices.Values(values))
	return Figure{quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75), len(sorted)}
}

func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := math.Floor(at)
	low, high := sorted[int(below)], sorted[int(math.Ceil(at))]
	return low + (at-below)*(high-low)
}

// Rate turns milliseconds a unit into units a second. What was low is high then.
func (f Figure) Rate() Figure {
	return Figure{1000 / f.Median, 1000 / f.High, 1000 / f.Low, f.Runs}
}
