package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// literal reads a number and returns its text.
func (s *scanner) literal() ([]byte, error) {
	if c := s.next(); c != '-' && (c < '0' || c > '9') {
		return nil, s.fault("a value")
	}
	start := s.pos
	if s.data[s.pos] == '-' {
		s.pos++
	}
	switch {
	case s.pos < len(s.data) && s.data[s.pos] == '0':
		s.pos++
	case s.digits() == 0:
		return nil, s.fault("a digit")
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return nil, s.fault("a digit")
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return nil, s.fault("a digit")
		}
	}
	return s.data[start:s.pos], nil
}

// digits skips digits and returns how many there were.
func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos]-'0' < 10 {
		s.pos++
	}
	return s.pos - start
}

// whole reads a number without fraction and exponent, 0 to limit.
func (s *scanner) whole(limit int64) (int64, error) {
	text, err := s.literal()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("%s in the JSON text: want a whole number from 0 to %d", clip(text), limit)
	}
	return n, nil
}

// powers of ten that a float64 holds exactly.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// number reads a number and rounds it to the nearest float32, as
// strconv.ParseFloat(s, 32) does. One that is beyond float32 is an error.
//
// This is where a request of pixels in JSON spends its time: a picture is 49,152
// numbers. The digits are gathered in 64 bits and scaled by one power of ten in
// float64. The mantissa, the power and their product or quotient are each off by
// half a unit of float64 at most, together by less than two; unless the result
// lies that near to the middle between two float32, it rounds as the exact
// value does. Everything else is left to strconv.
func (s *scanner) number() (float32, error) {
	data, i := s.data, s.pos
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	s.pos = i
	negative := i < len(data) && data[i] == '-'
	if negative {
		i++
	}
	var mantissa uint64
	first := i
	for i < len(data) && data[i]-'0' < 10 {
		mantissa = mantissa*10 + uint64(data[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 || digits > 1 && data[first] == '0' {
		return s.slow() // which says what is wrong
	}
	point := i
	if i < len(data) && data[i] == '.' {
		i++
		for i+8 <= len(data) {
			eight, ok := eightDigits(binary.LittleEndian.Uint64(data[i:]))
			if !ok {
				break
			}
			mantissa = mantissa*100_000_000 + eight
			i += 8
		}
		for i < len(data) && data[i]-'0' < 10 {
			mantissa = mantissa*10 + uint64(data[i]-'0')
			i++
		}
		digits += i - point - 1
		if i == point+1 {
			return s.slow()
		}
		point++
	}
	// 19 digits fit 64 bits. An exponent is rare: leave it to strconv.
	scale := i - point
	if digits > 19 || scale >= len(powers) || i < len(data) && data[i]|0x20 == 'e' {
		return s.slow()
	}
	value := float64(mantissa) / powers[scale]
	// float32 keeps the upper 23 of float64's 52 bits of mantissa; what is cut off
	// is in the middle at 1<<28. Zero is exact.
	const cut, middle = 1<<29 - 1, 1 << 28
	if off := math.Float64bits(value)&cut - (middle - 2); off <= 4 || value < 0x1p-126 && mantissa != 0 {
		return s.slow()
	}
	s.pos = i
	if negative {
		value = -value
	}
	return float32(value), nil
}

// eightDigits reads eight digits at once, the first in the lowest byte of x: it
// joins neighbours to numbers of two digits, then of four, then of eight.
func eightDigits(x uint64) (value uint64, ok bool) {
	const all = 0x0101010101010101
	// Digits are 0x30 to 0x39: the upper half is 3, and stays so when 6 is added.
	if (x&(0xf0*all))|((x+6*all)&(0xf0*all))>>4 != 0x33*all {
		return 0, false
	}
	x -= '0' * all
	x = x*10 + x>>8
	x = (x&0x00ff00ff00ff00ff)*100 + (x>>16)&0x00ff00ff00ff00ff
	x = (x&0x0000ffff0000ffff)*10_000 + (x>>32)&0x0000ffff0000ffff
	return x & 0xffffffff, true
}

// slow reads what number does not.
func (s *scanner) slow() (float32, error) {
	text, err := s.literal()
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseFloat(string(text), 32)
	if err != nil {
		return 0, fmt.Errorf("%s in the JSON text is beyond the range of float32", clip(text))
	}
	return float32(value), nil
}

// clip shortens text for a message.
func clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
