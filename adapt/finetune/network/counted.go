package network

import "github.com/edge-adapt/edge/tflite/file"

// Kind says what a counted layer does.
type Kind string

// The kinds of counted layers.
const (
	KindInput      Kind = "input"
	KindPadding    Kind = "padding"
	KindKernel     Kind = "kernel"
	KindNorm       Kind = "norm"
	KindActivation Kind = "activation"
	KindOther      Kind = "other" // additions, products, pooling …
)

// Counted is a layer as Keras counts it.
type Counted struct {
	Name  string `json:"name"` // as Keras names it: "block_14_expand_BN"; unique
	Kind  Kind   `json:"kind"`
	Layer int    `json:"layer"` // index into Layers; -1 for the input
}

// name gives the layers their names and counts them.
func (n *Network) name() {
	n.Counted = []Counted{{"input_layer", KindInput, -1}}
	end := n.pooling()
	for i, names := range n.kerasNames() {
		l := &n.Layers[i]
		l.Name = names.layer
		l.Norm = names.norm != "" && l.Bias != nil
		for _, c := range []struct {
			there bool
			name  string
			kind  Kind
		}{
			{names.pad != "", names.pad, KindPadding},
			{true, names.layer, l.kind()},
			{l.Norm, names.norm, KindNorm},
			{l.Activation != file.NoActivation, names.activation, KindActivation},
		} {
			if c.there && i < end {
				n.Counted = append(n.Counted, Counted{c.name, c.kind, i})
			}
		}
	}
}

// pooling returns the first layer after the last kernel that averages, where
// Keras' bases end, or the number of layers.
func (n *Network) pooling() int {
	end := len(n.Layers)
	for i := len(n.Layers) - 1; i >= 0 && n.Layers[i].Kernel == nil; i-- {
		if c := n.Layers[i].Code; c == file.OpMean || c == file.OpAveragePool2D {
			end = i
		}
	}
	return end
}

// kind returns the kind of the layer itself, whatever comes fused with it.
func (l *Layer) kind() Kind {
	switch {
	case l.Kernel != nil:
		return KindKernel
	case l.Code == file.OpPad:
		return KindPadding
	case l.Code == file.OpRelu, l.Code == file.OpRelu6, l.Code == file.OpHardSwish:
		return KindActivation
	}
	return KindOther
}
