//go:build tensorflow

package graph

import tf "github.com/wamuir/graft/tensorflow"

// Weights returns the weights that trained as they stand, by tensor of the
// file and in the file's layout: what file.Patch takes. Normalisation is
// folded into them, with its moving averages.
func (g *Graph) Weights() (map[int][]float32, error) {
	var outputs []tf.Output
	for i := range g.top.layers {
		outputs = append(outputs, g.top.layers[i].changing()...)
	}
	weights := map[int][]float32{}
	if len(outputs) == 0 {
		return weights, nil
	}
	values, err := g.session.fetch(outputs...)
	if err != nil {
		return nil, err
	}
	for i := range g.top.layers {
		l := &g.top.layers[i]
		n := len(l.changing())
		l.weights(weights, values[:n])
		values = values[n:]
	}
	return weights, nil
}

// changing are the values that decide the layer's weights, if any trains.
func (l *layer) changing() []tf.Output {
	if n := l.norm; n != nil {
		return []tf.Output{l.kernel.value, n.gamma.value, n.beta.value, n.mean.value, n.variance.value}
	}
	var outputs []tf.Output
	for _, p := range []parameter{l.kernel, l.bias} {
		if p.variable != nil {
			outputs = append(outputs, p.value)
		}
	}
	return outputs
}

// weights adds the layer's weights, made of the values of what is changing.
func (l *layer) weights(weights map[int][]float32, values [][]float32) {
	if l.norm != nil {
		weights[l.Bias.Tensor] = fold(values[0], values[1], values[2], values[3], values[4])
		weights[l.Kernel.Tensor] = kernelBack(l.Layer, values[0])
		return
	}
	if l.kernel.variable != nil {
		weights[l.Kernel.Tensor] = kernelBack(l.Layer, values[0])
		values = values[1:]
	}
	if l.bias.variable != nil {
		weights[l.Bias.Tensor] = values[0]
	}
}
