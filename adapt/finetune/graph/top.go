//go:build tensorflow

package graph

import (
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt/finetune/network"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// top is the part of a network that the graph computes and trains.
type top struct {
	network  *network.Network
	frontier map[int]tf.Output // by tensor: what the caller feeds
	layers   []layer           // from Selection.First on
	trained  []*variable
}

// layer is a layer of the top with its weights in TensorFlow's layout.
type layer struct {
	*network.Layer
	kernel parameter // unused in layers without one
	bias   parameter // unused in layers without one, and where norm is set
	norm   *norm     // nil without batch norm
}

// parameter is a weight: the value of a variable if it trains, else a constant.
type parameter struct {
	value    tf.Output
	variable *variable // nil for a constant
}

func (b *builder) newTop(c *Config) (*top, error) {
	t := &top{network: c.Network, frontier: map[int]tf.Output{}}
	for _, tensor := range c.Selection.Frontier {
		t.frontier[tensor] = b.input("frontier", c.Network.Shape(tensor)...)
	}
	for i := c.Selection.First; i < len(c.Network.Layers); i++ {
		l := layer{Layer: &c.Network.Layers[i]}
		if l.Kernel != nil {
			if err := b.weigh(t, &l, c, i); err != nil {
				return nil, fmt.Errorf("layer %s: %w", l.Name, err)
			}
		}
		t.layers = append(t.layers, l)
	}
	return t, nil
}

// weigh makes the weights of layer i, which has a kernel.
func (b *builder) weigh(t *top, l *layer, c *Config, i int) error {
	values, shape, err := kernelOf(l.Layer, t.network.Shape(l.Inputs[0]))
	if err != nil {
		return err
	}
	kernel, norm := c.Selection.Kernels[i], c.Selection.Norms[i]
	bias := norm || kernel && !l.Norm
	if kernel {
		v := b.variable(l.Name+"/kernel", values, shape...)
		v.decays = true
		l.kernel = t.train(v)
	} else {
		l.kernel.value = b.constant(values, shape...)
	}
	switch {
	case norm && c.BatchNorm == PerBatch:
		l.norm, err = b.newNorm(t, l.Layer, c.Moments[i])
		return err
	case l.Bias == nil:
	case bias:
		l.bias = t.train(b.variable(l.Name+"/bias", l.Bias.Values, len(l.Bias.Values)))
	default:
		l.bias.value = b.constant(l.Bias.Values, len(l.Bias.Values))
	}
	return nil
}

// train adds a variable to those that steps change.
func (t *top) train(v *variable) parameter {
	t.trained = append(t.trained, v)
	return parameter{v.value, v}
}

// features adds the top's layers and returns what the heads see, [n, F]. With
// training, normalisation uses the batch's statistics; the operations that take
// these into the moving averages come back too.
func (b *builder) features(t *top, training bool) (features tf.Output, moving []*tf.Operation, err error) {
	computed := map[int]tf.Output{}
	for tensor, x := range t.frontier {
		computed[tensor] = x
	}
	for _, l := range t.layers {
		var x []tf.Output
		for _, tensor := range l.Inputs {
			value, ok := computed[tensor]
			if !ok {
				return features, nil, fmt.Errorf("layer %s reads tensor %d, which crosses the frontier and is not in it", l.Name, tensor)
			}
			x = append(x, value)
		}
		shape := t.network.Shape(l.Output)
		y, err := b.linear(l.Layer, l.kernel.value, x, t.network.Shape(l.Inputs[0]), shape)
		if err != nil {
			return features, nil, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		switch {
		case l.norm != nil && training:
			var update []*tf.Operation
			y, update = b.normaliseBatch(l.norm, y)
			moving = append(moving, update...)
		case l.norm != nil:
			y = b.normalise(l.norm, y)
		case l.bias.value.Op != nil:
			y = op.BiasAdd(b.at("bias"), y, l.bias.value)
		}
		if y, err = b.activate(y, l.Activation); err != nil {
			return features, nil, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		if err := b.check(y, shape); err != nil {
			return features, nil, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		computed[l.Output] = y
	}
	f := t.network.Feature
	features, ok := computed[f.Tensor]
	if !ok {
		return features, nil, fmt.Errorf("the feature tensor %d is neither computed by the top nor in the frontier", f.Tensor)
	}
	if f.Map {
		features = op.Mean(b.at("average"), features, b.ints(1, 2))
	}
	return b.reshape(features, f.Count), moving, nil
}

// check says whether y has the shape, for one picture, that the file states.
func (b *builder) check(y tf.Output, shape []int) error {
	if err := b.scope.Err(); err != nil {
		return err
	}
	got, err := y.Shape().ToSlice()
	if err != nil {
		return err
	}
	if want := dims(shape); len(got) == 0 || !slices.Equal(got[1:], want) {
		return fmt.Errorf("TensorFlow computes the shape %v where the file has %v", got[1:], want)
	}
	return nil
}
