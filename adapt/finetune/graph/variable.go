//go:build tensorflow

package graph

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// variable is a value that a session keeps from run to run.
type variable struct {
	name   string // in checkpoints; unique in the graph
	kind   tf.DataType
	shape  []int64
	decays bool       // whether weight decay applies
	start  *tf.Tensor // what New sets it to; nil from then on

	handle tf.Output
	value  tf.Output // the only read: of what it held before the run

	given tf.Output // what set sets it to
	set   *tf.Operation
}

// variable makes a float32 variable. values are row-major and not kept.
func (b *builder) variable(name string, values []float32, shape ...int) *variable {
	start, err := tensorOf(values, shape...)
	if err != nil {
		b.scope.UpdateErr("VarHandleOp", fmt.Errorf("%s: %d values for shape %v: %w", name, len(values), shape, err))
		return &variable{}
	}
	return b.keep(name, start)
}

// keep makes a variable of any type.
func (b *builder) keep(name string, start *tf.Tensor) *variable {
	v := &variable{name: b.unique(name), kind: start.DataType(), shape: start.Shape(), start: start}
	s := b.at("variable")
	shape := tf.MakeShape(v.shape...)
	v.handle = op.VarHandleOp(s, v.kind, shape, op.VarHandleOpSharedName(v.name))
	v.value = op.ReadVariableOp(s, v.handle, v.kind)
	v.given = op.Placeholder(s, v.kind, op.PlaceholderShape(shape))
	v.set = b.assign(v, v.given)
	b.variables = append(b.variables, v)
	return v
}

// assign sets v, to a value of its shape or to an error at run time.
func (b *builder) assign(v *variable, value tf.Output) *tf.Operation {
	return op.AssignVariableOp(b.at("assign"), v.handle, value, op.AssignVariableOpValidateShape(true))
}

// unique returns name, numbered if a variable has it already: a file may name
// two of its layers alike.
func (b *builder) unique(name string) string {
	n := b.names[name]
	b.names[name]++
	if n == 0 {
		return name
	}
	return b.unique(fmt.Sprintf("%s_%d", name, n))
}

// initialise sets all variables to where they start, and forgets where that is.
func (s *session) initialise(variables []*variable) error {
	feeds := map[tf.Output]*tf.Tensor{}
	var set []*tf.Operation
	for _, v := range variables {
		feeds[v.given] = v.start
		set = append(set, v.set)
		v.start = nil
	}
	_, err := s.run(feeds, nil, set...)
	return err
}

// fetch computes float32 values that need no input, such as variables'.
func (s *session) fetch(outputs ...tf.Output) ([][]float32, error) {
	tensors, err := s.run(nil, outputs)
	if err != nil {
		return nil, err
	}
	values := make([][]float32, len(tensors))
	for i, t := range tensors {
		if values[i], err = valuesOf(t); err != nil {
			return nil, err
		}
	}
	return values, nil
}
