package hdf5

import (
	"fmt"
	"math/bits"
)

// The kinds of records in a B-tree of version 2.
const (
	recordsOfLinkNames      = 5
	recordsOfAttributeNames = 8
)

// tree2 is the head of a B-tree of version 2.
type tree2 struct {
	kind       int
	nodeSize   int
	recordSize int
	offsets    int // bytes of an address
}

// tree2 walks a B-tree of version 2 and calls record for each of its records,
// in order.
func (f *File) tree2(address uint64, kind int, record func([]byte) error) error {
	c, err := f.block(address, "BTHD")
	if err != nil {
		return err
	}
	c.skip(1)
	t := tree2{kind: c.u8(), nodeSize: c.u32(), recordSize: c.u16(), offsets: f.offsets}
	depth := c.u16()
	c.skip(2) // when to split and merge
	root, count := c.address(), c.u16()
	if c.err != nil {
		return fmt.Errorf("head of a B-tree: %w", c.err)
	}
	if t.kind != kind {
		return fmt.Errorf("a B-tree of kind %d where one of kind %d is wanted", t.kind, kind)
	}
	if t.recordSize == 0 || t.nodeSize < 16 || depth > 16 {
		return fmt.Errorf("a B-tree of %d levels, with nodes of %d and records of %d bytes", depth, t.nodeSize, t.recordSize)
	}
	if root == undefined {
		return nil // an empty one
	}
	return f.node2(&t, root, count, depth, record)
}

// node2 walks a node that has count records and lies depth levels above the
// leaves.
func (f *File) node2(t *tree2, address uint64, count, depth int, record func([]byte) error) error {
	sign := "BTLF"
	if depth > 0 {
		sign = "BTIN"
	}
	c, err := f.block(address, sign)
	if err != nil {
		return err
	}
	c.skip(2) // version, kind
	records := c.bytes(count * t.recordSize)
	if c.err != nil {
		return fmt.Errorf("%s: %w", sign, c.err)
	}
	forward := func(i int) error {
		if err := f.visit(); err != nil {
			return err
		}
		return record(records[i*t.recordSize : (i+1)*t.recordSize])
	}
	if depth == 0 {
		for i := range count {
			if err := forward(i); err != nil {
				return err
			}
		}
		return nil
	}
	own, below := t.counts(depth)
	for i := range count + 1 {
		child, inside := c.address(), c.uint(own)
		c.skip(below)
		if c.err != nil {
			return fmt.Errorf("%s: %w", sign, c.err)
		}
		if err := f.node2(t, child, int(inside), depth-1, record); err != nil {
			return err
		}
		if i < count {
			if err := forward(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// counts returns the bytes in which a node depth levels above the leaves keeps
// the number of records of a child, and of all below that child (0 for leaves).
//
// Both are as wide as the largest number that a full node can have: what is left
// of a node by 10 bytes of head, divided by a record, or by a record and a
// pointer further up.
func (t *tree2) counts(depth int) (own, below int) {
	const head = 10 // signature, version, kind, checksum
	most := uint64((t.nodeSize - head) / t.recordSize)
	all := most // records below a node of this level
	own = width(most)
	for level := 1; level < depth; level++ {
		pointer := t.offsets + own + below
		records := uint64(max(0, t.nodeSize-head-pointer)) / uint64(t.recordSize+pointer)
		high, product := bits.Mul64(records+1, all)
		if high != 0 || product > 1<<48 {
			product = 1 << 48
		}
		all = product + records
		below = width(all)
	}
	return own, below
}

// width returns the bytes that the number n takes.
func width(n uint64) int { return max(1, (bits.Len64(n)+7)/8) }
