// Package float16 converts between float32 and IEEE 754 halves, the numbers of
// 16 bits that some models store their weights in.
package float16

import "math"

// Bits returns f as a half, rounded to nearest, ties to even. Above 65504 it
// gives infinity, from 65520 on; a NaN stays a NaN.
func Bits(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000:
		return sign | 0x7e00
	case bits >= 0x477ff000: // 65520, half-way from the largest half to the next power
		return sign | 0x7c00
	case bits >= 0x38800000: // 2^-14, the smallest normal half
		// Rebias the exponent from 127 to 15; a carry out of the mantissa is right.
		bits -= (127 - 15) << 23
		return sign | uint16((bits+0xfff+bits>>13&1)>>13)
	}
	// Subnormal: adding 0.5 leaves the multiple of 2^-24 in the low bits of the
	// mantissa, rounded by the addition itself.
	return sign | uint16(math.Float32bits(math.Float32frombits(bits)+0.5)-0x3f000000)
}

// FromBits returns the half h, exactly.
func FromBits(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, mantissa := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(mantissa)*0x1p-24))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}
