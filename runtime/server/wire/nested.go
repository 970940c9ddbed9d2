package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// tensor reads nested arrays of exactly the lengths dims and appends their
// numbers to dst, whose capacity must suffice.
func (s *scanner) tensor(dst []float32, dims []int) ([]float32, error) {
	start := *s
	dst, err := s.nested(dst, dims)
	if err == nil {
		return dst, nil
	}
	// A number too many says little; the shape says what happened.
	if shape := start.shape(); len(shape) > 0 && !equalShape(shape, dims) {
		err = fmt.Errorf("a picture has the shape %s: want %s", shapeText(shape), shapeText(dims))
	}
	return dst, err
}

func (s *scanner) nested(dst []float32, dims []int) (_ []float32, err error) {
	if err := s.take('['); err != nil {
		return dst, err
	}
	for i := range dims[0] {
		if i > 0 {
			if err := s.take(','); err != nil {
				return dst, err
			}
		}
		if len(dims) > 1 {
			dst, err = s.nested(dst, dims[1:])
		} else {
			var v float32
			v, err = s.number()
			dst = append(dst, v)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, s.take(']')
}

// shape returns the lengths of nested arrays, along their first elements.
func (s scanner) shape() (dims []int) {
	for s.next() == '[' && len(dims) < maxDepth {
		level, n := s, 0
		if level.array(func(int) error { n++; return level.skip() }) != nil {
			return nil
		}
		dims = append(dims, n)
		s.pos++
	}
	return dims
}

func equalShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func shapeText(dims []int) string {
	words := make([]string, len(dims))
	for i, d := range dims {
		words[i] = strconv.Itoa(d)
	}
	return "[" + strings.Join(words, ",") + "]"
}

// flat reads numbers in arrays of any nesting, or one alone, and appends them to
// dst up to its capacity.
func (s *scanner) flat(dst *[]float32) error {
	if s.next() == '[' {
		return s.array(func(int) error { return s.flat(dst) })
	}
	if len(*dst) == cap(*dst) {
		return errMore
	}
	v, err := s.number()
	*dst = append(*dst, v)
	return err
}

// flatBytes is flat for whole numbers from 0 to 255.
func (s *scanner) flatBytes(dst *[]byte) error {
	if s.next() == '[' {
		return s.array(func(int) error { return s.flatBytes(dst) })
	}
	if len(*dst) == cap(*dst) {
		return errMore
	}
	v, err := s.whole(255)
	*dst = append(*dst, byte(v))
	return err
}

var errMore = errors.New("there are more values than the shape says")

// base64 reads a string of base64 and appends its bytes to arena, whose capacity
// must suffice. It returns both, the bytes as a part of the arena.
func (s *scanner) base64(arena []byte) (decoded, rest []byte, err error) {
	text, err := s.text()
	if err != nil {
		return nil, arena, err
	}
	free := arena[len(arena):cap(arena)]
	encoding := base64.StdEncoding
	if len(text)%4 != 0 { // without padding, unless lines were broken
		encoding = base64.RawStdEncoding
	}
	if encoding.DecodedLen(len(text)) > len(free) {
		return nil, arena, errors.New("base64 is longer than the body it came in")
	}
	n, err := encoding.Decode(free, text)
	if err != nil {
		return nil, arena, fmt.Errorf("a picture is no base64: %w", err)
	}
	end := len(arena) + n
	return arena[len(arena):end:end], arena[:end], nil
}
