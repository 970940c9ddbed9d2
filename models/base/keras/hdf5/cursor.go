package hdf5

import (
	"encoding/binary"
	"fmt"
)

// undefined is an address that leads nowhere.
const undefined = ^uint64(0)

// cursor reads little-endian fields one after the other. The first read that
// does not fit sets err; it and all later ones return zeros.
type cursor struct {
	data    []byte
	pos     int
	offsets int // bytes of an address
	lengths int // bytes of a length
	err     error
}

// bytes returns the next n bytes, which alias the file.
func (c *cursor) bytes(n int) []byte {
	if c.err == nil && (n < 0 || n > len(c.data)-c.pos) {
		c.err = fmt.Errorf("%d bytes wanted where %d are left", n, len(c.data)-c.pos)
	}
	if c.err != nil {
		return nil
	}
	b := c.data[c.pos : c.pos+n : c.pos+n]
	c.pos += n
	return b
}

func (c *cursor) skip(n int) { c.bytes(n) }

func (c *cursor) left() int { return len(c.data) - c.pos }

// uint reads an unsigned number of n bytes, at most 8.
func (c *cursor) uint(n int) uint64 {
	var wide [8]byte
	copy(wide[:], c.bytes(n))
	return binary.LittleEndian.Uint64(wide[:])
}

func (c *cursor) u8() int  { return int(c.uint(1)) }
func (c *cursor) u16() int { return int(c.uint(2)) }

// u32 fits an int on all machines that edge runs on, which have 64 bits.
func (c *cursor) u32() int { return int(c.uint(4)) }

func (c *cursor) length() uint64 { return c.uint(c.lengths) }

func (c *cursor) address() uint64 {
	a := c.uint(c.offsets)
	if c.offsets < 8 && a == 1<<(8*c.offsets)-1 {
		return undefined
	}
	return a
}

// text reads a name of n bytes, with or without a NUL at its end.
func (c *cursor) text(n int) string {
	return untilNUL(c.bytes(n))
}

func untilNUL(b []byte) string {
	for i, x := range b {
		if x == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
