package file

import (
	"fmt"
	"strconv"
	"strings"
)

// TensorNamed returns the index of the tensor of the main subgraph that name
// means: the tensor's name, or its index written as #12, which is needed where
// several have the same name.
func (m *Model) TensorNamed(name string) (int, error) {
	tensors := m.Main().Tensors
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		if i, err := strconv.Atoi(digits); err == nil {
			if i < 0 || i >= len(tensors) {
				return 0, fmt.Errorf("tensor %s: there are %d", name, len(tensors))
			}
			return i, nil
		}
	}
	found := -1
	for i := range tensors {
		switch {
		case tensors[i].Name != name:
		case found >= 0:
			return 0, fmt.Errorf("several tensors are named %q, such as #%d and #%d: give one by its number", name, found, i)
		default:
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("no tensor is named %q", name)
	}
	return found, nil
}

// FeatureAt describes tensor t of the main subgraph as the features of a base,
// whatever FeatureTensor would choose. t must be computed from the picture, and
// be a vector or a map.
func (m *Model) FeatureAt(t int) (Feature, error) {
	g := m.Main()
	if t < 0 || t >= len(g.Tensors) {
		return Feature{}, fmt.Errorf("tensor %d: there are %d", t, len(g.Tensors))
	}
	w := newWalk(g)
	reason := "the tensor that was given"
	if len(g.Outputs) == 1 && t == g.Outputs[0] {
		reason = "the output"
	} else if p := w.producer[t]; p >= 0 {
		reason = "output of " + w.label(p)
	}
	f, err := w.featureOf(t, reason)
	if err != nil {
		return Feature{}, fmt.Errorf("tensor %d (%q): %w", t, g.Tensors[t].Name, err)
	}
	return f, nil
}

func (w *walk) featureOf(t int, reason string) (Feature, error) {
	if len(w.g.Outputs) == 0 {
		return Feature{}, fmt.Errorf("%w: the model has no output", ErrNoFeatures)
	}
	return w.feature(t, reason)
}

// Features lists the tensors that could serve as features, the deepest first:
// those that every path from the picture to the only output passes and that are
// a vector or a map. It is empty for a model of several outputs.
func (m *Model) Features() []Feature {
	g := m.Main()
	if len(g.Outputs) != 1 {
		return nil
	}
	w := newWalk(g)
	var list []Feature
	for _, t := range w.bottlenecks(g.Outputs[0]) {
		if w.producer[t] < 0 {
			continue
		}
		if f, err := w.feature(t, "output of "+w.label(w.producer[t])); err == nil {
			list = append(list, f)
		}
	}
	return list
}
