package quantise

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/tflite/file"
)

// Values beyond largest, and scales below smallest, belong to broken models;
// products of three within these bounds are ordinary float32s.
const (
	largest  = 1e12
	smallest = 1e-12
)

// scale says what the int8 values of a tensor stand for:
// real = step * (stored - zero).
type scale struct {
	step float32
	zero int
}

// scaleOf spreads the 256 values over r and zero: step = (max-min)/255, and zero
// moved to the nearest of them, so that it is exact. The step is at least finest.
// A range of nothing but zero says nothing about the step: 0 to 1 stands in.
func scaleOf(r Range, finest float32) scale {
	low, high := math.Min(float64(r.Min), 0), math.Max(float64(r.Max), 0)
	if low == high {
		high = 1
	}
	step := max(float32((high-low)/255), finest, smallest)
	zero := math.Round(-128 - low/float64(step))
	return scale{step, int(min(zero, 127))}
}

// within returns r without what an activation cannot give.
func (r Range) within(a file.Activation) (Range, error) {
	switch a {
	case file.NoActivation:
		return r, nil
	case file.Relu:
		return Range{Min: max(r.Min, 0), Max: max(r.Max, 0)}, nil
	case file.Relu6:
		return Range{Min: max(r.Min, 0), Max: min(max(r.Max, 0), 6)}, nil
	case file.ReluN1To1:
		return Range{Min: min(max(r.Min, -1), 1), Max: min(max(r.Max, -1), 1)}, nil
	}
	return Range{}, fmt.Errorf("the fused activation %v cannot be quantised", a)
}

// quantisation is the scale as a file has it.
func (s scale) quantisation() *file.Quantisation {
	return &file.Quantisation{Scale: []float32{s.step}, ZeroPoint: []int64{int64(s.zero)}}
}

// store returns the int8 nearest to v, ties to even.
func (s scale) store(v float32) byte {
	n := math.RoundToEven(float64(v)/float64(s.step)) + float64(s.zero)
	return byte(int8(min(max(n, -128), 127)))
}

// span returns the range of values, which must be finite.
func span(values []float32) (Range, error) {
	r := Range{Min: float32(math.Inf(1)), Max: float32(math.Inf(-1))}
	if len(values) == 0 {
		return r, fmt.Errorf("no values")
	}
	for _, v := range values {
		if !finite(v) {
			return r, errNotFinite
		}
		r.Min, r.Max = min(r.Min, v), max(r.Max, v)
	}
	return r, nil
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
