package network

import "github.com/edge-adapt/edge/tflite/file"

// Plan says what training a selection means, before anything is trained.
type Plan struct {
	Layers   []Row `json:"layers"`   // all counted layers, from the input on
	Unfrozen int   `json:"unfrozen"` // how many of them are selected: the last ones

	// Parameters are the elements of all kernels and biases, Trainable those
	// that train. A batch norm is what is left of it in the file, a bias.
	Parameters int64 `json:"parameters"`
	Trainable  int64 `json:"trainable"`

	// Multiply-accumulates of one picture, forwards. The prefix runs once a
	// picture where its results are kept, the top in every epoch, and with its
	// gradients about three times that.
	PrefixMACs int64 `json:"prefix_macs"`
	TopMACs    int64 `json:"top_macs"`

	Frontier      [][]int `json:"frontier"`       // shapes, without the batch
	FrontierBytes int64   `json:"frontier_bytes"` // of one picture, float32

	// What the trainer needs of memory, as far as the layers tell: see Memory.
	WeightBytes     int64 `json:"weight_bytes"`
	ActivationBytes int64 `json:"activation_bytes"` // for each picture of a batch
}

// Row is a counted layer in a Plan.
type Row struct {
	Name       string `json:"name"`
	Kind       Kind   `json:"kind"`
	Shape      []int  `json:"shape"` // of the output, without the batch
	Parameters int64  `json:"parameters"`
	Trains     bool   `json:"trains"`
}

// Plan describes the training of s, a selection of this network.
func (n *Network) Plan(s Selection) Plan {
	p := Plan{Unfrozen: s.Counted}
	for _, c := range n.Counted {
		r := n.row(c, &s)
		p.Layers = append(p.Layers, r)
		p.Parameters += r.Parameters
		if r.Trains {
			p.Trainable += r.Parameters
		}
	}
	operators := n.Model.Summary().Operators
	for i := range n.Layers {
		macs := operators[n.Layers[i].Operator].MACs
		if i < s.First {
			p.PrefixMACs += macs
		} else {
			p.TopMACs += macs
		}
	}
	for _, t := range s.Frontier {
		shape := n.Shape(t)
		p.Frontier = append(p.Frontier, shape)
		p.FrontierBytes += 4 * int64(product(shape))
	}
	p.WeightBytes, p.ActivationBytes = n.memory(&s)
	return p
}

func (n *Network) row(c Counted, s *Selection) Row {
	r := Row{Name: c.Name, Kind: c.Kind}
	if c.Kind == KindInput {
		r.Shape = n.Shape(n.Input)
		return r
	}
	l := &n.Layers[c.Layer]
	r.Shape = n.Shape(l.Output)
	switch {
	case c.Kind == KindKernel:
		r.Trains = s.Kernels[c.Layer]
		r.Parameters = l.Kernel.size()
		if !l.Norm {
			r.Parameters += l.Bias.size()
		}
	case c.Kind == KindNorm:
		r.Trains = s.Norms[c.Layer]
		r.Parameters = l.Bias.size()
	case c.Kind == KindPadding && l.Code != file.OpPad:
		r.Shape = n.padded(l)
	}
	return r
}

// padded returns the shape that the padding of a depthwise convolution makes of
// its input.
func (n *Network) padded(l *Layer) []int {
	in, out := n.Shape(l.Inputs[0]), n.Shape(l.Output)
	v := l.Options.(file.DepthwiseConv2DOptions)
	shape := []int{0, 0, in[2]}
	for i, stride := range []int32{v.StrideH, v.StrideW} {
		dilation := max(1, []int32{v.DilationH, v.DilationW}[i])
		reach := (l.Kernel.Shape[1+i]-1)*int(dilation) + 1
		shape[i] = max(in[i], (out[i]-1)*int(stride)+reach)
	}
	return shape
}

// size returns the number of elements, 0 without a weight.
func (w *Weight) size() int64 {
	if w == nil {
		return 0
	}
	return int64(len(w.Values))
}
