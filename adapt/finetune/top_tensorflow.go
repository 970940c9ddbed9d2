//go:build tensorflow

package finetune

import (
	"github.com/edge-adapt/edge/adapt/finetune/graph"
)

// Available reports whether this program can train: nil, or an error that says
// how to get one that can.
func Available() error { return nil }

// graphTop is TensorFlow's graph as a top.
type graphTop struct{ *graph.Graph }

func newTop(c topConfig) (top, error) {
	config := graph.Config{
		Network: c.network, Selection: c.selection, BatchNorm: graph.BatchNorm(c.norm), Heads: c.heads,
		WeightDecay: c.weightDecay, Threads: c.threads, Deterministic: true,
	}
	if c.moments != nil {
		config.Moments = make(map[int]graph.Moments, len(c.moments))
		for layer, m := range c.moments {
			config.Moments[layer] = graph.Moments{Mean: m.mean, Variance: m.variance}
		}
	}
	g, err := graph.New(config)
	if err != nil {
		return nil, err
	}
	return graphTop{g}, nil
}

func (g graphTop) Step(b batch, rate float64) (result, error) {
	r, err := g.Graph.Step(graphBatch(b), rate)
	return result{r.Loss, r.Correct}, err
}

func (g graphTop) Evaluate(b batch) (result, error) {
	r, err := g.Graph.Evaluate(graphBatch(b))
	return result{r.Loss, r.Correct}, err
}

func graphBatch(b batch) graph.Batch {
	return graph.Batch{Task: b.task, N: b.n, Frontier: b.frontier, Targets: b.targets, Keep: b.keep}
}
