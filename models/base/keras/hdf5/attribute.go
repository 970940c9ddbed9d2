package hdf5

import (
	"errors"
	"fmt"
)

// maxTexts bounds the texts of one attribute: a network has some hundred layers.
const maxTexts = 1 << 16

// Attribute is a small value with a name, attached to a group or dataset.
type Attribute struct {
	Name string

	file  *File
	typ   datatype
	count uint64
	data  []byte
	err   error // why it cannot be read
}

// attributes reads the attributes of an object. What cannot be read is left out:
// nothing depends on the attributes of foreign programs.
func (f *File) attributes(h *header) []*Attribute {
	var list []*Attribute
	for _, m := range h.messages {
		switch {
		case m.shared:
		case m.kind == messageAttribute:
			if a, err := f.attribute(m.data); err == nil {
				list = append(list, a)
			}
		case m.kind == messageAttributeInfo:
			c := f.cursor(m.data)
			c.skip(1)
			if c.u8()&1 != 0 {
				c.skip(2) // largest order of creation
			}
			heap, names := c.address(), c.address()
			if c.err == nil && heap != undefined {
				dense, _ := f.denseAttributes(heap, names)
				list = append(list, dense...)
			}
		}
	}
	return list
}

// attribute reads an attribute message.
func (f *File) attribute(data []byte) (*Attribute, error) {
	c := f.cursor(data)
	version, flags := c.u8(), c.u8()
	sizes := [...]int{c.u16(), c.u16(), c.u16()} // of name, type, space
	if version == 3 {
		c.skip(1) // character set
	}
	var parts [len(sizes)][]byte
	for i, n := range sizes {
		parts[i] = c.bytes(n)
		if version == 1 {
			c.skip(-n & 7)
		}
	}
	if c.err != nil {
		return nil, fmt.Errorf("attribute: %w", c.err)
	}
	if version < 1 || version > 3 || len(parts[0]) > maxName {
		return nil, fmt.Errorf("attribute of version %d, with a name of %d bytes", version, len(parts[0]))
	}
	if err := f.spend(len(parts[0])); err != nil {
		return nil, err
	}
	a := &Attribute{Name: untilNUL(parts[0]), file: f, data: data[c.pos:]}
	if version > 1 && flags&3 != 0 {
		a.err = errors.New("a shared type is not supported")
		return a, nil
	}
	a.err = a.describe(parts[1], parts[2])
	return a, nil
}

// describe reads the type and the shape of an attribute.
func (a *Attribute) describe(typ, space []byte) (err error) {
	if a.typ, err = a.file.datatype(typ); err != nil {
		return err
	}
	shape, err := a.file.dataspace(space)
	if err != nil {
		return err
	}
	if a.count, err = elements(shape); err == nil && a.count > maxTexts {
		err = fmt.Errorf("%d elements", a.count)
	}
	return err
}

// Texts returns the texts of an attribute: one if it is a single text, else one
// for each element in row-major order. It is an error if it holds something else.
func (a *Attribute) Texts() ([]string, error) {
	texts, err := a.texts()
	if err != nil {
		return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
	}
	return texts, nil
}

func (a *Attribute) texts() ([]string, error) {
	if a.err != nil {
		return nil, a.err
	}
	if a.typ.class != classText && a.typ.class != classTextInHeap {
		return nil, fmt.Errorf("%s is no text", a.typ)
	}
	size := uint64(a.typ.size)
	if size == 0 || a.count > uint64(len(a.data))/size {
		return nil, fmt.Errorf("%d texts of %d bytes in %d", a.count, size, len(a.data))
	}
	list := make([]string, a.count)
	collections := textHeap{file: a.file, budget: len(a.file.data)}
	for i := range list {
		element := a.data[uint64(i)*size:][:size]
		if a.typ.class == classText {
			list[i] = untilNUL(element)
			continue
		}
		c := a.file.cursor(element)
		length, address, index := c.u32(), c.address(), c.u32()
		if c.err != nil {
			return nil, c.err
		}
		if length == 0 {
			continue
		}
		data, err := collections.object(address, index)
		if err != nil {
			return nil, err
		}
		list[i] = untilNUL(data[:min(len(data), length)])
	}
	return list, nil
}
