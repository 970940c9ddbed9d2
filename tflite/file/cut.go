package file

import (
	"errors"
	"fmt"
	"slices"
)

// Cut returns the model that computes the given tensors of the main subgraph, as
// its outputs in that order, from the inputs they need. Operators, tensors and
// constants that are not needed are dropped; so are signatures and metadata,
// which described the whole, except the minimum runtime version and the
// normalisation of a single input. The outputs keep their quantisation.
//
// The result shares its constants with m. It is an error if no tensor is given,
// if one is given twice, does not depend on an input, or is an input itself.
func (m *Model) Cut(tensors ...int) (*Model, error) {
	g := m.Main()
	w := newWalk(g)
	if err := w.cuttable(tensors); err != nil {
		return nil, err
	}
	used := w.need(tensors)

	// Old index to new; the order stays.
	renumber := make([]int, len(g.Tensors))
	out := Subgraph{Name: g.Name}
	for i := range g.Tensors {
		renumber[i] = -1
		if used[i] {
			renumber[i] = len(out.Tensors)
			out.Tensors = append(out.Tensors, g.Tensors[i])
		}
	}
	for i, o := range g.Operators {
		if w.needed[i] {
			o.Inputs, o.Outputs = renumbered(o.Inputs, renumber), renumbered(o.Outputs, renumber)
			out.Operators = append(out.Operators, o)
		}
	}
	for _, t := range g.Inputs {
		if used[t] {
			out.Inputs = append(out.Inputs, renumber[t])
		}
	}
	out.Outputs = renumbered(tensors, renumber)

	cut := &Model{Version: schemaVersion, Description: m.Description, Subgraphs: []Subgraph{out}}
	for _, d := range m.Metadata {
		if d.Name == minRuntimeVersion {
			cut.Metadata = append(cut.Metadata, d)
		}
	}
	if len(out.Inputs) == 1 && len(g.Inputs) == 1 {
		if n, ok := m.Normalisation(); ok {
			cut.Metadata = append(cut.Metadata, n.Metadata())
		}
	}
	return cut, nil
}

// cuttable returns why a cut cannot have the given outputs.
func (w *walk) cuttable(tensors []int) error {
	if len(tensors) == 0 {
		return errors.New("cut at no tensor")
	}
	for i, t := range tensors {
		switch {
		case t < 0 || t >= len(w.g.Tensors):
			return fmt.Errorf("cut at tensor %d: there are %d", t, len(w.g.Tensors))
		case w.producer[t] < 0 || !w.dynamic[t]:
			return fmt.Errorf("cut at tensor %d (%q): it is not computed from an input", t, w.g.Tensors[t].Name)
		case slices.Contains(tensors[:i], t):
			return fmt.Errorf("cut at tensor %d (%q): it is given twice", t, w.g.Tensors[t].Name)
		}
	}
	return nil
}

// need marks the operators that tensors depend on, and returns the tensors they
// use, constants included.
func (w *walk) need(tensors []int) []bool {
	used := make([]bool, len(w.g.Tensors))
	for _, t := range tensors {
		used[t] = true
	}
	for i := len(w.g.Operators) - 1; i >= 0; i-- {
		o := &w.g.Operators[i]
		w.needed[i] = slices.ContainsFunc(o.Outputs, func(t int) bool { return used[t] && w.producer[t] == i })
		if !w.needed[i] {
			continue
		}
		for _, t := range o.Outputs {
			used[t] = true
		}
		for _, t := range o.Inputs {
			if t >= 0 {
				used[t] = true
			}
		}
	}
	return used
}

// renumbered returns the new indexes of old ones; -1, a missing input, stays.
func renumbered(list, renumber []int) []int {
	out := make([]int, len(list))
	for i, t := range list {
		out[i] = t
		if t >= 0 {
			out[i] = renumber[t]
		}
	}
	return out
}
