package hdf5

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// filter is a step that chunks went through when they were written.
type filter struct {
	id    int
	value int // the first of its parameters
}

const (
	filterDeflate    = 1
	filterShuffle    = 2
	filterFletcher32 = 3
)

// filters reads a filter pipeline message.
func (f *File) filters(data []byte) ([]filter, error) {
	c := f.cursor(data)
	version, count := c.u8(), c.u8()
	if version == 1 {
		c.skip(6)
	} else if c.err == nil && version != 2 {
		return nil, fmt.Errorf("filters of version %d", version)
	}
	var chain []filter
	for range count {
		x := filter{id: c.u16()}
		name := 0
		if version == 1 || x.id >= 256 {
			name = c.u16()
		}
		c.skip(2) // flags
		values := c.u16()
		if version == 1 {
			name = (name + 7) &^ 7
		}
		c.skip(name)
		for i := range values {
			if v := c.u32(); i == 0 {
				x.value = v
			}
		}
		if version == 1 && values%2 == 1 {
			c.skip(4)
		}
		chain = append(chain, x)
	}
	if c.err != nil {
		return nil, fmt.Errorf("filters: %w", c.err)
	}
	return chain, nil
}

// undo takes a chunk back through the filters it went through, the last first.
// skipped has a bit for each that was left out. The result has size bytes.
func undo(chain []filter, skipped int, data []byte, size int) ([]byte, error) {
	for i := len(chain) - 1; i >= 0; i-- {
		if i < 32 && skipped&(1<<i) != 0 {
			continue
		}
		var err error
		switch x := chain[i]; x.id {
		case filterDeflate:
			// Room for the checksums of the filters before it.
			data, err = inflate(data, size+4*len(chain))
		case filterShuffle:
			data = unshuffle(data, x.value)
		case filterFletcher32:
			data, err = checked(data)
		default:
			err = fmt.Errorf("filter %d is not supported", x.id)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(data) != size {
		return nil, fmt.Errorf("%d bytes where %d are wanted", len(data), size)
	}
	return data, nil
}

// inflate unpacks zlib's format to at most most bytes.
func inflate(data []byte, most int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if len(out) > most {
		return nil, fmt.Errorf("inflate: more than %d bytes", most)
	}
	return out, nil
}

// unshuffle puts the bytes of elements together that stood in planes: all first
// bytes, then all second ones, and so on. What is left over stays as it is.
func unshuffle(data []byte, element int) []byte {
	if element <= 1 || len(data) < element {
		return data
	}
	n := len(data) / element
	out := make([]byte, len(data))
	for b := range element {
		for i := range n {
			out[i*element+b] = data[b*n+i]
		}
	}
	copy(out[n*element:], data[n*element:])
	return out
}

// checked compares the checksum at the end and takes it off.
func checked(data []byte) ([]byte, error) {
	if len(data) < 4 {
		return nil, errors.New("no room for a checksum")
	}
	data, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if fletcher32(data) != sum {
		return nil, errors.New("the checksum is wrong: the file is damaged")
	}
	return data, nil
}

// fletcher32 is the checksum of John Fletcher over big-endian words of 16 bits,
// as HDF5 reads them; an odd byte at the end is the upper half of a word. Carries
// are added at the low end, so that a sum of words is never zero again.
func fletcher32(data []byte) uint32 {
	var low, high uint32
	for i := 0; i < len(data); i += 2 {
		word := uint32(data[i]) << 8
		if i+1 < len(data) {
			word |= uint32(data[i+1])
		}
		low += word
		low = low&0xffff + low>>16
		high += low
		high = high&0xffff + high>>16
	}
	return high<<16 | low
}
