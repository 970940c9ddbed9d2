package hdf5

import (
	"fmt"
	"math/bits"
)

// class is what the elements of a dataset or attribute are.
type class int

const (
	classOther class = iota
	classFloat
	classText       // of fixed length
	classTextInHeap // of any length
)

// datatype is the type of an element.
type datatype struct {
	class     class
	size      int // bytes
	bigEndian bool
	words     string // what it is, if it is classOther
}

func (t datatype) String() string {
	switch t.class {
	case classFloat:
		return fmt.Sprintf("float%d", 8*t.size)
	case classText, classTextInHeap:
		return "text"
	default:
		return t.words
	}
}

// The classes of the format that other programs use.
var otherClasses = [...]string{
	0: "integer", 2: "time", 4: "bit field", 5: "opaque", 6: "compound", 7: "reference",
	8: "enumeration", 9: "sequence of any length", 10: "array", 11: "complex number",
}

// datatype reads a datatype message. Types that are not read give classOther.
func (f *File) datatype(data []byte) (datatype, error) {
	c := f.cursor(data)
	kind := c.u8() & 15
	flags := int(c.uint(3))
	t := datatype{size: c.u32()}
	if c.err != nil {
		return t, fmt.Errorf("type: %w", c.err)
	}
	switch {
	case kind == 1:
		return t, f.float(&t, flags, c)
	case kind == 3:
		t.class = classText
	case kind == 9 && flags&15 == 1:
		t.class = classTextInHeap
	default:
		t.words = fmt.Sprintf("type %d", kind)
		if kind < len(otherClasses) && otherClasses[kind] != "" {
			t.words = otherClasses[kind]
		}
	}
	return t, nil
}

// float reads a floating-point type; one that is not IEEE 754's of 16, 32 or 64
// bits gives classOther.
func (f *File) float(t *datatype, flags int, c *cursor) error {
	type layout struct{ offset, precision, exponent, exponentSize, mantissa, mantissaSize, bias int }
	got := layout{c.u16(), c.u16(), c.u8(), c.u8(), c.u8(), c.u8(), c.u32()}
	if c.err != nil {
		return fmt.Errorf("type: %w", c.err)
	}
	ieee := map[int]layout{
		2: {0, 16, 10, 5, 0, 10, 15},
		4: {0, 32, 23, 8, 0, 23, 127},
		8: {0, 64, 52, 11, 0, 52, 1023},
	}
	t.words = fmt.Sprintf("float of %d bits with an exponent of %d", got.precision, got.exponentSize)
	if want, ok := ieee[t.size]; ok && got == want && flags&0x40 == 0 {
		t.class, t.bigEndian = classFloat, flags&1 != 0
	}
	return nil
}

// dataspace reads a dataspace message: nil dimensions for a single element.
func (f *File) dataspace(data []byte) ([]int, error) {
	c := f.cursor(data)
	version, rank := c.u8(), c.u8()
	c.skip(1) // flags
	kind := c.u8()
	if version == 1 {
		kind = 1
		c.skip(4)
	}
	if c.err == nil && (version != 1 && version != 2 || rank > maxRank) {
		return nil, fmt.Errorf("dataspace of version %d with %d dimensions", version, rank)
	}
	if kind == 2 {
		return []int{0}, nil // nothing at all
	}
	var shape []int
	for range rank {
		d := c.length()
		if d > 1<<48 {
			return nil, fmt.Errorf("a dimension of %d", d)
		}
		shape = append(shape, int(d))
	}
	if c.err != nil {
		return nil, fmt.Errorf("dataspace: %w", c.err)
	}
	return shape, nil
}

// elements returns the product of the dimensions.
func elements(shape []int) (uint64, error) {
	n := uint64(1)
	for _, d := range shape {
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > 1<<48 {
			return 0, fmt.Errorf("the shape %v is too large", shape)
		}
		n = low
	}
	return n, nil
}
