//go:build tensorflow

package graph

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// What Keras' Adam has by default.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-7
)

// adam is the optimiser of all variables, equal to Keras 3's: epsilon stands
// outside of the bias correction, the powers of the betas are float32 and
// follow one counter of steps, whichever task they were for. TensorFlow's
// kernel has float32(1)-float32(0.999) where Keras has float32(0.001); a step's
// length differs by 6e-6 of itself.
type adam struct {
	rate  tf.Output // fed
	decay float64   // Config.WeightDecay
	steps *variable // taken so far, int64
	now   tf.Output // the number of this step, from 1, float32
	slots map[*variable]slots
}

// slots are the moving averages of a variable's gradient and of its square.
type slots struct{ momentum, velocity *variable }

func (b *builder) newAdam(decay float64) (*adam, error) {
	start, err := tf.NewTensor(int64(0))
	if err != nil {
		return nil, err
	}
	a := &adam{decay: decay, slots: map[*variable]slots{}}
	a.rate = op.Placeholder(b.at("rate"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	a.steps = b.keep("adam/steps", start)
	one := op.Const(b.at("one"), int64(1))
	a.now = op.Cast(b.at("now"), op.AddV2(b.at("next"), a.steps.value, one), tf.Float)
	return a, nil
}

// step adds the operation that moves the trained variables one step down the
// loss, and runs also.
func (b *builder) step(a *adam, loss tf.Output, trained []*variable, also []*tf.Operation) *tf.Operation {
	values := make([]tf.Output, len(trained))
	for i, v := range trained {
		values[i] = v.value
	}
	gradients := op.Gradients(b.at("gradients"), []tf.Output{loss}, values)
	if b.scope.Err() != nil {
		return nil
	}
	power1 := op.Pow(b.at("power"), b.scalar(beta1), a.now)
	power2 := op.Pow(b.at("power"), b.scalar(beta2), a.now)
	operations := slices.Clone(also)
	for i, v := range trained {
		s := a.slotsOf(b, v)
		at := b.at("adam")
		if v.decays && a.decay > 0 {
			share := op.Mul(b.at("share"), b.scalar(float32(a.decay)), a.rate)
			less := op.AssignSubVariableOp(b.at("decay"), v.handle, op.Mul(b.at("lost"), v.value, share))
			at = at.WithControlDependencies(less)
		}
		operations = append(operations, op.ResourceApplyAdam(at, v.handle, s.momentum.handle, s.velocity.handle,
			power1, power2, a.rate, b.scalar(beta1), b.scalar(beta2), b.scalar(epsilon), gradients[i]))
	}
	count := op.AssignAddVariableOp(b.at("count").WithControlDependencies(a.now.Op), a.steps.handle, op.Const(b.at("one"), int64(1)))
	return b.all("step", append(operations, count))
}

// slotsOf returns a variable's slots, which all tasks share.
func (a *adam) slotsOf(b *builder, v *variable) slots {
	s, ok := a.slots[v]
	if !ok {
		shape := make([]int, len(v.shape))
		for i, d := range v.shape {
			shape[i] = int(d)
		}
		zeros := make([]float32, elements(shape))
		s = slots{b.variable("adam/momentum/"+v.name, zeros, shape...), b.variable("adam/velocity/"+v.name, zeros, shape...)}
		a.slots[v] = s
	}
	return s
}
