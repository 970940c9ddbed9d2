package file

import (
	"errors"
	"fmt"
	"math"
)

// check returns the first contradiction within the model: an index that points
// nowhere, or data that does not fit its shape.
func (m *Model) check() error {
	if len(m.Subgraphs) == 0 {
		return errors.New("no subgraph")
	}
	for s := range m.Subgraphs {
		if err := m.Subgraphs[s].check(); err != nil {
			if s > 0 {
				err = fmt.Errorf("subgraph %d: %w", s, err)
			}
			return err
		}
	}
	for _, s := range m.Signatures {
		if s.Subgraph < 0 || s.Subgraph >= len(m.Subgraphs) {
			return fmt.Errorf("signature %q names subgraph %d of %d", s.Key, s.Subgraph, len(m.Subgraphs))
		}
		n := len(m.Subgraphs[s.Subgraph].Tensors)
		for _, list := range [][]NamedTensor{s.Inputs, s.Outputs} {
			for _, a := range list {
				if a.Tensor < 0 || a.Tensor >= n {
					return fmt.Errorf("signature %q: %q is tensor %d of %d", s.Key, a.Name, a.Tensor, n)
				}
			}
		}
	}
	return nil
}

func (g *Subgraph) check() error {
	n := len(g.Tensors)
	for i := range g.Tensors {
		if err := g.Tensors[i].check(); err != nil {
			return fmt.Errorf("tensor %d (%q): %w", i, g.Tensors[i].Name, err)
		}
	}
	if err := checkIndexes(g.Inputs, 0, n); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	if err := checkIndexes(g.Outputs, 0, n); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	for i := range g.Operators {
		o := &g.Operators[i]
		if err := o.check(n); err != nil {
			return fmt.Errorf("operator #%d, %s: %w", i, o.Name(), err)
		}
	}
	return nil
}

func (o *Operator) check(tensors int) error {
	if o.Code < 0 {
		return fmt.Errorf("code %d", o.Code)
	}
	if o.Version < 0 || o.Version > math.MaxInt32 {
		return fmt.Errorf("version %d", o.Version)
	}
	if err := checkIndexes(o.Inputs, -1, tensors); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	if err := checkIndexes(o.Outputs, 0, tensors); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	if _, custom := o.Options.(CustomOptions); custom != (o.Code == OpCustom) {
		if _, unknown := o.Options.(UnknownOptions); !unknown {
			return fmt.Errorf("options are %T", o.Options)
		}
	}
	if want := optionsOf(o.Code); want != kindNone && o.Options != nil {
		if k := o.Options.kind(); k != want && k != kindNone {
			return fmt.Errorf("options are %T", o.Options)
		}
	}
	return nil
}

func (t *Tensor) check() error {
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("shape %v", t.Shape)
		}
	}
	if t.ShapeSignature != nil && len(t.ShapeSignature) != len(t.Shape) {
		return fmt.Errorf("shape %v with signature %v", t.Shape, t.ShapeSignature)
	}
	if err := t.Quantisation.check(t.Shape); err != nil {
		return err
	}
	if len(t.Data) > 0 && t.extra == "" {
		if want := t.dataSize(); want >= 0 && want != int64(len(t.Data)) {
			return fmt.Errorf("%d bytes of data, but %v of %s needs %d", len(t.Data), t.Shape, t.Type, want)
		}
	}
	return nil
}

func (q *Quantisation) check(shape []int32) error {
	if q == nil {
		return nil
	}
	n := len(q.Scale)
	if q.ZeroPoint != nil && len(q.ZeroPoint) != n {
		return fmt.Errorf("%d scales with %d zero points", n, len(q.ZeroPoint))
	}
	if !finite(q.Scale) {
		return fmt.Errorf("scale %v", q.Scale)
	}
	if n > 1 && (q.Dimension < 0 || q.Dimension >= len(shape) || int(shape[q.Dimension]) != n) {
		return fmt.Errorf("%d scales along dimension %d of shape %v", n, q.Dimension, shape)
	}
	return nil
}

func checkIndexes(list []int, low, n int) error {
	for _, i := range list {
		if i < low || i >= n {
			return fmt.Errorf("tensor %d of %d", i, n)
		}
	}
	return nil
}

// Name returns the operator's name: the builtin's, or the one a custom operator carries.
func (o *Operator) Name() string {
	if c, ok := o.Options.(CustomOptions); ok && c.Name != "" {
		return c.Name
	}
	return o.Code.String()
}

// finite reports whether all elements are numbers.
func finite(list []float32) bool {
	for _, v := range list {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
