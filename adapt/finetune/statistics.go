package finetune

import (
	"context"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// statistics measures, for BatchNorm Batch, the mean and variance of what the
// kernels of the layers with trained normalisation compute, over the pictures of
// Calibrate or else the training pictures. A file with folded normalisation
// does not tell them any more.
func (r *run) statistics(ctx context.Context) (map[int]moments, error) {
	if r.Recipe.BatchNorm != Batch {
		return nil, nil
	}
	layers := normed(r.network, r.selection)
	if len(layers) == 0 {
		return nil, nil
	}
	twins, err := withTwins(r.network, layers)
	if err != nil {
		return nil, err
	}
	data, err := twins.Encode()
	if err != nil {
		return nil, fmt.Errorf("write the model of the normalisation's statistics: %w", err)
	}
	model, err := r.Engine.Open(data)
	if err != nil {
		return nil, fmt.Errorf("open the model of the normalisation's statistics: %w", err)
	}
	defer model.Close()
	pictures, err := r.calibration()
	if err != nil {
		return nil, err
	}
	m := newMeter(model, r.network, layers)
	for _, d := range pictures {
		e := r.Base.Extractor
		// One worker, so that pictures come in one order and sums have one result.
		e.Base, e.Cache, e.Workers = m, nil, 1
		_, err := e.Extract(ctx, d, func(done, total int) {
			r.Progress(Progress{Stage: StageStatistics, Done: done, Total: total})
		}, nil)
		if err != nil {
			return nil, err
		}
	}
	if m.pictures == 0 {
		return nil, hint.Wrap(fmt.Errorf("no picture to measure the normalisation's statistics on: %s", r.Calibrate), "give a folder of pictures to --bn-calibrate")
	}
	return m.moments(layers), nil
}

// normed lists the layers whose normalisation trains.
func normed(n *network.Network, s network.Selection) (layers []int) {
	for i, norm := range s.Norms {
		if norm && n.Layers[i].Norm {
			layers = append(layers, i)
		}
	}
	return layers
}

// withTwins returns the model that computes the bare kernels of some layers:
// beside each of them stands a twin with the same input and kernel, but without
// bias and activation, and the twins are the outputs.
func withTwins(n *network.Network, layers []int) (*file.Model, error) {
	m := *n.Model
	m.Subgraphs = slices.Clone(m.Subgraphs)
	g := &m.Subgraphs[0]
	g.Tensors, g.Operators = slices.Clone(g.Tensors), slices.Clone(g.Operators)
	var outputs []int
	for _, i := range layers {
		layer := n.Layers[i]
		twin := g.Operators[layer.Operator]
		switch o := twin.Options.(type) {
		case file.Conv2DOptions:
			o.Activation = file.NoActivation
			twin.Options = o
		case file.DepthwiseConv2DOptions:
			o.Activation = file.NoActivation
			twin.Options = o
		default:
			return nil, fmt.Errorf("layer %s is a %s, whose normalisation cannot be put back: use --bn folded", layer.Name, twin.Name())
		}
		out := g.Tensors[layer.Output]
		out.Name += "/bare"
		twin.Outputs = []int{len(g.Tensors)}
		outputs = append(outputs, len(g.Tensors))
		g.Tensors = append(g.Tensors, out)
		twin.Inputs = slices.Clone(twin.Inputs[:2])
		channels := out.Shape[len(out.Shape)-1]
		twin.Inputs = append(twin.Inputs, len(g.Tensors))
		g.Tensors = append(g.Tensors, file.Tensor{
			Name: layer.Name + "/zero", Shape: []int32{channels}, Type: file.Float32, Data: make([]byte, 4*channels), HasRank: true,
		})
		g.Operators = append(g.Operators, twin)
	}
	return m.Cut(outputs...)
}

// meter adds up what the twins compute. To an adapt.Extractor it is a base.
type meter struct {
	model    Model
	outputs  [][]float32 // of one picture, [positions, channels]
	channels []int
	sums     [][]float64 // [channels]
	squares  [][]float64 // [channels]
	pictures int
}

func newMeter(model Model, n *network.Network, layers []int) *meter {
	m := &meter{model: model}
	for _, i := range layers {
		shape := n.Shape(n.Layers[i].Output)
		size := 1
		for _, d := range shape {
			size *= d
		}
		channels := shape[len(shape)-1]
		m.outputs = append(m.outputs, make([]float32, size))
		m.channels = append(m.channels, channels)
		m.sums = append(m.sums, make([]float64, channels))
		m.squares = append(m.squares, make([]float64, channels))
	}
	return m
}

// Embed looks at one picture; dst is left alone.
func (m *meter) Embed(_, pixels []float32) error {
	if err := m.model.RunAll(m.outputs, pixels); err != nil {
		return err
	}
	m.pictures++
	for i, values := range m.outputs {
		sums, squares := m.sums[i], m.squares[i]
		for len(values) > 0 {
			for c, v := range values[:len(sums)] {
				sums[c] += float64(v)
				squares[c] += float64(v) * float64(v)
			}
			values = values[len(sums):]
		}
	}
	return nil
}

// moments returns the means and variances by layer.
func (m *meter) moments(layers []int) map[int]moments {
	all := make(map[int]moments, len(layers))
	for i, layer := range layers {
		n := float64(m.pictures * len(m.outputs[i]) / m.channels[i])
		of := moments{mean: make([]float32, m.channels[i]), variance: make([]float32, m.channels[i])}
		for c := range of.mean {
			mean := m.sums[i][c] / n
			of.mean[c] = float32(mean)
			of.variance[c] = float32(max(0, m.squares[i][c]/n-mean*mean))
		}
		all[layer] = of
	}
	return all
}

// calibration lists the pictures of Calibrate, or of all tasks' training.
func (r *run) calibration() ([]*adapt.Dataset, error) {
	if r.Calibrate != "" {
		d, err := pictures(r.Calibrate)
		return []*adapt.Dataset{d}, err
	}
	var all []*adapt.Dataset
	for _, t := range r.data {
		all = append(all, only(t.dataset, adapt.SplitTrain))
	}
	return all, nil
}

// only returns the part of a dataset that is in one split.
func only(d *adapt.Dataset, split adapt.Split) *adapt.Dataset {
	part := copied(d)
	part.Samples = slices.DeleteFunc(part.Samples, func(s adapt.Sample) bool { return s.Split != split })
	return part
}
