package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

func TestParseRefuses(t *testing.T) {
	whole := encoded(t, dense())
	put := func(at int, v uint32) []byte {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	root := int(binary.LittleEndian.Uint32(whole))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, ErrNotModel.Error()},
		{"a picture", []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"), ErrNotModel.Error()},
		{"identifier alone", []byte("\x00\x00\x00\x00TFL3"), "empty offset"},
		{"root behind the end", put(0, 1<<31), "behind the end"},
		{"root at the very end", put(0, uint32(len(whole)-2)), "behind the end"},
		{"vtable far before", put(root, 1<<30), "vtable at"},
		{"vtable far behind", put(root, 1<<31), "vtable at"},
	} {
		_, err := Parse(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Parse([]byte("PK\x03\x04 a zip file")); !errors.Is(err, ErrNotModel) {
		t.Errorf("a zip file: %v", err)
	}
}

// try does everything with data that a program may do with a foreign file, and
// returns the parsed model.
func try(t testing.TB, data []byte) *Model {
	m, err := Parse(data)
	if err != nil {
		if m != nil {
			t.Error("Parse returns a model and an error")
		}
		return nil
	}
	m.Summary()
	m.Labels()
	if f, err := m.FeatureTensor(); err == nil {
		cut, err := m.Cut(f.Tensor)
		if err != nil {
			t.Errorf("features at tensor %d that cannot be cut: %v", f.Tensor, err)
		} else {
			cut.Encode()
		}
	}
	return m
}

// TestParseDamaged parses thousands of damaged models. What is tested is that
// none of them makes Parse or what follows panic, hang or take much memory.
func TestParseDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	survivors, all := 0, 0
	for name, whole := range tiny(t) {
		for range 400 {
			data := damage(random, whole)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Parse(data)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 40*uint64(len(data))+1<<16 {
				t.Errorf("%s: parsing %d bytes took %d bytes of memory (%v)", name, len(data), took, err)
			}
			all++
			if m != nil {
				survivors++
			}
			try(t, data)
		}
	}
	if survivors == 0 || survivors == all {
		t.Errorf("%d of %d damaged models were parsed: the damage is no test", survivors, all)
	}
}

// damage flips, overwrites, cuts off and moves bytes.
func damage(random *rand.Rand, whole []byte) []byte {
	data := bytes.Clone(whole)
	for range 1 + random.IntN(4) {
		i := random.IntN(len(data))
		switch random.IntN(6) {
		case 0:
			data[i] ^= 1 << random.IntN(8)
		case 1:
			data[i] = byte(random.Uint32())
		case 2: // a length or offset that lies
			if i &^= 3; i+4 <= len(data) {
				lies := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, uint32(len(data)), random.Uint32N(uint32(len(data)))}
				binary.LittleEndian.PutUint32(data[i:], lies[random.IntN(len(lies))])
			}
		case 3:
			data = data[:max(i, 8)]
		case 4: // part of the file over another
			j := random.IntN(len(data))
			copy(data[i:], whole[min(j, len(whole)):min(j+random.IntN(64), len(whole))])
		case 5: // near the end stand the operators and small vectors
			if at := len(data) - 1 - random.IntN(min(len(data), 600)); at > 8 {
				data[at] ^= byte(1 + random.IntN(255))
			}
		}
	}
	return data
}

func TestParseEveryTruncation(t *testing.T) {
	for _, name := range []string{"pooled_int8", "map"} {
		data := tiny(t)[name]
		for n := range data {
			try(t, data[:n])
		}
	}
}

// TestParseAmplification builds a small file in which everything refers to the
// same few bytes, to make a reader allocate without bound.
func TestParseAmplification(t *testing.T) {
	const n = 20000
	b := flatbuffers.NewBuilder(1024)
	shape := encodeInt32s(b, make([]int32, 1000))
	name := b.CreateString(strings.Repeat("x", 1000))
	b.StartObject(tensorSlots)
	b.PrependUOffsetTSlot(tensorShape, shape, 0)
	b.PrependUOffsetTSlot(tensorName, name, 0)
	tensor := b.EndObject()
	tensors := make([]flatbuffers.UOffsetT, n)
	for i := range tensors {
		tensors[i] = tensor
	}
	list := b.CreateVectorOfTables(tensors)
	b.StartObject(subgraphSlots)
	b.PrependUOffsetTSlot(subgraphTensors, list, 0)
	subgraph := b.EndObject()
	subgraphs := make([]flatbuffers.UOffsetT, n)
	for i := range subgraphs {
		subgraphs[i] = subgraph
	}
	list = b.CreateVectorOfTables(subgraphs)
	b.StartObject(modelSlots)
	b.PrependUint32Slot(modelVersion, schemaVersion, 0)
	b.PrependUOffsetTSlot(modelSubgraphs, list, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(identifier))
	data := b.FinishedBytes()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Parse(data)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, errMemory) {
		t.Errorf("%v, want %v", err, errMemory)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 40*uint64(len(data)) {
		t.Errorf("parsing %d bytes took %d", len(data), took)
	}
}

// outside builds a model whose only constant lies behind the flatbuffer, at
// offset, as writers do with models too large for one.
func outside(offset, size uint64, tail []byte) []byte {
	b := flatbuffers.NewBuilder(256)
	b.StartObject(0)
	empty := b.EndObject()
	b.StartObject(3)
	b.PrependUint64Slot(bufferOffset, offset, 0)
	b.PrependUint64Slot(bufferSize, size, 0)
	behind := b.EndObject()
	buffers := b.CreateVectorOfTables([]flatbuffers.UOffsetT{empty, behind})
	shape := encodeInt32s(b, []int32{4})
	b.StartObject(tensorSlots)
	b.PrependUOffsetTSlot(tensorShape, shape, 0)
	b.PrependInt8Slot(tensorType, int8(UInt8), 0)
	b.PrependUint32Slot(tensorBuffer, 1, 0)
	tensors := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(subgraphSlots)
	b.PrependUOffsetTSlot(subgraphTensors, tensors, 0)
	subgraphs := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(modelSlots)
	b.PrependUint32Slot(modelVersion, schemaVersion, 0)
	b.PrependUOffsetTSlot(modelSubgraphs, subgraphs, 0)
	b.PrependUOffsetTSlot(modelBuffers, buffers, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(identifier))
	return append(b.FinishedBytes(), tail...)
}

func TestParseBuffersOutside(t *testing.T) {
	n := uint64(len(outside(2, 4, nil)))
	m, err := Parse(outside(n, 4, []byte{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Main().Tensors[0].Data; !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("data %v", got)
	}
	again, err := Parse(encoded(t, m))
	if err != nil || !same(m, again) {
		t.Errorf("written within the flatbuffer: %v", err)
	}
	for _, c := range []struct{ offset, size uint64 }{
		{n + 1, 4}, {n, 5}, {1 << 63, 4}, {n, 1 << 63}, {1<<64 - 2, 4}, {1<<64 - 4, 1<<64 - 4},
	} {
		if _, err := Parse(outside(c.offset, c.size, []byte{1, 2, 3, 4})); err == nil {
			t.Errorf("%d bytes at %d of %d are accepted", c.size, c.offset, n+4)
		}
	}
	// Reserved, not yet written: no data.
	if m, err := Parse(outside(1, 1, nil)); err != nil || m.Main().Tensors[0].Constant() {
		t.Errorf("placeholder: %v", err)
	}
}
