package finetune

import (
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
)

// top is what trains in phase 2: the layers of the base from the frontier on,
// and the heads. Package graph has the real one; the tests have one that needs
// no TensorFlow.
type top interface {
	Step(b batch, rate float64) (result, error)
	Evaluate(b batch) (result, error)
	Weights() (map[int][]float32, error)
	Head(task int) (*head.Head, error)
	Save(prefix string) error
	Restore(prefix string) error
	Close() error
}

// topConfig is what a top is made from.
type topConfig struct {
	network     *network.Network
	selection   network.Selection
	norm        BatchNorm
	moments     map[int]moments
	heads       []*head.Head
	weightDecay float64
	threads     int
}

// moments are a kernel's mean and variance, a number a channel.
type moments struct{ mean, variance []float32 }

// batch is some images of one task, as a top sees them.
type batch struct {
	task     int
	n        int
	frontier [][]float32 // a slice a tensor, [n, …]
	targets  []float32   // [n, classes], rows sum to 1
	keep     []float32   // [n, hidden], the factors of dropout; nil: none
}

// result is what a top made of a batch.
type result struct {
	loss    float64 // mean cross-entropy
	correct int
}
