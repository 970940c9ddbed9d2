package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// take reads the tensor from the JSON text, unless it is in the binary part.
func (q *Infer) take(text []byte) error {
	if q.input.binary >= 0 {
		return nil
	}
	s := scanner{data: text, pos: q.input.data}
	var err error
	var got, want int
	switch q.input.name {
	case Pixels:
		want = q.N * q.want.Len()
		if want > len(text) { // a number takes more than a byte
			return q.fewer()
		}
		q.pixels = grow(q.pixels, want)[:0:want]
		err = s.flat(&q.pixels)
		got, q.Pixels = len(q.pixels), q.pixels
	case Image:
		want = q.N * q.Height * q.Width * 3
		if want > len(text) {
			return q.fewer()
		}
		q.arena = grow(q.arena, want)[:0:want]
		err = s.flatBytes(&q.arena)
		got, q.Image = len(q.arena), q.arena
	default:
		want = q.N
		q.arena = grow(q.arena, len(text)/4*3+3)
		err = q.files(&s)
		got, q.Encoded = len(q.encoded), q.encoded
	}
	switch {
	case err != nil:
		return fmt.Errorf("input %q: %w", q.input.name, err)
	case got < want:
		return q.fewer()
	}
	return nil
}

func (q *Infer) fewer() error {
	return fmt.Errorf("input %q: there are fewer values than its shape %v says", q.input.name, q.input.shape)
}

// files reads base64 strings in arrays of any nesting.
func (q *Infer) files(s *scanner) error {
	if s.next() == '[' {
		return s.array(func(int) error { return q.files(s) })
	}
	if len(q.encoded) == q.N {
		return errMore
	}
	file, arena, err := s.base64(q.arena)
	q.arena, q.encoded = arena, append(q.encoded, file)
	return err
}

// ReadBinary reads the binary part, which body must hold exactly. Without one it
// reads nothing.
func (q *Infer) ReadBinary(body io.Reader) error {
	if q.input.binary < 0 {
		return nil
	}
	var err error
	switch q.input.name {
	case Pixels:
		n := q.N * q.want.Len()
		q.pixels = grow(q.pixels, n)[:n]
		err = readFloats(body, q.pixels)
		q.Pixels = q.pixels
	case Image:
		err = q.readBytes(body)
		q.Image = q.arena
	default:
		if err = q.readBytes(body); err == nil {
			err = q.split()
		}
		q.Encoded = q.encoded
	}
	if err != nil {
		return fmt.Errorf("input %q: %w", q.input.name, err)
	}
	return nil
}

// readBytes fills the arena.
func (q *Infer) readBytes(r io.Reader) error {
	n := int(q.input.binary)
	q.arena = grow(q.arena, n)[:n]
	_, err := io.ReadFull(r, q.arena)
	return short(err)
}

// split cuts the arena into N elements, each with its length in four bytes,
// little-endian, before it.
func (q *Infer) split() error {
	rest := q.arena
	for range q.N {
		if len(rest) < 4 {
			return errors.New("the binary part ends within an element's length")
		}
		n := int64(binary.LittleEndian.Uint32(rest))
		if rest = rest[4:]; n > int64(len(rest)) {
			return fmt.Errorf("an element says it has %d bytes, of which %d are there", n, len(rest))
		}
		q.encoded = append(q.encoded, rest[:n:n])
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes follow the last element", len(rest))
	}
	return nil
}

// short says it when a body ends too early.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the body ends before the binary part does")
	}
	return err
}
