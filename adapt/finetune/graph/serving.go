//go:build tensorflow

package graph

import (
	"bytes"
	"fmt"

	"github.com/edge-adapt/edge/adapt/finetune/network"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// Serving is a whole network as a TensorFlow graph that only computes: its
// weights are constants of the graph.
type Serving struct {
	Def []byte // a serialised GraphDef

	// Input, Output and Labels are tensors of the graph, such as "image:0". Input
	// takes float32 [n, height, width, channels] for any n, Output gives float32
	// of the network's feature's shape for each. Labels is a string, the path of a
	// file: what saved models call an asset.
	Input, Output, Labels string
}

// Serve builds a network, of network.ReadWhole, as a graph. labels is the path
// that Labels holds until somebody who loads the graph puts another in its place.
func Serve(n *network.Network, labels string) (*Serving, error) {
	b := &builder{scope: op.NewScope(), names: map[string]int{}}
	in, out, asset, err := b.serve(n, labels)
	if err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	g, err := b.scope.Finalize() //nolint:misspell // the binding spells it so
	if err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	var def bytes.Buffer
	if _, err := g.WriteTo(&def); err != nil {
		return nil, fmt.Errorf("write the graph: %w", err)
	}
	return &Serving{def.Bytes(), tensorName(in), tensorName(out), tensorName(asset)}, nil
}

func (b *builder) serve(n *network.Network, labels string) (in, out, asset tf.Output, err error) {
	in = b.input("image", n.Shape(n.Input)...)
	computed := map[int]tf.Output{n.Input: in}
	for i := range n.Layers {
		l := &n.Layers[i]
		y, err := b.inference(n, l, computed)
		if err != nil {
			return in, out, asset, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		computed[l.Output] = y
	}
	out = op.Identity(b.at("scores"), computed[n.Feature.Tensor])
	asset = op.Const(b.at("labels"), labels)
	return in, out, asset, b.scope.Err()
}

// inference adds a layer with constant weights.
func (b *builder) inference(n *network.Network, l *network.Layer, computed map[int]tf.Output) (y tf.Output, err error) {
	var x []tf.Output
	for _, tensor := range l.Inputs {
		x = append(x, computed[tensor])
	}
	in, out := n.Shape(l.Inputs[0]), n.Shape(l.Output)
	var kernel tf.Output
	if l.Kernel != nil {
		values, shape, err := kernelOf(l, in)
		if err != nil {
			return y, err
		}
		kernel = b.constant(values, shape...)
	}
	if y, err = b.linear(l, kernel, x, in, out); err != nil {
		return y, err
	}
	if l.Bias != nil {
		y = op.BiasAdd(b.at("bias"), y, b.constant(l.Bias.Values, len(l.Bias.Values)))
	}
	if y, err = b.activate(y, l.Activation); err != nil {
		return y, err
	}
	return y, b.check(y, out)
}

func tensorName(o tf.Output) string { return fmt.Sprintf("%s:%d", o.Op.Name(), o.Index) }
