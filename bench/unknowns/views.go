package main

import (
	"math"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
)

// view is what a way of telling unknowns may look at.
type view struct {
	features []float32
	hidden   []float32
	logits   []float32
	label    int // of training images
}

// views looks at every image of a set.
func views(h *head.Head, s adapt.Set) []view {
	out := make([]view, s.Len())
	scores, scratch := make([]float32, h.Classes), make([]float32, h.Scratch())
	pass := head.NewPass(h, 1)
	for i := range out {
		h.Scores(scores, s.Row(i), scratch)
		out[i] = view{
			features: s.Row(i), hidden: append([]float32(nil), scratch[:h.Hidden]...),
			logits: append([]float32(nil), pass.Forward(s.Row(i), 1, nil)...), label: int(s.Labels[i]),
		}
	}
	return out
}

// softmax of logits divided by a temperature.
func softmax(logits []float32, temperature float64) []float64 {
	top, sum := math.Inf(-1), 0.0
	for _, z := range logits {
		top = max(top, float64(z))
	}
	p := make([]float64, len(logits))
	for i, z := range logits {
		p[i] = math.Exp((float64(z) - top) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func highest(p []float64) (class int, score float64) {
	for i, v := range p {
		if v > score {
			class, score = i, v
		}
	}
	return class, score
}

// unit is x with the length 1.
func unit(x []float64) []float64 {
	length := math.Sqrt(dot(x, x))
	out := make([]float64, len(x))
	if length > 0 {
		for i, v := range x {
			out[i] = v / length
		}
	}
	return out
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
