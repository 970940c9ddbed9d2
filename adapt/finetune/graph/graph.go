//go:build tensorflow

package graph

import (
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Graph is the top of a base and the heads over it, in training. It serves one
// goroutine at a time, and holds C memory until Close.
type Graph struct {
	config     Config
	session    *session
	top        *top
	tasks      []*task
	adam       *adam
	checkpoint checkpoint
}

// New builds the graph and sets its variables to the weights of the network
// and the heads. It keeps the network, which must not change.
//
// An error names the layer with an operator that the graph lacks.
func New(c Config) (*Graph, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	b := &builder{scope: op.NewScope(), names: map[string]int{}}
	g := &Graph{config: c}
	if err := g.build(b); err != nil {
		return nil, err
	}
	graph, err := b.scope.Finalize() //nolint:misspell // the binding spells it so
	if err != nil {
		return nil, err
	}
	if g.session, err = newSession(graph, c.Threads, c.Deterministic); err != nil {
		return nil, err
	}
	if err := g.session.initialise(b.variables); err != nil {
		g.session.Close()
		return nil, err
	}
	return g, nil
}

// build adds everything to the graph that a session may be asked to run.
func (g *Graph) build(b *builder) (err error) {
	if g.top, err = b.newTop(&g.config); err != nil {
		return err
	}
	training, moving, err := b.features(g.top, true)
	if err != nil {
		return err
	}
	inference := training
	if g.config.BatchNorm == PerBatch {
		if inference, _, err = b.features(g.top, false); err != nil {
			return err
		}
	}
	if g.adam, err = b.newAdam(g.config.WeightDecay); err != nil {
		return err
	}
	for i, h := range g.config.Heads {
		t := b.newTask(i, h)
		t.training = b.measure(t, b.logits(t, training, true))
		logits := b.logits(t, inference, false)
		t.inference = b.measure(t, logits)
		t.scores = op.Softmax(b.at("scores"), logits)
		trained := append(slices.Clone(g.top.trained), t.weights...)
		t.step = b.step(g.adam, t.training.loss, trained, moving)
		g.tasks = append(g.tasks, t)
	}
	g.checkpoint = b.newCheckpoint()
	return b.scope.Err()
}

// Step takes one step of Adam on a batch: it moves the trained layers and the
// head of the batch's task. rate is the step size. The result is of the batch
// as the step met it: before the change, with dropout and with the batch's
// statistics. A loss that is NaN or infinite is no error; the weights are then
// lost.
func (g *Graph) Step(b Batch, rate float64) (Result, error) {
	t, feeds, err := g.feeds(b)
	if err != nil {
		return Result{}, err
	}
	if len(b.Keep) > 0 {
		if err := feed(feeds, t.keep, "the mask of dropout", b.Keep, b.N, t.head.Hidden); err != nil {
			return Result{}, err
		}
	}
	if feeds[g.adam.rate], err = tf.NewTensor(float32(rate)); err != nil {
		return Result{}, err
	}
	return g.measured(t, t.training, feeds, b, t.step)
}

// Evaluate measures a batch as inference sees it: without dropout, normalised
// with the moving averages. It changes nothing.
func (g *Graph) Evaluate(b Batch) (Result, error) {
	t, feeds, err := g.feeds(b)
	if err != nil {
		return Result{}, err
	}
	return g.measured(t, t.inference, feeds, b)
}

// Scores returns a probability per image and class, [N, classes], as inference
// computes them. Targets are not looked at.
func (g *Graph) Scores(b Batch) ([]float32, error) {
	t, feeds, err := g.feeds(b)
	if err != nil {
		return nil, err
	}
	results, err := g.session.run(feeds, []tf.Output{t.scores})
	if err != nil {
		return nil, err
	}
	return valuesOf(results[0])
}

// measured runs a measure, and the targets besides.
func (g *Graph) measured(t *task, m measure, feeds map[tf.Output]*tf.Tensor, b Batch, targets ...*tf.Operation) (Result, error) {
	if err := feed(feeds, t.targets, "the targets", b.Targets, b.N, t.head.Classes); err != nil {
		return Result{}, err
	}
	results, err := g.session.run(feeds, []tf.Output{m.loss, m.correct}, targets...)
	if err != nil {
		return Result{}, err
	}
	return Result{Loss: float64(results[0].Value().(float32)), Correct: int(results[1].Value().(int32))}, nil
}

// feeds returns the task of a batch and the tensors of its frontier.
func (g *Graph) feeds(b Batch) (*task, map[tf.Output]*tf.Tensor, error) {
	if b.Task < 0 || b.Task >= len(g.tasks) {
		return nil, nil, fmt.Errorf("task %d of %d", b.Task, len(g.tasks))
	}
	frontier := g.config.Selection.Frontier
	if b.N < 1 || len(b.Frontier) != len(frontier) {
		return nil, nil, fmt.Errorf("a batch of %d images with %d tensors: the frontier has %d", b.N, len(b.Frontier), len(frontier))
	}
	feeds := map[tf.Output]*tf.Tensor{}
	for i, tensor := range frontier {
		shape := append([]int{b.N}, g.config.Network.Shape(tensor)...)
		if err := feed(feeds, g.top.frontier[tensor], fmt.Sprintf("tensor %d of the frontier", tensor), b.Frontier[i], shape...); err != nil {
			return nil, nil, err
		}
	}
	return g.tasks[b.Task], feeds, nil
}

// feed adds values to what a run is fed.
func feed(feeds map[tf.Output]*tf.Tensor, to tf.Output, what string, values []float32, shape ...int) error {
	if len(values) != elements(shape) {
		return fmt.Errorf("%s: %d values for the shape %v", what, len(values), shape)
	}
	t, err := tensorOf(values, shape...)
	feeds[to] = t
	return err
}

// Close frees the session. The graph cannot be used after it.
func (g *Graph) Close() error { return g.session.Close() }
