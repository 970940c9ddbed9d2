package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/internal/float16"
)

// Dataset is an array of numbers.
type Dataset struct {
	Name  string
	Path  string // names from the root on, joined with "/"
	Shape []int  // nil for a single number

	file   *File
	typ    datatype
	layout layout
	chain  []filter
	err    error // why it cannot be read
}

// layout says where the elements are.
type layout struct {
	class   int
	data    []byte // compact: the elements
	address uint64 // of the elements, or of the B-tree of chunks
	size    uint64 // of the elements in one piece
	chunk   []int  // shape of a chunk
}

const (
	layoutCompact    = 0
	layoutContiguous = 1
	layoutChunked    = 2
)

// dataset reads what a header says of a dataset.
func (f *File) dataset(name, path string, h *header) *Dataset {
	d := &Dataset{Name: name, Path: path, file: f}
	d.err = d.read(h)
	return d
}

func (d *Dataset) read(h *header) error {
	for _, m := range h.messages {
		var err error
		switch m.kind {
		case messageDataspace, messageDatatype, messageFilters, messageLayout:
			if m.shared {
				return errors.New("a shared type, shape or filter is not supported")
			}
		case messageExternal:
			return errors.New("elements in another file are not supported")
		}
		switch m.kind {
		case messageDataspace:
			d.Shape, err = d.file.dataspace(m.data)
		case messageDatatype:
			d.typ, err = d.file.datatype(m.data)
		case messageFilters:
			d.chain, err = d.file.filters(m.data)
		case messageLayout:
			d.layout, err = d.file.layout(m.data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// layout reads a data layout message.
func (f *File) layout(data []byte) (layout, error) {
	c := f.cursor(data)
	version := c.u8()
	l := layout{class: c.u8()}
	if c.err == nil && version != 3 && version != 4 {
		return l, fmt.Errorf("layout of version %d is not supported", version)
	}
	switch l.class {
	case layoutCompact:
		l.data = c.bytes(c.u16())
	case layoutContiguous:
		l.address, l.size = c.address(), c.length()
	case layoutChunked:
		if version != 3 {
			return l, errors.New("chunks found by an index of HDF5 1.10 are not supported")
		}
		rank := c.u8() // one more than the dataset's: the last is an element's size
		l.address = c.address()
		if rank < 1 || rank > maxRank+1 {
			return l, fmt.Errorf("chunks of %d dimensions", rank)
		}
		for range rank - 1 {
			l.chunk = append(l.chunk, c.u32())
		}
	default:
		return l, fmt.Errorf("layout of class %d is not supported", l.class)
	}
	if c.err != nil {
		return l, fmt.Errorf("layout: %w", c.err)
	}
	return l, nil
}

// Float32s returns the elements in row-major order, as float32: numbers of 64
// bits are rounded to the nearest. A part that was never written is zero.
//
// It allocates four bytes an element, so look at Shape first if the file is
// from somebody else. It is an error if the elements are no floating-point
// numbers, or if the file does not hold all of them.
func (d *Dataset) Float32s() ([]float32, error) {
	values, err := d.float32s()
	if err != nil {
		return nil, fmt.Errorf("dataset %q: %w", d.Path, err)
	}
	return values, nil
}

// maxElements bounds a dataset: the largest network that edge runs has a tenth.
const maxElements = 1 << 27

func (d *Dataset) float32s() ([]float32, error) {
	if d.err != nil {
		return nil, d.err
	}
	if d.typ.class != classFloat {
		return nil, fmt.Errorf("its elements are of type %s, want floats", d.typ)
	}
	n, err := elements(d.Shape)
	if err != nil {
		return nil, err
	}
	if n > maxElements {
		return nil, fmt.Errorf("%d elements, want at most %d", n, maxElements)
	}
	data, err := d.bytes(n * uint64(d.typ.size))
	if err != nil {
		return nil, err
	}
	return d.typ.floats(data), nil
}

// bytes returns the size bytes of all elements.
func (d *Dataset) bytes(size uint64) ([]byte, error) {
	switch d.layout.class {
	case layoutChunked:
		return d.chunks(size)
	case layoutCompact:
		if uint64(len(d.layout.data)) < size {
			return nil, fmt.Errorf("%d bytes where %d are wanted", len(d.layout.data), size)
		}
		return d.layout.data[:size], nil
	default:
		if len(d.chain) > 0 {
			return nil, errors.New("filters without chunks")
		}
		if d.layout.address == undefined {
			// Never written. There is no file to be larger than, so the limit is our own.
			return make([]byte, size), nil
		}
		if d.layout.size < size {
			return nil, fmt.Errorf("%d bytes where %d are wanted", d.layout.size, size)
		}
		return d.file.span(d.layout.address, size)
	}
}

// floats turns elements into float32.
func (t datatype) floats(data []byte) []float32 {
	var order binary.ByteOrder = binary.LittleEndian
	if t.bigEndian {
		order = binary.BigEndian
	}
	values := make([]float32, len(data)/t.size)
	for i := range values {
		switch t.size {
		case 2:
			values[i] = float16.FromBits(order.Uint16(data[2*i:]))
		case 4:
			values[i] = math.Float32frombits(order.Uint32(data[4*i:]))
		case 8:
			values[i] = float32(math.Float64frombits(order.Uint64(data[8*i:])))
		}
	}
	return values
}
