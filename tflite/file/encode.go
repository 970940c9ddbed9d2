package file

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"
)

// alignment of constant data in the file, so that kernels may use it in place.
const alignment = 16

// errTooLarge: offsets in a flatbuffer have 31 bits.
var errTooLarge = errors.New("model of 2 GiB or more cannot be written")

// Encode returns the model as the bytes of a .tflite file.
//
// The same model gives the same bytes. Equal constants are stored once, and
// fields that hold their default are left out. The files zipped behind a parsed
// model are not written. It is an error if an index is out of range, if a
// constant's length does not fit its shape, or if the model was parsed from a
// file with parts that this package does not understand.
func (m *Model) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if err := m.encodable(); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	e := encoder{
		seed:  maphash.MakeSeed(),
		known: map[uint64][]uint32{},
		codes: map[codeKey]uint32{},
	}
	size := m.dataSize()
	if size > math.MaxInt32-(1<<20) {
		return nil, fmt.Errorf("encode model: %w", errTooLarge)
	}
	e.b = flatbuffers.NewBuilder(int(size) + 4096)
	e.buffer(nil) // buffer 0 means "no data"

	subgraphs := make([]flatbuffers.UOffsetT, len(m.Subgraphs))
	for i := range m.Subgraphs {
		subgraphs[i] = e.subgraph(&m.Subgraphs[i])
	}
	metadata := make([]flatbuffers.UOffsetT, len(m.Metadata))
	for i, d := range m.Metadata {
		metadata[i] = e.metadata(d)
	}
	signatures := make([]flatbuffers.UOffsetT, len(m.Signatures))
	for i := range m.Signatures {
		signatures[i] = e.signature(&m.Signatures[i])
	}
	root := e.model(m, subgraphs, metadata, signatures)
	e.b.FinishWithFileIdentifier(root, []byte(identifier))
	return e.b.FinishedBytes(), nil
}

// encodable returns the first reason why a well-formed model cannot be written.
func (m *Model) encodable() error {
	for s := range m.Subgraphs {
		g := &m.Subgraphs[s]
		for i := range g.Tensors {
			if t := &g.Tensors[i]; t.extra != "" {
				return fmt.Errorf("tensor %d (%q) has %s", i, t.Name, t.extra)
			}
		}
		for i := range g.Operators {
			o := &g.Operators[i]
			if u, ok := o.Options.(UnknownOptions); ok {
				return fmt.Errorf("operator #%d, %s, has %s", i, u.Op, u.Reason)
			}
			if o.extra != "" {
				return fmt.Errorf("operator #%d, %s, has %s", i, o.Name(), o.extra)
			}
		}
	}
	return nil
}

// dataSize returns the number of bytes of constants and metadata.
func (m *Model) dataSize() int64 {
	var n int64
	for s := range m.Subgraphs {
		for i := range m.Subgraphs[s].Tensors {
			n += int64(len(m.Subgraphs[s].Tensors[i].Data)) + alignment
		}
	}
	for _, d := range m.Metadata {
		n += int64(len(d.Data)) + alignment
	}
	return n
}

type codeKey struct {
	code    OpCode
	version int
	custom  string
}

// encoder collects what the model's table refers to: flatbuffers are written
// from the leaves to the root.
type encoder struct {
	b *flatbuffers.Builder

	buffers []flatbuffers.UOffsetT
	data    [][]byte            // of buffers
	known   map[uint64][]uint32 // hash of data to indexes of buffers
	seed    maphash.Seed

	codes    map[codeKey]uint32
	codeList []codeKey
}

// buffer returns the index of the buffer that holds data.
func (e *encoder) buffer(data []byte) uint32 {
	h := maphash.Bytes(e.seed, data)
	for _, i := range e.known[h] {
		if bytes.Equal(e.data[i], data) {
			return i
		}
	}
	var vector flatbuffers.UOffsetT
	if len(data) > 0 {
		e.b.StartVector(1, len(data), alignment)
		e.b.Pad(len(data))
		copy(e.b.Bytes[e.b.Head():], data)
		vector = e.b.EndVector(len(data))
	}
	e.b.StartObject(bufferSlots)
	e.b.PrependUOffsetTSlot(bufferData, vector, 0)
	i := uint32(len(e.buffers))
	e.buffers = append(e.buffers, e.b.EndObject())
	e.data = append(e.data, data)
	e.known[h] = append(e.known[h], i)
	return i
}

// code returns the index of an operator's code.
func (e *encoder) code(o *Operator) uint32 {
	k := codeKey{code: o.Code, version: max(o.Version, 1)}
	if c, ok := o.Options.(CustomOptions); ok {
		k.custom = c.Name
	}
	i, ok := e.codes[k]
	if !ok {
		i = uint32(len(e.codeList))
		e.codes[k] = i
		e.codeList = append(e.codeList, k)
	}
	return i
}

func (e *encoder) model(m *Model, subgraphs, metadata, signatures []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b := e.b
	codes := make([]flatbuffers.UOffsetT, len(e.codeList))
	for i, k := range e.codeList {
		custom := e.string(k.custom)
		b.StartObject(codeSlots)
		b.PrependInt8Slot(codeDeprecated, int8(min(k.code, placeholderOp)), 0)
		b.PrependUOffsetTSlot(codeCustom, custom, 0)
		b.PrependInt32Slot(codeVersion, int32(k.version), 1)
		b.PrependInt32Slot(codeBuiltin, int32(k.code), 0)
		codes[i] = b.EndObject()
	}
	description := e.string(m.Description)
	vectors := [...]struct {
		slot   int
		tables []flatbuffers.UOffsetT
		always bool
	}{
		{modelCodes, codes, true},
		{modelSubgraphs, subgraphs, true},
		{modelBuffers, e.buffers, true},
		{modelMetadata, metadata, false},
		{modelSignatures, signatures, false},
	}
	var offsets [len(vectors)]flatbuffers.UOffsetT
	for i, v := range vectors {
		if v.always || len(v.tables) > 0 {
			offsets[i] = b.CreateVectorOfTables(v.tables)
		}
	}
	b.StartObject(modelSlots)
	for i, v := range vectors {
		b.PrependUOffsetTSlot(v.slot, offsets[i], 0)
	}
	b.PrependUOffsetTSlot(modelDescription, description, 0)
	b.PrependUint32Slot(modelVersion, schemaVersion, 0)
	return b.EndObject()
}

func (e *encoder) subgraph(g *Subgraph) flatbuffers.UOffsetT {
	b := e.b
	tensors := make([]flatbuffers.UOffsetT, len(g.Tensors))
	for i := range g.Tensors {
		tensors[i] = e.tensor(&g.Tensors[i])
	}
	operators := make([]flatbuffers.UOffsetT, len(g.Operators))
	for i := range g.Operators {
		operators[i] = e.operator(&g.Operators[i])
	}
	name := e.string(g.Name)
	inputs, outputs := e.indexes(g.Inputs), e.indexes(g.Outputs)
	tensorVector := b.CreateVectorOfTables(tensors)
	operatorVector := b.CreateVectorOfTables(operators)
	b.StartObject(subgraphSlots)
	b.PrependUOffsetTSlot(subgraphTensors, tensorVector, 0)
	b.PrependUOffsetTSlot(subgraphInputs, inputs, 0)
	b.PrependUOffsetTSlot(subgraphOutputs, outputs, 0)
	b.PrependUOffsetTSlot(subgraphOperators, operatorVector, 0)
	b.PrependUOffsetTSlot(subgraphName, name, 0)
	return b.EndObject()
}

func (e *encoder) tensor(t *Tensor) flatbuffers.UOffsetT {
	b := e.b
	buffer := e.buffer(t.Data)
	name := e.string(t.Name)
	shape := encodeInt32s(b, t.Shape)
	var signature, quantisation flatbuffers.UOffsetT
	if t.ShapeSignature != nil {
		signature = encodeInt32s(b, t.ShapeSignature)
	}
	if t.Quantisation != nil {
		quantisation = e.quantisation(t.Quantisation)
	}
	b.StartObject(tensorSlots)
	b.PrependUOffsetTSlot(tensorShape, shape, 0)
	b.PrependUint32Slot(tensorBuffer, buffer, 0)
	b.PrependUOffsetTSlot(tensorName, name, 0)
	b.PrependUOffsetTSlot(tensorQuantisation, quantisation, 0)
	b.PrependUOffsetTSlot(tensorSignature, signature, 0)
	b.PrependInt8Slot(tensorType, int8(t.Type), 0)
	b.PrependBoolSlot(tensorVariable, t.Variable, false)
	b.PrependBoolSlot(tensorHasRank, t.HasRank, false)
	return b.EndObject()
}

func (e *encoder) quantisation(q *Quantisation) flatbuffers.UOffsetT {
	b := e.b
	low, high, scale := encodeFloat32s(b, q.Min), encodeFloat32s(b, q.Max), encodeFloat32s(b, q.Scale)
	zeroPoint := encodeInt64s(b, q.ZeroPoint)
	b.StartObject(quantisationSlots)
	b.PrependUOffsetTSlot(quantisationMin, low, 0)
	b.PrependUOffsetTSlot(quantisationMax, high, 0)
	b.PrependUOffsetTSlot(quantisationScale, scale, 0)
	b.PrependUOffsetTSlot(quantisationZeroPoint, zeroPoint, 0)
	b.PrependInt32Slot(quantisationDimension, int32(q.Dimension), 0)
	return b.EndObject()
}

func (e *encoder) operator(o *Operator) flatbuffers.UOffsetT {
	b := e.b
	code := e.code(o)
	inputs, outputs := e.indexes(o.Inputs), e.indexes(o.Outputs)
	options := encodeOptions(b, o.Options)
	var custom flatbuffers.UOffsetT
	if c, ok := o.Options.(CustomOptions); ok && len(c.Data) > 0 {
		custom = b.CreateByteVector(c.Data)
	}
	b.StartObject(operatorSlots)
	b.PrependUint32Slot(operatorCode, code, 0)
	b.PrependUOffsetTSlot(operatorInputs, inputs, 0)
	b.PrependUOffsetTSlot(operatorOutputs, outputs, 0)
	b.PrependUOffsetTSlot(operatorOptions, options, 0)
	b.PrependUOffsetTSlot(operatorCustom, custom, 0)
	if options != 0 {
		b.PrependUint8Slot(operatorOptionsKind, uint8(o.Options.kind()), 0)
	}
	return b.EndObject()
}

func (e *encoder) metadata(d Metadata) flatbuffers.UOffsetT {
	buffer := e.buffer(d.Data)
	name := e.string(d.Name)
	e.b.StartObject(metadataSlots)
	e.b.PrependUOffsetTSlot(metadataName, name, 0)
	e.b.PrependUint32Slot(metadataBuffer, buffer, 0)
	return e.b.EndObject()
}

func (e *encoder) signature(s *Signature) flatbuffers.UOffsetT {
	b := e.b
	key := e.string(s.Key)
	inputs, outputs := e.named(s.Inputs), e.named(s.Outputs)
	b.StartObject(signatureSlots)
	b.PrependUOffsetTSlot(signatureInputs, inputs, 0)
	b.PrependUOffsetTSlot(signatureOutputs, outputs, 0)
	b.PrependUOffsetTSlot(signatureKey, key, 0)
	b.PrependUint32Slot(signatureSubgraph, uint32(s.Subgraph), 0)
	return b.EndObject()
}

func (e *encoder) named(list []NamedTensor) flatbuffers.UOffsetT {
	tables := make([]flatbuffers.UOffsetT, len(list))
	for i, n := range list {
		name := e.string(n.Name)
		e.b.StartObject(namedSlots)
		e.b.PrependUOffsetTSlot(namedName, name, 0)
		e.b.PrependUint32Slot(namedTensor, uint32(n.Tensor), 0)
		tables[i] = e.b.EndObject()
	}
	return e.b.CreateVectorOfTables(tables)
}

func (e *encoder) string(s string) flatbuffers.UOffsetT { return encodeText(e.b, s) }

func (e *encoder) indexes(list []int) flatbuffers.UOffsetT {
	e.b.StartVector(4, len(list), 4)
	for i := len(list) - 1; i >= 0; i-- {
		e.b.PrependInt32(int32(list[i]))
	}
	return e.b.EndVector(len(list))
}

func encodeInt32s(b *flatbuffers.Builder, list []int32) flatbuffers.UOffsetT {
	b.StartVector(4, len(list), 4)
	for i := len(list) - 1; i >= 0; i-- {
		b.PrependInt32(list[i])
	}
	return b.EndVector(len(list))
}

// encodeInt64s and encodeFloat32s leave an empty vector out.
func encodeInt64s(b *flatbuffers.Builder, list []int64) flatbuffers.UOffsetT {
	if len(list) == 0 {
		return 0
	}
	b.StartVector(8, len(list), 8)
	for i := len(list) - 1; i >= 0; i-- {
		b.PrependInt64(list[i])
	}
	return b.EndVector(len(list))
}

func encodeFloat32s(b *flatbuffers.Builder, list []float32) flatbuffers.UOffsetT {
	if len(list) == 0 {
		return 0
	}
	b.StartVector(4, len(list), 4)
	for i := len(list) - 1; i >= 0; i-- {
		b.PrependFloat32(list[i])
	}
	return b.EndVector(len(list))
}
