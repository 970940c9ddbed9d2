//go:build tensorflow

package graph

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// builder grows a TensorFlow graph. Its scope remembers the first failure and
// makes what follows it do nothing, so that callers look once, at the end.
type builder struct {
	scope     *op.Scope
	variables []*variable    // all, in the order in which they were made
	names     map[string]int // how often a name was asked for
}

// at returns a scope of its own for one operation: a scope makes the names of
// its sub-scopes unique, not those of its operations.
func (b *builder) at(name string) *op.Scope { return b.scope.SubScope(name) }

// constant is a float32 constant, row-major; it keeps no reference to values.
func (b *builder) constant(values []float32, shape ...int) tf.Output {
	t, err := tensorOf(values, shape...)
	if err != nil {
		b.scope.UpdateErr("Const", fmt.Errorf("%d values for shape %v: %w", len(values), shape, err))
		return tf.Output{}
	}
	return op.Const(b.at("constant"), t)
}

func (b *builder) scalar(v float32) tf.Output { return op.Const(b.at("scalar"), v) }

func (b *builder) ints(v ...int32) tf.Output { return op.Const(b.at("ints"), v) }

// input is a float32 placeholder of any batch.
func (b *builder) input(name string, shape ...int) tf.Output {
	open := append([]int64{-1}, dims(shape)...)
	return op.Placeholder(b.at(name), tf.Float, op.PlaceholderShape(tf.MakeShape(open...)))
}

// reshape changes the shape of everything but the batch.
func (b *builder) reshape(x tf.Output, shape ...int) tf.Output {
	open := []int32{-1}
	for _, d := range shape {
		open = append(open, int32(d))
	}
	return op.Reshape(b.at("reshape"), x, op.Const(b.at("shape"), open))
}

// all is an operation that has run when all the others have.
func (b *builder) all(name string, operations []*tf.Operation) *tf.Operation {
	return op.NoOp(b.at(name).WithControlDependencies(operations...))
}
