package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// Unfreeze selects the last int(fraction * layers) of the counted layers, as the
// reference does: of MobileNetV2's 154, 0.2 are 30, which begin with the batch
// norm of block_13_project. fraction lies within 0, the head alone, and 1.
//
// With norms, batch norms train as layers of their own: every kernel and every
// norm that is selected. Without, they are part of the kernels: a layer trains
// its kernel and its bias if its kernel is selected, and a norm whose kernel is
// not stays frozen. So few layers may be selected that none trains.
func (n *Network) Unfreeze(fraction float64, norms bool) (Selection, error) {
	if !(fraction >= 0 && fraction <= 1) {
		return Selection{}, hint.Wrap(fmt.Errorf("unfreeze a fraction of %v", fraction),
			"give a fraction from 0, the head alone, to 1, every layer")
	}
	s, err := n.unfreeze(int(float64(len(n.Counted))*fraction), norms)
	s.Fraction = fraction
	return s, err
}

// UnfreezeFrom selects the counted layer of the given name and all after it;
// norms is as for Unfreeze.
func (n *Network) UnfreezeFrom(name string, norms bool) (Selection, error) {
	i := slices.IndexFunc(n.Counted, func(c Counted) bool { return c.Name == name })
	if i < 0 {
		return Selection{}, hint.Wrap(fmt.Errorf("the base has no layer %q", name),
			fmt.Sprintf("nearest are %s; `edge finetune plan` lists them all", n.nearest(name)))
	}
	return n.unfreeze(len(n.Counted)-i, norms)
}

// unfreeze selects the last counted layers.
func (n *Network) unfreeze(counted int, norms bool) (Selection, error) {
	s := Selection{
		First: len(n.Layers), Counted: counted,
		Kernels: make([]bool, len(n.Layers)), Norms: make([]bool, len(n.Layers)),
	}
	for _, c := range n.Counted[len(n.Counted)-counted:] {
		switch c.Kind {
		case KindKernel:
			s.Kernels[c.Layer] = true
			s.Norms[c.Layer] = n.Layers[c.Layer].Norm
		case KindNorm:
			s.Norms[c.Layer] = s.Kernels[c.Layer] || norms
		}
	}
	for i := range n.Layers {
		if s.Kernels[i] || s.Norms[i] {
			s.First = min(s.First, i)
		}
	}
	s.Frontier = n.frontier(s.First)
	if len(s.Frontier) > 1 && slices.Contains(s.Frontier, n.Input) {
		s.First, s.Frontier = 0, []int{n.Input}
	}
	return s, n.trainable(s)
}

// frontier returns the tensors made before layer first that it or a later one
// reads, or the features if there is none.
func (n *Network) frontier(first int) []int {
	if first == len(n.Layers) {
		return []int{n.Feature.Tensor}
	}
	read := map[int]bool{}
	for _, l := range n.Layers[first:] {
		for _, t := range l.Inputs {
			read[t] = true
		}
	}
	var crossing []int
	if read[n.Input] {
		crossing = append(crossing, n.Input)
	}
	for _, l := range n.Layers[:first] {
		if read[l.Output] {
			crossing = append(crossing, l.Output)
		}
	}
	return crossing
}

// trainable refuses weights that are stored once for several layers or tensors:
// trained apart, they could not be written back.
func (n *Network) trainable(s Selection) error {
	layers, tensors := map[*byte]int{}, map[*byte]int{}
	for i := range n.Layers {
		for _, w := range n.Layers[i].constants() {
			layers[n.bytes(w)]++
		}
	}
	for g := range n.Model.Subgraphs {
		for i := range n.Model.Subgraphs[g].Tensors {
			if t := &n.Model.Subgraphs[g].Tensors[i]; t.Constant() {
				tensors[&t.Data[0]]++
			}
		}
	}
	for i := range n.Layers {
		l := &n.Layers[i]
		for _, w := range s.trained(l, i) {
			if at := n.bytes(w); layers[at] > 1 || tensors[at] > 1 {
				return hint.Wrap(fmt.Errorf("layer %s shares weights of shape %v with another layer or constant", l.Name, w.Shape),
					"begin behind the layers that share, or convert the base again from trained weights")
			}
		}
	}
	return nil
}

// trained returns the weights of layer i that train.
func (s *Selection) trained(l *Layer, i int) []*Weight {
	var list []*Weight
	if s.Kernels[i] {
		list = append(list, l.Kernel)
	}
	if l.Bias != nil && (s.Kernels[i] && !l.Norm || s.Norms[i]) {
		list = append(list, l.Bias)
	}
	return list
}

// constants returns what the layer has of weights and constants.
func (l *Layer) constants() []*Weight {
	return slices.DeleteFunc([]*Weight{l.Kernel, l.Bias, l.Constant}, func(w *Weight) bool { return w == nil })
}

// bytes tells where a weight is stored.
func (n *Network) bytes(w *Weight) *byte { return &n.Model.Main().Tensors[w.Tensor].Data[0] }

// Prefix returns the model that computes s.Frontier, its outputs in that order,
// from the picture. It is nil if the frontier is the picture itself. Its
// constants are the network's model's.
func (n *Network) Prefix(s Selection) (*file.Model, error) {
	if slices.Equal(s.Frontier, []int{n.Input}) {
		return nil, nil
	}
	return n.Model.Cut(s.Frontier...)
}

// nearest returns the three names that take the fewest edits from name.
func (n *Network) nearest(name string) string {
	names := make([]string, len(n.Counted))
	for i, c := range n.Counted {
		names[i] = c.Name
	}
	slices.SortStableFunc(names, func(a, b string) int { return distance(a, name) - distance(b, name) })
	return strings.Join(names[:min(3, len(names))], ", ")
}
