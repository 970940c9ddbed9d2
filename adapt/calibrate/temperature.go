package calibrate

import (
	"math"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/internal/kernel"
)

// The temperatures that Fit chooses from; a sound head is far from both ends.
const (
	minTemperature = 0.25
	maxTemperature = 8
)

// temperature returns the T that minimises the mean cross-entropy of val against
// targets smoothed as the package comment says, to three decimals.
//
// As a function of b = 1/T the loss is convex, with the slope
//
//	mean over images of Σ_c (softmax(b·z)_c − target_c)·z_c
//
// so halving the interval finds it.
func temperature(h *head.Head, val adapt.Set) float64 {
	const rows = 128
	k, n := h.Classes, val.Len()
	logits := make([]float32, 0, n*k)
	pass := head.NewPass(h, min(rows, n))
	for from := 0; from < n; from += rows {
		to := min(from+rows, n)
		logits = append(logits, pass.Forward(val.Features[from*val.F:to*val.F], to-from, nil)...)
	}
	epsilon := 0.5 / float64(n+1)
	p := make([]float32, k)
	slope := func(b float64) float64 {
		var sum float64
		for i, label := range val.Labels {
			z := logits[i*k:][:k]
			for c, v := range z {
				p[c] = float32(float64(v) * b)
			}
			kernel.Softmax(p, p)
			for c, v := range z {
				target := epsilon / float64(k)
				if c == int(label) {
					target += 1 - epsilon
				}
				sum += float64((float64(p[c]) - target) * float64(v))
			}
		}
		return sum
	}
	low, high := 1.0/maxTemperature, 1/minTemperature
	for range 40 {
		if middle := (low + high) / 2; slope(middle) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Round(2000/(low+high)) / 1000
}
