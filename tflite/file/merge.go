package file

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Merge returns the model that runs the given ones one after another: the only
// output of each is the only input of the next, as which it must have the same
// shape, type and quantisation.
//
// The result takes what the first takes and gives what the last gives. It shares
// constants with the models, which stay as they are. Signatures and metadata,
// which described the parts, are dropped, except the highest of the minimum
// runtime versions. A batch that one of the models leaves open and one before it
// fixes is fixed behind that one. The description is the first model's.
func Merge(models ...*Model) (*Model, error) {
	if len(models) == 0 {
		return nil, errors.New("merge: no model")
	}
	var g Subgraph
	for i, m := range models {
		if err := chain(&g, m, i == 0); err != nil {
			return nil, fmt.Errorf("merge model %d of %d: %w", i+1, len(models), err)
		}
	}
	out := &Model{Version: schemaVersion, Description: models[0].Description, Subgraphs: []Subgraph{g}}
	if d, ok := newestRuntime(models); ok {
		out.Metadata = append(out.Metadata, d)
	}
	return out, nil
}

// chain lets m compute what it computes from the output of g; the first model
// from its own input.
func chain(g *Subgraph, m *Model, first bool) error {
	if len(m.Subgraphs) != 1 {
		return fmt.Errorf("it has %d subgraphs, want 1", len(m.Subgraphs))
	}
	next := m.Main()
	renumber := make([]int, len(next.Tensors))
	dropped, fixed := -1, false
	if !first {
		if len(g.Outputs) != 1 || len(next.Inputs) != 1 {
			return fmt.Errorf("%d outputs before %d inputs, want one of each", len(g.Outputs), len(next.Inputs))
		}
		dropped = next.Inputs[0]
		from, to := &g.Tensors[g.Outputs[0]], &next.Tensors[dropped]
		if err := joins(from, to); err != nil {
			return err
		}
		renumber[dropped] = g.Outputs[0]
		fixed = !openBatch(from)
	}
	for i, t := range next.Tensors {
		if i == dropped {
			continue
		}
		if fixed && openBatch(&t) {
			t.ShapeSignature = closed(&t)
		}
		renumber[i] = len(g.Tensors)
		g.Tensors = append(g.Tensors, t)
	}
	for _, o := range next.Operators {
		o.Inputs, o.Outputs = renumbered(o.Inputs, renumber), renumbered(o.Outputs, renumber)
		g.Operators = append(g.Operators, o)
	}
	if first {
		g.Name, g.Inputs = next.Name, renumbered(next.Inputs, renumber)
	}
	g.Outputs = renumbered(next.Outputs, renumber)
	return nil
}

// joins returns why from could not be read as to.
func joins(from, to *Tensor) error {
	switch {
	case from.Type != to.Type || !slices.Equal(from.Shape, to.Shape):
		return fmt.Errorf("%q is %v of shape %v, but %q is %v of shape %v", from.Name, from.Type, from.Shape, to.Name, to.Type, to.Shape)
	case !alike(from.Quantisation, to.Quantisation):
		return fmt.Errorf("%q and %q are quantised differently", from.Name, to.Name)
	}
	return nil
}

// alike reports whether integers mean the same under a and b.
func alike(a, b *Quantisation) bool {
	n := func(q *Quantisation) int {
		if q == nil {
			return 0
		}
		return len(q.Scale)
	}
	if n(a) == 0 || n(b) == 0 {
		return n(a) == n(b)
	}
	zero := func(q *Quantisation, i int) int64 {
		if q.ZeroPoint == nil {
			return 0
		}
		return q.ZeroPoint[i]
	}
	if n(a) != n(b) || n(a) > 1 && a.Dimension != b.Dimension {
		return false
	}
	for i := range a.Scale {
		if a.Scale[i] != b.Scale[i] || zero(a, i) != zero(b, i) {
			return false
		}
	}
	return true
}

// openBatch reports whether the first dimension of t is open until run time.
func openBatch(t *Tensor) bool { return len(t.ShapeSignature) > 0 && t.ShapeSignature[0] < 0 }

// closed returns the signature of t with the batch of its shape.
func closed(t *Tensor) []int32 {
	s := slices.Clone(t.ShapeSignature)
	s[0] = t.Shape[0]
	if slices.Equal(s, t.Shape) {
		return nil
	}
	return s
}

// newestRuntime returns the entry with the highest minimum runtime version.
func newestRuntime(models []*Model) (newest Metadata, ok bool) {
	for _, m := range models {
		for _, d := range m.Metadata {
			if d.Name != minRuntimeVersion {
				continue
			}
			if !ok || slices.Compare(versionNumbers(d.Data), versionNumbers(newest.Data)) > 0 {
				newest, ok = d, true
			}
		}
	}
	return newest, ok
}

// versionNumbers reads "2.11.0", padded with NUL; what is no number counts as 0.
func versionNumbers(text []byte) (numbers []int) {
	for part := range strings.SplitSeq(strings.TrimRight(string(text), "\x00"), ".") {
		n, _ := strconv.Atoi(part) //nolint:errcheck // 0 is meant
		numbers = append(numbers, n)
	}
	return numbers
}
