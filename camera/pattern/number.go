package pattern

import "github.com/edge-adapt/edge/camera/pixel"

// The number stands at the top of a picture twice: as a strip of black and white
// cells, which survives scaling and lossy compression and which Number reads, and
// below it in digits for people.
//
// The strip's cells are, from the left: white, black, the number's lowest 32 bits
// from the highest on (white is 1), and 8 bits that check them.
const (
	cells      = 2 + 32 + 8
	stripParts = 16 // the strip takes one of so many parts of the height
)

// check returns the bits that check a number.
func check(n uint32) byte {
	return byte(n) ^ byte(n>>8)*3 ^ byte(n>>16)*5 ^ byte(n>>24)*7 ^ 0x5a
}

// drawNumber writes the number into a picture.
func drawNumber(img *pixel.RGB, number uint64) {
	bits := uint64(2)<<40 | uint64(uint32(number))<<8 | uint64(check(uint32(number)))
	row := img.Pix[:img.Width*3]
	for cell := range cells {
		var v byte
		if bits>>(cells-1-cell)&1 == 1 {
			v = 255
		}
		part := row[cell*img.Width/cells*3 : (cell+1)*img.Width/cells*3]
		for i := range part {
			part[i] = v
		}
	}
	strip := img.Height / stripParts
	for y := 1; y < strip; y++ {
		copy(img.Pix[y*len(row):], row)
	}
	drawDigits(img, number, strip)
}

// Number reads the number that a picture of a pattern shows, modulo 2^32, and
// reports whether there is one. The picture may have been scaled and compressed,
// and everything but the strip at its top may be anything.
func Number(img *pixel.RGB) (number uint32, ok bool) {
	if img.Width < cells || img.Height < 1 {
		return 0, false
	}
	y := img.Height / stripParts / 2
	at := func(cell int) int {
		x := (cell*img.Width/cells + (cell+1)*img.Width/cells) / 2
		p := img.Pix[(y*img.Width+x)*3:][:3]
		return int(p[0]) + int(p[1]) + int(p[2])
	}
	white, black := at(0), at(1)
	if white-black < 3*64 {
		return 0, false
	}
	var bits uint64
	for cell := 2; cell < cells; cell++ {
		bits <<= 1
		if 2*at(cell) > white+black {
			bits |= 1
		}
	}
	number = uint32(bits >> 8)
	return number, byte(bits) == check(number)
}

// font has five rows of three dots for each digit, the highest bit first.
var font = [10]uint16{
	0b111_101_101_101_111, 0b010_110_010_010_111, 0b111_001_111_100_111, 0b111_001_111_001_111, 0b101_101_111_001_001,
	0b111_100_111_001_111, 0b111_100_111_101_111, 0b111_001_010_010_010, 0b111_101_111_101_111, 0b111_101_111_001_111,
}

// drawDigits writes the number in white on black below the strip, as large as
// twelve digits fit, cut on the left where they do not.
func drawDigits(img *pixel.RGB, number uint64, top int) {
	dot := max(1, min(img.Width/(4*12+1), img.Height/48))
	var digits [20]byte
	n := len(digits)
	for {
		n--
		digits[n] = byte(number % 10)
		number /= 10
		if number == 0 {
			break
		}
	}
	n = max(n, len(digits)-12)
	for i, digit := range digits[n:] {
		for v := range 7 {
			for u := range 4 + 1 {
				var grey byte
				if u > 0 && u < 4 && v > 0 && v < 6 && font[digit]>>(14-3*(v-1)-(u-1))&1 == 1 {
					grey = 255
				}
				fill(img, (4*i+u)*dot, top+v*dot, dot, grey)
			}
		}
	}
}

// fill paints a square, as far as it lies in the picture.
func fill(img *pixel.RGB, left, top, side int, grey byte) {
	right := min(left+side, img.Width)
	for y := top; y < min(top+side, img.Height); y++ {
		for i := (y*img.Width + left) * 3; i < (y*img.Width+right)*3; i++ {
			img.Pix[i] = grey
		}
	}
}
