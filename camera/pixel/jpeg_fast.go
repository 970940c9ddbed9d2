package pixel

import (
	"sync"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// fastJPEG decodes with libjpeg-turbo, at 1/denominator, turned as the EXIF value
// turn says, and reports whether that settles the matter. It does not if there is no library (nil), if the picture is
// of a kind that Go's decoder knows better, or if the library complains: what is
// damaged is then judged by Go's decoder alone, with or without a library.
//
// Nothing reaches the library before the frame header was read and held against
// the limits here.
func fastJPEG(library *turbo.Library, dst *RGB, data []byte, l jpegLayout, lim Limits, turn, denominator int) (done bool, err error) {
	if library == nil || !l.ended || l.scans == 0 || l.frame.headers != 1 || !l.frame.common {
		return false, nil
	}
	if err := lim.checkJPEG(l.frame.Width, l.frame.Height, l); err != nil {
		return true, err
	}
	if l.bare() {
		whole := bytesPool.Get().(*[]byte)
		defer bytesPool.Put(whole)
		*whole = append((*whole)[:0], data[:l.scan]...)
		*whole = append(*whole, standardTables()...)
		*whole = append(*whole, data[l.scan:]...)
		data = *whole
	}
	width, height := turbo.Scaled(l.frame.Width, denominator), turbo.Scaled(l.frame.Height, denominator)
	if turn == 1 {
		dst.Resize(width, height)
		return library.Decode(dst.Pix, data, l.frame.Header, denominator), nil
	}
	stored := rgbPool.Get().(*RGB)
	defer rgbPool.Put(stored)
	stored.Resize(width, height)
	if !library.Decode(stored.Pix, data, l.frame.Header, denominator) {
		return false, nil
	}
	stored.oriented(dst, turn)
	return true, nil
}

var (
	bytesPool = sync.Pool{New: func() any { return new([]byte) }}
	rgbPool   = sync.Pool{New: func() any { return new(RGB) }}
)
