package hdf5

import (
	"fmt"
)

// The kinds of messages in an object header that are read.
const (
	messageDataspace     = 0x01
	messageLinkInfo      = 0x02
	messageDatatype      = 0x03
	messageLink          = 0x06
	messageExternal      = 0x07
	messageLayout        = 0x08
	messageFilters       = 0x0b
	messageAttribute     = 0x0c
	messageContinuation  = 0x10
	messageSymbolTable   = 0x11
	messageAttributeInfo = 0x15
)

// messageShared is the flag of a message that stands elsewhere.
const messageShared = 0x02

// message is one piece of what an object header says.
type message struct {
	kind   int
	shared bool // data says where the message is
	data   []byte
}

// header is what stands at an object's address.
type header struct {
	address  uint64
	messages []message
}

// find returns the first message of a kind.
func (h *header) find(kind int) (message, bool) {
	for _, m := range h.messages {
		if m.kind == kind {
			return m, true
		}
	}
	return message{}, false
}

// header reads the object header at an address, with its continuations.
func (f *File) header(address uint64) (*header, error) {
	h := &header{address: address}
	c, err := f.at(address)
	if err != nil {
		return nil, err
	}
	if string(c.data[:min(4, len(c.data))]) == "OHDR" {
		err = f.header2(h, c)
	} else {
		err = f.header1(h, c)
	}
	if err != nil {
		return nil, fmt.Errorf("object header at %d: %w", address, err)
	}
	return h, nil
}

// header1 reads a header of version 1, whose blocks are messages and nothing else.
func (f *File) header1(h *header, c *cursor) error {
	if version := c.u8(); c.err == nil && version != 1 {
		return fmt.Errorf("version %d is not known", version)
	}
	c.skip(1)
	count := c.u16()
	c.skip(4) // references
	size := c.u32()
	c.skip(4)
	blocks := [][]byte{c.bytes(size)}
	if c.err != nil {
		return c.err
	}
	for len(blocks) > 0 && len(h.messages) < count {
		block := f.cursor(blocks[0])
		blocks = blocks[1:]
		for block.left() >= 8 && len(h.messages) < count {
			m := message{kind: block.u16()}
			size := block.u16()
			m.shared = block.u8()&messageShared != 0
			block.skip(3)
			m.data = block.bytes(size)
			more, err := f.keep(h, m, block)
			if err != nil {
				return err
			}
			if more != nil {
				blocks = append(blocks, more)
			}
		}
	}
	return nil
}

// header2 reads a header of version 2, whose blocks begin with a signature and
// end with a checksum.
func (f *File) header2(h *header, c *cursor) error {
	c.skip(4)
	if version := c.u8(); c.err == nil && version != 2 {
		return fmt.Errorf("version %d is not known", version)
	}
	flags := c.u8()
	if flags&0x20 != 0 {
		c.skip(4 * 4) // times
	}
	if flags&0x10 != 0 {
		c.skip(2 * 2) // when attributes move into a heap
	}
	size := c.uint(1 << (flags & 3))
	if size > uint64(c.left()) {
		return fmt.Errorf("%d bytes of messages where %d are left", size, c.left())
	}
	blocks := [][]byte{c.bytes(int(size))}
	if c.err != nil {
		return c.err
	}
	for len(blocks) > 0 {
		block := f.cursor(blocks[0])
		blocks = blocks[1:]
		prefix := 4
		if flags&0x04 != 0 {
			prefix += 2
		}
		for block.left() >= prefix {
			m := message{kind: block.u8()}
			size := block.u16()
			m.shared = block.u8()&messageShared != 0
			block.skip(prefix - 4) // order of creation
			m.data = block.bytes(size)
			more, err := f.keep(h, m, block)
			if err != nil {
				return err
			}
			if more == nil {
				continue
			}
			if len(more) < 8 || string(more[:4]) != "OCHK" {
				return fmt.Errorf("a continuation without OCHK")
			}
			blocks = append(blocks, more[4:len(more)-4])
		}
	}
	return nil
}

// keep adds a message that was read from block. For a continuation it returns
// the bytes that go on.
func (f *File) keep(h *header, m message, block *cursor) ([]byte, error) {
	if block.err != nil {
		return nil, fmt.Errorf("message of kind %#x: %w", m.kind, block.err)
	}
	if err := f.visit(); err != nil {
		return nil, err
	}
	h.messages = append(h.messages, m)
	if m.kind != messageContinuation {
		return nil, nil
	}
	c := f.cursor(m.data)
	address, length := c.address(), c.length()
	if c.err != nil {
		return nil, fmt.Errorf("continuation: %w", c.err)
	}
	more, err := f.span(address, length)
	if err != nil {
		return nil, fmt.Errorf("continuation: %w", err)
	}
	return more, nil
}

// cursor returns one that reads b with the file's widths.
func (f *File) cursor(b []byte) *cursor {
	return &cursor{data: b, offsets: f.offsets, lengths: f.lengths}
}
