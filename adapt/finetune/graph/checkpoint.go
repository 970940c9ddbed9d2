//go:build tensorflow

package graph

import (
	"fmt"

	"github.com/edge-adapt/edge/internal/hint"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// checkpoint is how all variables are written to files and read back.
type checkpoint struct {
	prefix        tf.Output // fed: the path
	save, restore *tf.Operation
}

func (b *builder) newCheckpoint() checkpoint {
	var names []string
	var values []tf.Output
	var kinds []tf.DataType
	for _, v := range b.variables {
		names = append(names, v.name)
		values = append(values, v.value)
		kinds = append(kinds, v.kind)
	}
	s := b.at("checkpoint")
	c := checkpoint{prefix: op.Placeholder(s, tf.String, op.PlaceholderShape(tf.ScalarShape()))}
	keys := op.Const(b.at("keys"), names)
	whole := op.Const(b.at("whole"), make([]string, len(names))) // no slices
	c.save = op.SaveV2(s, c.prefix, keys, whole, values)
	var set []*tf.Operation
	for i, value := range op.RestoreV2(s, c.prefix, keys, whole, kinds) {
		set = append(set, b.assign(b.variables[i], value))
	}
	c.restore = b.all("restore", set)
	return c
}

// Save writes all variables, those of the optimiser and the count of steps
// among them, in TensorFlow's checkpoint format: prefix.index and
// prefix.data-00000-of-00001, in a folder that exists. Python reads them with
// tf.train.load_checkpoint(prefix).
//
// Layers are called as in the network, "block_14_expand/kernel", and heads by
// their task, "head_0/hidden/kernel"; kernels have TensorFlow's layout. Save
// does not sync: files that must survive a power cut are the caller's care.
func (g *Graph) Save(prefix string) error {
	return g.checkpointed(prefix, g.checkpoint.save, "write")
}

// Restore sets all variables to what Save wrote, of a graph built from the
// same Config. After an error some may be set and others not: close the graph.
func (g *Graph) Restore(prefix string) error {
	err := g.checkpointed(prefix, g.checkpoint.restore, "read")
	return hint.Wrap(err, "a checkpoint fits the base, the unfrozen layers, the batch normalisation and the heads it was written with")
}

func (g *Graph) checkpointed(prefix string, target *tf.Operation, verb string) error {
	path, err := tf.NewTensor(prefix)
	if err != nil {
		return err
	}
	if _, err := g.session.run(map[tf.Output]*tf.Tensor{g.checkpoint.prefix: path}, nil, target); err != nil {
		return fmt.Errorf("%s checkpoint %s: %w", verb, prefix, err)
	}
	return nil
}
