package hdf5

import (
	"errors"
	"fmt"
)

// textHeap reads texts of any length, which stand in collections of the file's
// global heap.
type textHeap struct {
	file        *File
	collections map[uint64]map[int][]byte // by address; the objects by index
	budget      int                       // bytes that may still be read or returned
}

// object returns the bytes of an object, which alias the file.
func (h *textHeap) object(address uint64, index int) ([]byte, error) {
	objects, ok := h.collections[address]
	if !ok {
		var err error
		if objects, err = h.collection(address); err != nil {
			return nil, err
		}
		if h.collections == nil {
			h.collections = map[uint64]map[int][]byte{}
		}
		h.collections[address] = objects
	}
	data, ok := objects[index]
	if !ok {
		return nil, fmt.Errorf("no object %d in the collection at %d", index, address)
	}
	return data, h.spend(len(data))
}

// spend ends what would take more than the file has bytes: collections that
// overlap, and a long text that is named again and again.
func (h *textHeap) spend(n int) error {
	if h.budget -= n; h.budget < 0 {
		return errors.New("the texts are longer than the file")
	}
	return nil
}

// collection reads all objects of a collection.
func (h *textHeap) collection(address uint64) (map[int][]byte, error) {
	c, err := h.file.at(address)
	if err != nil {
		return nil, err
	}
	if string(c.bytes(4)) != "GCOL" {
		return nil, fmt.Errorf("no GCOL at address %d", address)
	}
	c.skip(4) // version, reserved
	size := c.length()
	if c.err != nil || size < uint64(c.pos) || size > uint64(len(c.data)) {
		return nil, fmt.Errorf("a collection of %d bytes at %d", size, address)
	}
	c.data = c.data[:size]
	objects := map[int][]byte{}
	for c.left() >= 8+h.file.lengths {
		if err := h.spend(8 + h.file.lengths); err != nil {
			return nil, err
		}
		index := c.u16()
		c.skip(2 + 4) // references, reserved
		length := c.length()
		if index == 0 {
			break // the rest is free
		}
		if length > uint64(c.left()) {
			return nil, fmt.Errorf("object %d of the collection at %d has %d bytes", index, address, length)
		}
		objects[index] = c.bytes(int(length))
		c.skip(min(c.left(), int(-length&7))) // objects begin at multiples of 8
	}
	return objects, nil
}
