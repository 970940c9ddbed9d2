package main

import (
	"math"
	"slices"

	"github.com/edge-adapt/edge/adapt/calibrate"
)

// candidate is a way of telling unknowns: fitted on the training images it gives
// each image a number, the larger the less known.
type candidate struct {
	name string
	fit  func(train []view, c *calibrate.Calibration) func(view) float64
}

// candidates begins with the one that edge has.
var candidates = []candidate{
	{"**cosine, features and hidden layer**", func(_ []view, c *calibrate.Calibration) func(view) float64 {
		return func(v view) float64 {
			d, _ := c.Unknown(v.features, v.hidden)
			return float64(d)
		}
	}},
	{"cosine, features", onFeatures(cosine)},
	{"cosine, hidden layer", onHidden(cosine)},
	{"Mahalanobis, shared diagonal, features", onFeatures(mahalanobis)},
	{"Mahalanobis, shared diagonal, directions of features", onFeatures(directed(mahalanobis))},
	{"Mahalanobis, shared diagonal, directions of hidden layer", onHidden(directed(mahalanobis))},
	{"5th nearest training image, directions of features", onFeatures(directed(nearest))},
	{"largest probability", func([]view, *calibrate.Calibration) func(view) float64 {
		return func(v view) float64 {
			_, score := highest(softmax(v.logits, 1))
			return 1 - score
		}
	}},
	{"energy (Liu et al. 2020)", func([]view, *calibrate.Calibration) func(view) float64 {
		return func(v view) float64 {
			_, score := highest(softmax(v.logits, 1))
			top := float64(slices.Max(v.logits))
			return math.Log(score) - top // -log Σ exp(z)
		}
	}},
}

// vectors is a way of telling unknowns that looks at one vector of an image.
type vectors func(train [][]float64, labels []int) func([]float64) float64

func onFeatures(of vectors) func([]view, *calibrate.Calibration) func(view) float64 {
	return on(of, func(v view) []float32 { return v.features })
}

func onHidden(of vectors) func([]view, *calibrate.Calibration) func(view) float64 {
	return on(of, func(v view) []float32 { return v.hidden })
}

func on(of vectors, pick func(view) []float32) func([]view, *calibrate.Calibration) func(view) float64 {
	return func(train []view, _ *calibrate.Calibration) func(view) float64 {
		var rows [][]float64
		var labels []int
		for _, v := range train {
			rows, labels = append(rows, wide(pick(v))), append(labels, v.label)
		}
		distance := of(rows, labels)
		return func(v view) float64 { return distance(wide(pick(v))) }
	}
}

// directed looks at directions alone.
func directed(of vectors) vectors {
	return func(train [][]float64, labels []int) func([]float64) float64 {
		rows := make([][]float64, len(train))
		for i, x := range train {
			rows[i] = unit(x)
		}
		distance := of(rows, labels)
		return func(x []float64) float64 { return distance(unit(x)) }
	}
}

// means returns the mean of each class.
func means(train [][]float64, labels []int) [][]float64 {
	out := make([][]float64, slices.Max(labels)+1)
	counts := make([]float64, len(out))
	for i, x := range train {
		c := labels[i]
		if out[c] == nil {
			out[c] = make([]float64, len(x))
		}
		counts[c]++
		for j, v := range x {
			out[c][j] += v
		}
	}
	for c := range out {
		for j := range out[c] {
			out[c][j] /= counts[c]
		}
	}
	return out
}

// cosine is one less the cosine with the nearest class's mean direction.
func cosine(train [][]float64, labels []int) func([]float64) float64 {
	rows := make([][]float64, len(train))
	for i, x := range train {
		rows[i] = unit(x)
	}
	centres := means(rows, labels)
	for c := range centres {
		centres[c] = unit(centres[c])
	}
	return func(x []float64) float64 {
		x = unit(x)
		best := math.Inf(1)
		for _, c := range centres {
			best = min(best, 1-dot(x, c))
		}
		return best
	}
}

// mahalanobis is the distance to the nearest class's mean, each dimension in
// units of its deviation within the classes; variances are drawn half-way to
// their mean.
func mahalanobis(train [][]float64, labels []int) func([]float64) float64 {
	centres := means(train, labels)
	variance := make([]float64, len(train[0]))
	for i, x := range train {
		for j, v := range x {
			d := v - centres[labels[i]][j]
			variance[j] += d * d / float64(len(train)-len(centres))
		}
	}
	var mean float64
	for _, v := range variance {
		mean += v / float64(len(variance))
	}
	for j, v := range variance {
		variance[j] = v/2 + mean/2 + 1e-12
	}
	return func(x []float64) float64 {
		best := math.Inf(1)
		for _, c := range centres {
			var sum float64
			for j, v := range x {
				d := v - c[j]
				sum += d * d / variance[j]
			}
			best = min(best, sum)
		}
		return best
	}
}

// nearest is the squared distance to the fifth nearest training image.
func nearest(train [][]float64, _ []int) func([]float64) float64 {
	const k = 5
	return func(x []float64) float64 {
		distances := make([]float64, len(train))
		for i, row := range train {
			distances[i] = dot(row, row) - 2*dot(row, x)
		}
		slices.Sort(distances)
		return distances[min(k, len(distances))-1] + dot(x, x)
	}
}
