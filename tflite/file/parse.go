package file

import (
	"errors"
	"fmt"
)

// ErrNotModel says that the bytes are no TensorFlow Lite model at all: they
// lack the file identifier.
var ErrNotModel = errors.New("not a TensorFlow Lite model")

// Parse reads a .tflite file.
//
// data may come from anywhere: Parse does not panic, ends in time linear in
// len(data), and allocates at most a small multiple of it. The model aliases
// data, which must not change while the model is in use. Indexes and the length
// of constants are checked; whether an interpreter can run the operators is not.
func Parse(data []byte) (*Model, error) {
	if len(data) < 8 || string(data[4:8]) != identifier {
		return nil, fmt.Errorf("parse model: %w", ErrNotModel)
	}
	m, err := newReader(data).model()
	if err != nil {
		return nil, fmt.Errorf("parse model: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("parse model: %w", err)
	}
	return m, nil
}

// parser holds the parts of the file that others refer to by number.
type parser struct {
	*reader
	buffers [][]byte
	codes   []operatorCodeEntry
}

type operatorCodeEntry struct {
	code    OpCode
	custom  string
	version int
}

func (r *reader) model() (*Model, error) {
	pos, err := r.follow(0)
	if err != nil {
		return nil, err
	}
	root, err := r.tableAt(pos)
	if err != nil {
		return nil, err
	}
	m := &Model{raw: r.data}
	if m.Version, err = root.uint32(modelVersion, 0); err != nil {
		return nil, err
	}
	if m.Version != schemaVersion {
		return nil, fmt.Errorf("schema version %d, want %d", m.Version, schemaVersion)
	}
	if m.Description, err = root.string(modelDescription); err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	p := &parser{reader: r}
	if p.buffers, err = tables(root, modelBuffers, p.buffer); err != nil {
		return nil, fmt.Errorf("buffer %w", err)
	}
	if p.codes, err = tables(root, modelCodes, p.code); err != nil {
		return nil, fmt.Errorf("operator code %w", err)
	}
	if m.Subgraphs, err = tables(root, modelSubgraphs, p.subgraph); err != nil {
		return nil, fmt.Errorf("subgraph %w", err)
	}
	if m.Metadata, err = tables(root, modelMetadata, p.metadata); err != nil {
		return nil, fmt.Errorf("metadata %w", err)
	}
	if m.Signatures, err = tables(root, modelSignatures, p.signature); err != nil {
		return nil, fmt.Errorf("signature %w", err)
	}
	return m, nil
}

// buffer returns a buffer's bytes, which lie within the flatbuffer or, in
// models too large for one, behind it.
func (p *parser) buffer(t table) ([]byte, error) {
	data, err := t.bytes(bufferData)
	if err != nil || data != nil {
		return data, err
	}
	return p.behind(t, bufferOffset, bufferSize)
}

// behind returns bytes stored behind the flatbuffer. Writers put 1 into the two
// fields to reserve them before they know the place: that is no place yet.
func (p *parser) behind(t table, offsetSlot, sizeSlot int) ([]byte, error) {
	offset, err := t.uint64(offsetSlot)
	if err != nil {
		return nil, err
	}
	size, err := t.uint64(sizeSlot)
	if err != nil || offset <= 1 || size <= 1 {
		return nil, err
	}
	n := uint64(len(p.data))
	if offset > n || size > n-offset {
		return nil, fmt.Errorf("%d bytes at %d lie behind the end", size, offset)
	}
	return p.data[offset : offset+size : offset+size], nil
}

func (p *parser) code(t table) (c operatorCodeEntry, err error) {
	old, err := t.uint8(codeDeprecated, 0)
	if err != nil {
		return c, err
	}
	code, err := t.uint32(codeBuiltin, 0)
	if err != nil {
		return c, err
	}
	version, err := t.uint32(codeVersion, 1)
	if err != nil {
		return c, err
	}
	// Files from before the field had four bytes set the old one alone.
	c.code, c.version = max(OpCode(int8(old)), OpCode(int32(code))), int(int32(version))
	c.custom, err = t.string(codeCustom)
	return c, err
}

func (p *parser) subgraph(t table) (g Subgraph, err error) {
	if g.Name, err = t.string(subgraphName); err != nil {
		return g, fmt.Errorf("name: %w", err)
	}
	if g.Tensors, err = tables(t, subgraphTensors, p.tensor); err != nil {
		return g, fmt.Errorf("tensor %w", err)
	}
	if g.Inputs, err = t.indexes(subgraphInputs); err != nil {
		return g, fmt.Errorf("inputs: %w", err)
	}
	if g.Outputs, err = t.indexes(subgraphOutputs); err != nil {
		return g, fmt.Errorf("outputs: %w", err)
	}
	if g.Operators, err = tables(t, subgraphOperators, p.operator); err != nil {
		return g, fmt.Errorf("operator %w", err)
	}
	return g, nil
}

func (p *parser) tensor(t table) (x Tensor, err error) {
	if x.Name, err = t.string(tensorName); err != nil {
		return x, err
	}
	if x.Shape, err = t.int32s(tensorShape); err != nil {
		return x, err
	}
	if x.ShapeSignature, err = t.int32s(tensorSignature); err != nil {
		return x, err
	}
	if len(x.Shape) == 0 {
		x.Shape = nil
	}
	if len(x.ShapeSignature) == 0 {
		x.ShapeSignature = nil
	}
	typ, err := t.uint8(tensorType, 0)
	if err != nil {
		return x, err
	}
	x.Type = TensorType(typ)
	buffer, err := t.uint32(tensorBuffer, 0)
	if err != nil {
		return x, err
	}
	if buffer != 0 { // buffer 0 is empty by convention, and may be missing
		if int64(buffer) >= int64(len(p.buffers)) {
			return x, fmt.Errorf("buffer %d of %d", buffer, len(p.buffers))
		}
		x.Data = p.buffers[buffer]
	}
	variable, err := t.uint8(tensorVariable, 0)
	if err != nil {
		return x, err
	}
	hasRank, err := t.uint8(tensorHasRank, 0)
	if err != nil {
		return x, err
	}
	x.Variable, x.HasRank = variable != 0, hasRank != 0
	switch {
	case t.has(tensorSparsity):
		x.extra = "sparse data"
	case t.has(tensorVariants):
		x.extra = "a variant type"
	case t.has(tensorExternal):
		external, err := t.uint32(tensorExternal, 0)
		if err != nil {
			return x, err
		}
		if external != 0 {
			x.extra = "data in another file"
		}
	}
	q, ok, err := t.table(tensorQuantisation)
	if err != nil || !ok {
		return x, err
	}
	if x.Quantisation, err = p.quantisation(q); err != nil {
		return x, fmt.Errorf("quantisation: %w", err)
	}
	details, err := q.uint8(quantisationDetails, 0)
	if details != 0 {
		x.extra = "a quantisation of its own kind"
	}
	return x, err
}

// quantisation returns nil if the table says nothing, as it does for most float tensors.
func (p *parser) quantisation(t table) (*Quantisation, error) {
	var q Quantisation
	var err error
	for _, f := range []struct {
		slot int
		to   *[]float32
	}{{quantisationMin, &q.Min}, {quantisationMax, &q.Max}, {quantisationScale, &q.Scale}} {
		if *f.to, err = t.float32s(f.slot); err != nil {
			return nil, err
		}
	}
	if q.ZeroPoint, err = t.int64s(quantisationZeroPoint); err != nil {
		return nil, err
	}
	dimension, err := t.uint32(quantisationDimension, 0)
	if err != nil {
		return nil, err
	}
	q.Dimension = int(int32(dimension))
	if len(q.Min)+len(q.Max)+len(q.Scale)+len(q.ZeroPoint) == 0 {
		return nil, nil
	}
	if len(q.ZeroPoint) == 0 {
		q.ZeroPoint = nil
	}
	return &q, p.spend(1, 128)
}

func (p *parser) operator(t table) (o Operator, err error) {
	index, err := t.uint32(operatorCode, 0)
	if err != nil {
		return o, err
	}
	if int64(index) >= int64(len(p.codes)) {
		return o, fmt.Errorf("code %d of %d", index, len(p.codes))
	}
	c := p.codes[index]
	o.Code, o.Version = c.code, c.version
	if o.Inputs, err = t.indexes(operatorInputs); err != nil {
		return o, err
	}
	if o.Outputs, err = t.indexes(operatorOutputs); err != nil {
		return o, err
	}
	if o.Options, err = p.options(t, c); err != nil {
		return o, fmt.Errorf("options of %s: %w", c.code, err)
	}
	mutating, err := t.bytes(operatorMutating)
	if err != nil {
		return o, err
	}
	for _, m := range mutating {
		if m != 0 {
			o.extra = "inputs that it changes"
			break
		}
	}
	if v, err := t.vector(operatorIntermediate, 4); err != nil {
		return o, err
	} else if v.n > 0 {
		o.extra = "intermediate tensors"
	}
	return o, nil
}

func (p *parser) options(t table, c operatorCodeEntry) (Options, error) {
	if err := p.spend(1, 64); err != nil {
		return nil, err
	}
	if c.code == OpCustom {
		data, err := t.bytes(operatorCustom)
		if err == nil && data == nil {
			data, err = p.behind(t, operatorLargeOffset, operatorLargeSize)
		}
		return CustomOptions{c.custom, data}, err
	}
	second, err := t.uint8(operatorOptions2Kind, 0)
	if err != nil {
		return nil, err
	}
	if second != 0 {
		return UnknownOptions{c.code.String(), "options of the second kind"}, nil
	}
	kind, err := t.uint8(operatorOptionsKind, 0)
	if err != nil || kind == 0 {
		return nil, err
	}
	sub, ok, err := t.table(operatorOptions)
	if err != nil || !ok {
		return nil, err
	}
	return decodeOptions(c.code.String(), optionsKind(kind), sub)
}

func (p *parser) metadata(t table) (d Metadata, err error) {
	if d.Name, err = t.string(metadataName); err != nil {
		return d, err
	}
	buffer, err := t.uint32(metadataBuffer, 0)
	if err != nil {
		return d, err
	}
	if int64(buffer) >= int64(len(p.buffers)) {
		return d, fmt.Errorf("%q: buffer %d of %d", d.Name, buffer, len(p.buffers))
	}
	d.Data = p.buffers[buffer]
	return d, nil
}

func (p *parser) signature(t table) (s Signature, err error) {
	if s.Key, err = t.string(signatureKey); err != nil {
		return s, err
	}
	index, err := t.uint32(signatureSubgraph, 0)
	if err != nil {
		return s, err
	}
	s.Subgraph = int(int32(index))
	if s.Inputs, err = tables(t, signatureInputs, p.named); err != nil {
		return s, fmt.Errorf("%q: input %w", s.Key, err)
	}
	if s.Outputs, err = tables(t, signatureOutputs, p.named); err != nil {
		return s, fmt.Errorf("%q: output %w", s.Key, err)
	}
	return s, nil
}

func (p *parser) named(t table) (n NamedTensor, err error) {
	if n.Name, err = t.string(namedName); err != nil {
		return n, err
	}
	index, err := t.uint32(namedTensor, 0)
	n.Tensor = int(int32(index))
	return n, err
}
