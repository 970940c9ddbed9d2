//go:build tensorflow

package graph

import (
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
)

// Config says what is built and how it trains.
type Config struct {
	Network   *network.Network
	Selection network.Selection

	// BatchNorm says what becomes of the normalisation that the file's kernels
	// and biases hold folded. Zero: Folded.
	BatchNorm BatchNorm

	// Moments has, with PerBatch, an entry for every layer of Selection.Norms.
	Moments map[int]Moments

	// Heads are where the heads start, one a task, at least one. They are not
	// changed; Graph.Head returns the trained ones.
	Heads []*head.Head

	// WeightDecay is the share of every trained kernel that a step with rate 1
	// takes away besides its gradient, as Keras' AdamW does. Zero: none. Biases,
	// gamma and beta do not decay.
	WeightDecay float64

	// Threads is how many threads one operation and how many operations may run
	// at a time. Zero: as many as there are processors. The first graph of a
	// process decides for all.
	Threads int

	// Deterministic keeps TensorFlow to operations whose results repeat to the
	// last bit: the same steps, on the same processor with the same library and
	// Threads, give the same weights. It holds for the whole process from then
	// on. On processors it costs nothing that could be measured.
	Deterministic bool
}

// BatchNorm is a way to treat the normalisation of trained layers.
type BatchNorm string

const (
	// Folded trains kernels and biases as they stand in the file: the
	// statistics are part of them and stay as they are.
	Folded BatchNorm = "folded"

	// PerBatch puts normalisation back behind the kernels of Selection.Norms:
	// steps use the statistics of their batch, inference the moving averages.
	PerBatch BatchNorm = "batch"
)

// Moments are the mean and the variance, per channel, of what a layer's kernel
// computes, before its bias is added, over some pictures and all positions.
type Moments struct {
	Mean     []float32
	Variance []float32 // at least 0
}

// Batch is what one step, or one evaluation, sees. The graph keeps none of it.
type Batch struct {
	Task int // index into Config.Heads
	N    int // images, at least 1

	// Frontier has, for each tensor of Selection.Frontier, the values of all
	// images: [N, shape of the tensor].
	Frontier [][]float32

	// Targets are the labels as probabilities, [N, classes], rows summing to 1.
	// Scores needs none.
	Targets []float32

	// Keep is the mask of dropout over the hidden layer, [N, hidden], as
	// head.Random.Dropout draws it: 0 or 1/(1-rate). Nil: nothing is dropped.
	// Only Step looks at it.
	Keep []float32
}

// Result is what a batch came to.
type Result struct {
	Loss    float64 // mean cross-entropy over the batch
	Correct int     // images whose highest score is where their highest target is
}

func (c *Config) validate() error {
	if len(c.Heads) == 0 {
		return errors.New("no head to train")
	}
	for i, h := range c.Heads {
		if err := h.Validate(); err != nil {
			return fmt.Errorf("head %d: %w", i, err)
		}
		if want := c.Network.Feature.Count; h.Features != want {
			return fmt.Errorf("head %d takes %d features, the base has %d", i, h.Features, want)
		}
	}
	switch c.BatchNorm {
	case "", Folded, PerBatch:
	default:
		return fmt.Errorf("batch norm %q: it is %s or %s", c.BatchNorm, Folded, PerBatch)
	}
	layers := len(c.Network.Layers)
	if s := c.Selection; s.First < 0 || s.First > layers || len(s.Kernels) != layers || len(s.Norms) != layers {
		return fmt.Errorf("a selection of %d and %d layers from %d on, of a network of %d", len(s.Kernels), len(s.Norms), s.First, layers)
	}
	return nil
}
