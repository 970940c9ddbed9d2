//go:build tensorflow

package graph

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/head"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// task is a head in the graph, with its loss.
type task struct {
	head    *head.Head  // its shape
	weights []*variable // W1, B1, W2, B2, or the last two alone

	targets tf.Output // fed: [n, classes]
	keep    tf.Output // may be fed: [n, hidden]

	training, inference measure
	scores              tf.Output // [n, classes]
	step                *tf.Operation
}

// measure is what the graph says of a batch.
type measure struct{ loss, correct tf.Output }

func (b *builder) newTask(index int, h *head.Head) *task {
	t := &task{head: h}
	name := fmt.Sprintf("head_%d", index)
	dense := func(layer string, kernel, bias []float32, inputs, units int) {
		k := b.variable(name+"/"+layer+"/kernel", kernel, inputs, units)
		k.decays = true
		t.weights = append(t.weights, k, b.variable(name+"/"+layer+"/bias", bias, units))
	}
	inputs := h.Features
	if h.Hidden > 0 {
		dense("hidden", h.W1, h.B1, inputs, h.Hidden)
		inputs = h.Hidden
		all := op.Const(b.at("all"), [][]float32{{1}})
		t.keep = op.PlaceholderWithDefault(b.at("keep"), all, tf.MakeShape(-1, -1))
	}
	dense("classes", h.W2, h.B2, inputs, h.Classes)
	t.targets = b.input("targets", h.Classes)
	return t
}

// logits adds the head over features, with dropout for training.
func (b *builder) logits(t *task, features tf.Output, training bool) tf.Output {
	dense := func(x tf.Output, w []*variable) tf.Output {
		return op.BiasAdd(b.at("bias"), op.MatMul(b.at("dense"), x, w[0].value), w[1].value)
	}
	x, w := features, t.weights
	if t.head.Hidden > 0 {
		x = op.Relu(b.at("relu"), dense(x, w))
		if training {
			x = op.Mul(b.at("dropout"), x, t.keep)
		}
		w = w[2:]
	}
	return dense(x, w)
}

// measure adds the loss and the count of correct answers of logits.
func (b *builder) measure(t *task, logits tf.Output) measure {
	each, _ := op.SoftmaxCrossEntropyWithLogits(b.at("entropy"), logits, t.targets)
	highest := func(x tf.Output) tf.Output {
		return op.ArgMax(b.at("highest"), x, op.Const(b.at("axis"), int32(1)))
	}
	same := op.Equal(b.at("same"), highest(logits), highest(t.targets))
	return measure{
		loss:    op.Mean(b.at("loss"), each, b.ints(0)),
		correct: op.Sum(b.at("correct"), op.Cast(b.at("count"), same, tf.Int32), b.ints(0)),
	}
}

// Head returns a copy of a task's head as it stands.
func (g *Graph) Head(task int) (*head.Head, error) {
	if task < 0 || task >= len(g.tasks) {
		return nil, fmt.Errorf("task %d of %d", task, len(g.tasks))
	}
	t := g.tasks[task]
	var outputs []tf.Output
	for _, v := range t.weights {
		outputs = append(outputs, v.value)
	}
	values, err := g.session.fetch(outputs...)
	if err != nil {
		return nil, err
	}
	h := &head.Head{Features: t.head.Features, Hidden: t.head.Hidden, Classes: t.head.Classes}
	if h.Hidden > 0 {
		h.W1, h.B1 = values[0], values[1]
		values = values[2:]
	}
	h.W2, h.B2 = values[0], values[1]
	return h, nil
}
