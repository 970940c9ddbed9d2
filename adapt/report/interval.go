package report

import "math"

// Interval is a 95 % confidence interval of an accuracy, each end from 0 to 1.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Wilson returns Wilson's score interval for an accuracy measured on n images:
//
//	(p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.96
//
// It stays inside 0 to 1 and has a width even when every image was right, which
// matters for the small sets of a device (E. B. Wilson, 1927, JASA 22:209).
// Without images the interval is 0 to 1.
func Wilson(accuracy float64, n int) Interval {
	if n <= 0 || math.IsNaN(accuracy) {
		return Interval{0, 1}
	}
	const z = 1.959963984540054
	count := float64(n)
	centre := accuracy + z*z/(2*count)
	half := z * math.Sqrt(accuracy*(1-accuracy)/count+z*z/(4*count*count))
	scale := 1 + z*z/count
	return Interval{math.Max(0, (centre-half)/scale), math.Min(1, (centre+half)/scale)}
}

// points returns half the interval's width in percentage points.
func (i Interval) points() float64 { return 50 * (i.High - i.Low) }
