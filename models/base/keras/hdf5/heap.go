package hdf5

import (
	"errors"
	"fmt"
	"math/bits"
)

// fractalHeap is where groups and objects with many links and attributes keep
// them: blocks whose sizes double from row to row.
type fractalHeap struct {
	file       *File
	idSize     int
	offsetSize int // bytes of an offset into the heap
	lengthSize int // bytes of an object's length
	width      int // blocks in a row
	start, max uint64
	root       uint64
	rows       int // of the root, if it is an indirect block; 0: a direct block
}

// fractalHeap reads the head of the heap at an address.
func (f *File) fractalHeap(address uint64) (*fractalHeap, error) {
	c, err := f.block(address, "FRHP")
	if err != nil {
		return nil, err
	}
	h := &fractalHeap{file: f}
	c.skip(1)
	h.idSize = c.u16()
	filters := c.u16()
	c.skip(1) // flags
	largest := uint64(c.u32())
	c.skip(f.lengths + f.offsets + f.lengths + f.offsets) // huge objects, free space
	c.skip(8 * f.lengths)                                 // sizes and counts of what is inside
	h.width = c.u16()
	h.start, h.max = c.length(), c.length()
	bitsOfOffset := c.u16()
	c.skip(2)
	h.root = c.address()
	h.rows = c.u16()
	if c.err != nil {
		return nil, fmt.Errorf("heap: %w", c.err)
	}
	if filters != 0 {
		return nil, errors.New("a heap with filters is not supported")
	}
	if h.width == 0 || h.start == 0 || h.max < h.start || bits.OnesCount64(h.start) != 1 || bits.OnesCount64(h.max) != 1 ||
		bitsOfOffset == 0 || bitsOfOffset > 64 || h.rows > 64 {
		return nil, fmt.Errorf("a heap of %d blocks a row, of %d to %d bytes, with addresses of %d bits", h.width, h.start, h.max, bitsOfOffset)
	}
	h.offsetSize = (bitsOfOffset + 7) / 8
	// A length is as wide as the largest offset inside a block, or as the largest
	// object, whichever is less.
	h.lengthSize = min((bits.Len64(h.max-1)+7)/8, width(largest))
	return h, nil
}

// object returns the bytes that an identifier stands for.
func (h *fractalHeap) object(id []byte) ([]byte, error) {
	if len(id) < 1 || len(id) > h.idSize {
		return nil, fmt.Errorf("a heap identifier of %d bytes where the heap's have %d", len(id), h.idSize)
	}
	switch kind := id[0] >> 4; kind {
	case 0: // managed: stands in one of the blocks
		c := h.file.cursor(id[1:])
		offset, length := c.uint(h.offsetSize), c.uint(h.lengthSize)
		if c.err != nil {
			return nil, fmt.Errorf("heap identifier: %w", c.err)
		}
		return h.managed(offset, length)
	case 2: // tiny: stands in the identifier itself
		length := int(id[0]&15) + 1
		if length > len(id)-1 {
			return nil, fmt.Errorf("a tiny object of %d bytes in an identifier of %d", length, len(id))
		}
		return id[1 : 1+length], nil
	default:
		return nil, errors.New("an object that stands outside its heap is not supported")
	}
}

// managed finds length bytes at an offset of the heap's own address space.
func (h *fractalHeap) managed(offset, length uint64) ([]byte, error) {
	block, rows := h.root, h.rows
	size := h.start
	for rows > 0 {
		child, row, at, err := h.child(block, rows, offset)
		if err != nil {
			return nil, err
		}
		offset -= at
		block, size = child, h.rowSize(row)
		if size <= h.max {
			rows = 0
			continue
		}
		// An indirect block of that size has the rows that add up to it.
		inner := bits.Len64(size) - bits.Len64(h.start*uint64(h.width)) + 1
		if inner < 1 || inner >= rows {
			return nil, fmt.Errorf("an indirect block of %d rows inside one of %d", inner, rows)
		}
		rows = inner
	}
	if _, err := h.file.block(block, "FHDB"); err != nil {
		return nil, err
	}
	if offset > size || length > size-offset {
		return nil, fmt.Errorf("an object of %d bytes at %d of a block of %d", length, offset, size)
	}
	return h.file.span(block+offset, length)
}

// child finds the block that holds an offset among those of an indirect block,
// and where it begins.
func (h *fractalHeap) child(block uint64, rows int, offset uint64) (child uint64, row int, begins uint64, err error) {
	c, err := h.file.block(block, "FHIB")
	if err != nil {
		return 0, 0, 0, err
	}
	c.skip(1 + h.file.offsets + h.offsetSize) // version, heap, own offset
	for row := range rows {
		size := h.rowSize(row)
		overflow, whole := bits.Mul64(size, uint64(h.width))
		if overflow != 0 {
			break // no offset is that large
		}
		if offset-begins < whole {
			column := (offset - begins) / size
			c.skip((row*h.width + int(column)) * h.file.offsets)
			child = c.address()
			if c.err != nil {
				return 0, 0, 0, fmt.Errorf("FHIB: %w", c.err)
			}
			return child, row, begins + column*size, nil
		}
		begins += whole
	}
	return 0, 0, 0, fmt.Errorf("offset %d lies outside of its heap", offset)
}

// rowSize returns the bytes of each block in a row: the first two rows have the
// smallest, and each further one has blocks twice as large.
func (h *fractalHeap) rowSize(row int) uint64 {
	if row < 2 {
		return h.start
	}
	shift := row - 1
	if bits.Len64(h.start)+shift > 64 {
		return 1 << 63
	}
	return h.start << shift
}

// denseLinks reads the links that a group keeps in a heap.
func (f *File) denseLinks(heap, names uint64) ([]link, error) {
	h, err := f.fractalHeap(heap)
	if err != nil {
		return nil, err
	}
	var links []link
	err = f.tree2(names, recordsOfLinkNames, func(record []byte) error {
		// A hash of the name, then the identifier.
		if len(record) < 4+h.idSize {
			return fmt.Errorf("a record of %d bytes", len(record))
		}
		data, err := h.object(record[4 : 4+h.idSize])
		if err != nil {
			return err
		}
		l, hard, err := f.link(data)
		if err == nil && hard {
			links = append(links, l)
		}
		return err
	})
	return links, err
}

// denseAttributes reads the attributes that an object keeps in a heap.
func (f *File) denseAttributes(heap, names uint64) ([]*Attribute, error) {
	h, err := f.fractalHeap(heap)
	if err != nil {
		return nil, err
	}
	var list []*Attribute
	err = f.tree2(names, recordsOfAttributeNames, func(record []byte) error {
		if len(record) < h.idSize+1 {
			return fmt.Errorf("a record of %d bytes", len(record))
		}
		data, err := h.object(record[:h.idSize])
		if err != nil {
			return err
		}
		if record[h.idSize]&messageShared != 0 {
			return errors.New("a shared attribute is not supported")
		}
		a, err := f.attribute(data)
		if err == nil {
			list = append(list, a)
		}
		return err
	})
	return list, err
}
