package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// errMemory means that following the file's references would take far more
// memory than the file has bytes: parts of it are referred to again and again.
var errMemory = errors.New("parts refer to each other too often")

// maxVtable bounds the work for one table; the schema's largest has 14 fields,
// that is 32 bytes.
const maxVtable = 256

// reader reads a flatbuffer that may lie about everything. Nothing is followed
// before it is known to lie within data, and every allocation is counted.
//
// Positions are uint64: the sum of a position and an offset of 32 bits never wraps.
type reader struct {
	data   []byte
	budget int64 // bytes that may still be allocated
}

func newReader(data []byte) *reader {
	// Go's structs for the smallest real models take about four times their
	// bytes in the file; weights are never copied.
	return &reader{data: data, budget: 16*int64(len(data)) + 4096}
}

// spend accounts for an allocation of n elements of size bytes.
func (r *reader) spend(n uint64, size int64) error {
	if n > math.MaxInt32 {
		return errMemory
	}
	if r.budget -= int64(n) * size; r.budget < 0 {
		return errMemory
	}
	return nil
}

func (r *reader) uint32At(pos uint64) (uint32, error) {
	if pos+4 > uint64(len(r.data)) {
		return 0, fmt.Errorf("offset %d lies behind the end", pos)
	}
	return binary.LittleEndian.Uint32(r.data[pos:]), nil
}

// table is a checked table: its whole vtable and all its bytes lie within data.
type table struct {
	r      *reader
	pos    uint64
	size   uint16 // bytes of the table
	vtable []byte // the fields' offsets, two bytes each
}

// tableAt checks the table at pos.
func (r *reader) tableAt(pos uint64) (table, error) {
	back, err := r.uint32At(pos)
	if err != nil {
		return table{}, err
	}
	// The vtable lies at pos minus a signed offset.
	v := int64(pos) - int64(int32(back))
	n := int64(len(r.data))
	if v < 0 || v+4 > n {
		return table{}, fmt.Errorf("table at %d: vtable at %d lies outside", pos, v)
	}
	length := int64(binary.LittleEndian.Uint16(r.data[v:]))
	size := binary.LittleEndian.Uint16(r.data[v+2:])
	if length < 4 || length > maxVtable || length%2 != 0 || v+length > n {
		return table{}, fmt.Errorf("table at %d: vtable of %d bytes", pos, length)
	}
	if size < 4 || pos+uint64(size) > uint64(n) {
		return table{}, fmt.Errorf("table at %d: %d bytes", pos, size)
	}
	return table{r, pos, size, r.data[v+4 : v+length]}, nil
}

// follow returns the position that the offset stored at pos leads to.
func (r *reader) follow(pos uint64) (uint64, error) {
	off, err := r.uint32At(pos)
	if err != nil {
		return 0, err
	}
	if off == 0 {
		return 0, fmt.Errorf("empty offset at %d", pos)
	}
	return pos + uint64(off), nil
}

// offset returns where a field lies within the table, or 0 if it is absent.
func (t table) offset(slot int) uint16 {
	if 2*slot+2 > len(t.vtable) {
		return 0
	}
	return binary.LittleEndian.Uint16(t.vtable[2*slot:])
}

func (t table) has(slot int) bool { return t.offset(slot) != 0 }

// fields returns how many fields are set.
func (t table) fields() int {
	n := 0
	for slot := range len(t.vtable) / 2 {
		if t.has(slot) {
			n++
		}
	}
	return n
}

// field returns the position of a field of size bytes, or 0 if it is absent.
func (t table) field(slot int, size uint16) (uint64, error) {
	off := t.offset(slot)
	if off == 0 {
		return 0, nil
	}
	if off < 4 || uint32(off)+uint32(size) > uint32(t.size) {
		return 0, fmt.Errorf("table at %d: field %d lies outside", t.pos, slot)
	}
	return t.pos + uint64(off), nil
}

func (t table) uint8(slot int, fallback uint8) (uint8, error) {
	pos, err := t.field(slot, 1)
	if err != nil || pos == 0 {
		return fallback, err
	}
	return t.r.data[pos], nil
}

func (t table) uint32(slot int, fallback uint32) (uint32, error) {
	pos, err := t.field(slot, 4)
	if err != nil || pos == 0 {
		return fallback, err
	}
	return binary.LittleEndian.Uint32(t.r.data[pos:]), nil
}

func (t table) uint64(slot int) (uint64, error) {
	pos, err := t.field(slot, 8)
	if err != nil || pos == 0 {
		return 0, err
	}
	return binary.LittleEndian.Uint64(t.r.data[pos:]), nil
}

// table follows the field to another table; ok is false if it is absent.
func (t table) table(slot int) (sub table, ok bool, err error) {
	pos, err := t.field(slot, 4)
	if err != nil || pos == 0 {
		return table{}, false, err
	}
	if pos, err = t.r.follow(pos); err != nil {
		return table{}, false, err
	}
	sub, err = t.r.tableAt(pos)
	return sub, err == nil, err
}

// vector is a checked vector: all its elements lie within data.
type vector struct {
	pos uint64 // of the first element
	n   uint64
}

// vector follows the field to a vector with elements of size bytes. An absent
// field is a vector of none.
func (t table) vector(slot int, size uint64) (vector, error) {
	pos, err := t.field(slot, 4)
	if err != nil || pos == 0 {
		return vector{}, err
	}
	if pos, err = t.r.follow(pos); err != nil {
		return vector{}, err
	}
	n, err := t.r.uint32At(pos)
	if err != nil {
		return vector{}, err
	}
	if pos+4+uint64(n)*size > uint64(len(t.r.data)) {
		return vector{}, fmt.Errorf("vector at %d: %d elements do not fit", pos, n)
	}
	return vector{pos + 4, uint64(n)}, nil
}

// bytes returns a byte vector, aliasing the file.
func (t table) bytes(slot int) ([]byte, error) {
	v, err := t.vector(slot, 1)
	if err != nil || v.n == 0 {
		return nil, err
	}
	return t.r.data[v.pos : v.pos+v.n : v.pos+v.n], nil
}

func (t table) string(slot int) (string, error) {
	b, err := t.bytes(slot)
	if err != nil {
		return "", err
	}
	if err := t.r.spend(uint64(len(b)), 1); err != nil {
		return "", err
	}
	return string(b), nil
}

// scalars reads a vector of 4 or 8 byte scalars; an absent one is nil.
func scalars[T any](t table, slot int, size uint64, get func([]byte) T) ([]T, error) {
	if !t.has(slot) {
		return nil, nil
	}
	v, err := t.vector(slot, size)
	if err != nil {
		return nil, err
	}
	// An empty slice costs nothing, but an int takes twice the bytes of an int32.
	if err := t.r.spend(v.n, 8); err != nil {
		return nil, err
	}
	out := make([]T, v.n)
	for i := range out {
		out[i] = get(t.r.data[v.pos+uint64(i)*size:])
	}
	return out, nil
}

func (t table) int32s(slot int) ([]int32, error) {
	return scalars(t, slot, 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
}

// indexes reads a vector of tensor numbers; an empty one is nil, as an absent one.
func (t table) indexes(slot int) ([]int, error) {
	list, err := scalars(t, slot, 4, func(b []byte) int { return int(int32(binary.LittleEndian.Uint32(b))) })
	if len(list) == 0 {
		return nil, err
	}
	return list, err
}

func (t table) int64s(slot int) ([]int64, error) {
	return scalars(t, slot, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
}

func (t table) float32s(slot int) ([]float32, error) {
	return scalars(t, slot, 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
}

// element returns table i of a vector of tables.
func (r *reader) element(v vector, i uint64) (table, error) {
	pos, err := r.follow(v.pos + 4*i)
	if err != nil {
		return table{}, err
	}
	return r.tableAt(pos)
}

// tables reads a vector of tables, calling read for each.
func tables[T any](t table, slot int, read func(table) (T, error)) ([]T, error) {
	v, err := t.vector(slot, 4)
	if err != nil || v.n == 0 {
		return nil, err
	}
	if err := t.r.spend(v.n, int64(reflect.TypeFor[T]().Size())); err != nil {
		return nil, err
	}
	out := make([]T, v.n)
	for i := range out {
		sub, err := t.r.element(v, uint64(i))
		if err == nil {
			out[i], err = read(sub)
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
	}
	return out, nil
}
