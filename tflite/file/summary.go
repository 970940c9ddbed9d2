package file

import (
	"bytes"
	"errors"
)

// Summary is what a person wants to know about a model file. It holds no
// constants, and shares shapes and names with the model.
type Summary struct {
	Description string `json:"description,omitempty"`
	MinRuntime  string `json:"min_runtime_version,omitempty"`
	Subgraphs   int    `json:"subgraphs"`

	Inputs  []TensorSummary `json:"inputs"` // of the main subgraph, as all below
	Outputs []TensorSummary `json:"outputs"`

	Operators []OperatorSummary `json:"operators"` // in the order in which they run
	Tensors   []TensorSummary   `json:"tensors"`   // by index

	Parameters  int64 `json:"parameters"`   // elements of weights and biases
	WeightBytes int64 `json:"weight_bytes"` // bytes of all constants
	MACs        int64 `json:"macs"`         // multiply-accumulates for one picture

	Feature    *Feature    `json:"feature,omitempty"` // where a base would be cut
	Info       *Info       `json:"info,omitempty"`
	Labels     []string    `json:"labels,omitempty"`
	Signatures []Signature `json:"signatures,omitempty"`

	// Notes names what could not be read or will not run as a base.
	Notes []string `json:"notes,omitempty"`
}

// TensorSummary describes a tensor without its data.
type TensorSummary struct {
	Index        int           `json:"index"`
	Name         string        `json:"name"`
	Shape        []int32       `json:"shape"` // -1 where it is open until run time
	Type         string        `json:"type"`
	Quantisation *Quantisation `json:"quantisation,omitempty"`
	Bytes        int           `json:"bytes,omitempty"` // of the constant
}

// OperatorSummary describes one step of the computation.
type OperatorSummary struct {
	Index   int    `json:"index"`
	Op      string `json:"op"`
	Version int    `json:"version"`
	Options string `json:"options,omitempty"` // in words, such as "3x3, stride 2, same, relu6"

	Inputs  []int   `json:"inputs"`          // tensors; -1 for a missing one
	Outputs []int   `json:"outputs"`         // tensors
	Shape   []int32 `json:"shape,omitempty"` // of the first output

	Parameters int64 `json:"parameters,omitempty"`
	MACs       int64 `json:"macs,omitempty"` // for one picture
}

// Summary describes the model. Sums that do not fit in 63 bits are cut off
// there. Metadata that cannot be read becomes a note.
func (m *Model) Summary() Summary {
	g := m.Main()
	s := Summary{
		Description: m.Description,
		MinRuntime:  m.minRuntime(),
		Subgraphs:   len(m.Subgraphs),
		Inputs:      g.summaries(g.Inputs),
		Outputs:     g.summaries(g.Outputs),
		Signatures:  m.Signatures,
	}
	for i := range g.Tensors {
		s.Tensors = append(s.Tensors, g.Tensors[i].summary(i))
		s.WeightBytes += int64(len(g.Tensors[i].Data))
	}
	counted := make([]bool, len(g.Tensors)) // a shared weight counts once
	for i := range g.Operators {
		o := &g.Operators[i]
		op := OperatorSummary{
			Index: i, Op: o.Name(), Version: max(o.Version, 1), Options: g.describe(o),
			Inputs: o.Inputs, Outputs: o.Outputs, MACs: g.macs(o),
		}
		if len(o.Outputs) > 0 {
			op.Shape = g.Tensors[o.Outputs[0]].openShape()
		}
		for _, t := range o.Inputs {
			if t >= 0 && !counted[t] && g.Tensors[t].parameter() {
				counted[t] = true
				op.Parameters = addSaturated(op.Parameters, g.Tensors[t].Elements())
			}
		}
		s.Parameters = addSaturated(s.Parameters, op.Parameters)
		s.MACs = addSaturated(s.MACs, op.MACs)
		s.Operators = append(s.Operators, op)
	}
	m.summariseMetadata(&s)
	return s
}

func (m *Model) summariseMetadata(s *Summary) {
	if f, err := m.FeatureTensor(); err != nil {
		s.Notes = append(s.Notes, err.Error())
	} else {
		s.Feature = &f
	}
	if info, err := m.Info(); err == nil {
		s.Info = &info
	} else if !errors.Is(err, ErrNoInfo) {
		s.Notes = append(s.Notes, err.Error())
	}
	labels, err := m.Labels()
	if err != nil && s.Info != nil && !errors.Is(err, ErrNoLabels) {
		s.Notes = append(s.Notes, err.Error())
	}
	s.Labels = labels
	if err := m.encodable(); err != nil {
		s.Notes = append(s.Notes, "cannot be written again: "+err.Error())
	}
}

func (m *Model) minRuntime() string {
	for _, d := range m.Metadata {
		if d.Name == minRuntimeVersion {
			return string(bytes.TrimRight(d.Data, "\x00"))
		}
	}
	return ""
}

func (g *Subgraph) summaries(tensors []int) []TensorSummary {
	out := make([]TensorSummary, len(tensors))
	for i, t := range tensors {
		out[i] = g.Tensors[t].summary(t)
	}
	return out
}

func (t *Tensor) summary(index int) TensorSummary {
	s := TensorSummary{
		Index: index, Name: t.Name, Shape: t.openShape(), Type: t.Type.String(),
		Bytes: len(t.Data),
	}
	if t.Quantisation != nil {
		q := *t.Quantisation
		if !finite(q.Min) || !finite(q.Max) {
			q.Min, q.Max = nil, nil // JSON has no word for infinity
		}
		s.Quantisation = &q
	}
	return s
}

// openShape returns the shape with -1 where it is open until run time.
func (t *Tensor) openShape() []int32 {
	if t.ShapeSignature != nil {
		return t.ShapeSignature
	}
	return t.Shape
}

// parameter reports whether t holds weights or biases, not a shape or an axis.
func (t *Tensor) parameter() bool {
	if !t.Constant() {
		return false
	}
	switch t.Type {
	case Float32, Float16, BFloat16, Float64, Int8, UInt8, Int4, UInt4, Int2:
		return true
	}
	return t.Quantisation != nil && len(t.Quantisation.Scale) > 0
}
