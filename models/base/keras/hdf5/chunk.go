package hdf5

import (
	"errors"
	"fmt"
)

// chunks puts the elements of a chunked dataset together, size bytes in all.
func (d *Dataset) chunks(size uint64) ([]byte, error) {
	rank := len(d.Shape)
	if len(d.layout.chunk) != rank || rank == 0 {
		return nil, fmt.Errorf("chunks of shape %v for a dataset of shape %v", d.layout.chunk, d.Shape)
	}
	inside, err := elements(d.layout.chunk)
	if err != nil {
		return nil, err
	}
	// Chunks of a dataset that cannot grow are no larger than itself; those of
	// others may be, but not without measure.
	if inside == 0 || inside > max(size/uint64(d.typ.size), 1<<16) {
		return nil, fmt.Errorf("chunks of shape %v", d.layout.chunk)
	}
	most := uint64(1) // chunks that the shape has room for
	for i, n := range d.Shape {
		c := d.layout.chunk[i]
		most *= uint64((n + c - 1) / c) // at most the number of elements, which is bounded
	}
	out := make([]byte, size)
	if d.layout.address == undefined {
		return out, nil
	}
	// A reader of its own counts the visits, so that concurrent reads share nothing.
	f := &File{data: d.file.data, offsets: d.file.offsets, lengths: d.file.lengths}
	var seen uint64
	keySize := 8 + 8*(rank+1)
	err = f.tree1(d.layout.address, treeOfChunks, keySize, func(key []byte, child uint64) error {
		if seen++; seen > most {
			return fmt.Errorf("more than %d chunks", most)
		}
		c := f.cursor(key)
		stored, skipped := uint64(c.u32()), c.u32()
		origin := make([]int, rank)
		for i := range origin {
			at := c.uint(8)
			if at >= uint64(d.Shape[i]) || at%uint64(d.layout.chunk[i]) != 0 {
				return fmt.Errorf("a chunk at %d of dimension %d", at, i)
			}
			origin[i] = int(at)
		}
		raw, err := f.span(child, stored)
		if err != nil {
			return err
		}
		data, err := undo(d.chain, skipped, raw, int(inside)*d.typ.size)
		if err != nil {
			return fmt.Errorf("chunk at %v: %w", origin, err)
		}
		d.place(out, data, origin)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if seen < most {
		return nil, errors.New("some of its chunks are missing")
	}
	return out, nil
}

// place copies a chunk to its place in out, row by row; what reaches over the
// edge of the dataset is left out.
func (d *Dataset) place(out, chunk []byte, origin []int) {
	last := len(d.Shape) - 1
	row := min(d.layout.chunk[last], d.Shape[last]-origin[last]) * d.typ.size
	index := make([]int, last+1) // inside the chunk; the last stays 0
	for {
		to, from, outside := 0, 0, false
		for i := range index {
			at := origin[i] + index[i]
			outside = outside || at >= d.Shape[i]
			to = to*d.Shape[i] + at
			from = from*d.layout.chunk[i] + index[i]
		}
		if !outside {
			copy(out[to*d.typ.size:][:row], chunk[from*d.typ.size:])
		}
		i := last - 1
		for ; i >= 0; i-- {
			if index[i]++; index[i] < d.layout.chunk[i] {
				break
			}
			index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}
