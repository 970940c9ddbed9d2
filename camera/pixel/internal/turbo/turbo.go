// Package turbo decodes JPEGs with libjpeg-turbo where there is one.
//
// The library is opened at run time by its name, libturbojpeg.so.0, which has
// had one ABI since 2013: first where LD_LIBRARY_PATH says, then in lib/ beside
// the program, then in the system's folders. Without it, and in builds without
// cgo, Open says why, and nothing else is lost.
package turbo

import (
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
)

// Name is the file that Open looks for.
const Name = "libturbojpeg.so.0"

// ErrMissing means that there is no library, or not one that can be opened.
var ErrMissing = errors.New("there is no " + Name)

// Sampling says at which resolution a JPEG stores its colours. The values are
// the library's own.
type Sampling int

// The samplings that the library and Go's decoder both interpolate alike.
const (
	Sampling444 Sampling = 0 // at full resolution
	Sampling422 Sampling = 1 // at half the width
	Sampling420 Sampling = 2 // at half the width and height
	Grey        Sampling = 3 // no colours
)

// Header is what the caller knows of a JPEG before the library sees it.
type Header struct {
	Width, Height int // pixels, 1 to 65535
	Sampling      Sampling
}

// Scaled returns a side of pixels at 1/denominator, rounded up: what the library
// makes of it.
func Scaled(side, denominator int) int { return (side + denominator - 1) / denominator }

// Denominators are the scales that Decode knows, 1/1 to 1/8. The library has
// more between them, for which it has no vector code.
var Denominators = [...]int{1, 2, 4, 8}

// checkPicture is 420.jpg of camera/pixel's testdata.
//
//go:embed check.jpg
var checkPicture []byte

// checkHeader is what checkPicture is.
var checkHeader = Header{Width: 21, Height: 13, Sampling: Sampling420}

// checkSums are CRC-32C of checkPicture's pixels at each of Denominators, as
// libjpeg-turbo decodes it on every processor.
var checkSums = [len(Denominators)]uint32{0x054560fb, 0xb79bed05, 0x48729479, 0x86ad0a3e}

// check decodes a picture whose pixels are known. A library that gives others
// would give other features under the same name.
func (l *Library) check() error {
	for i, sum := range l.sums() {
		if sum != checkSums[i] {
			return fmt.Errorf("%s gives other pixels than libjpeg-turbo at 1/%d", l.Path(), Denominators[i])
		}
	}
	return nil
}

// sums returns what checkSums holds for this library; 0 where it refuses.
func (l *Library) sums() (sums [len(Denominators)]uint32) {
	for i, d := range Denominators {
		pix := make([]byte, 3*Scaled(checkHeader.Width, d)*Scaled(checkHeader.Height, d))
		if l.Decode(pix, checkPicture, checkHeader, d) {
			sums[i] = crc32.Checksum(pix, crc32.MakeTable(crc32.Castagnoli))
		}
	}
	return sums
}
