package pixel

import (
	"errors"
	"io"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// Decode returns the picture that data holds, upright and without
// transparency. The content decides, never a file's name: JPEG (baseline,
// progressive, grey, CMYK), PNG (every kind; of an animated one the default
// picture) and WebP (lossy, lossless; of an animated one the first frame on its
// canvas).
//
// The EXIF orientation is applied. Transparency is laid over white, in the
// stored (not linear) values. 16 bits a channel become 8 by value*255/65535,
// rounded. Chroma that is stored at a lower resolution is interpolated between
// its neighbours. Colour profiles and gamma are not applied.
//
// lim is checked against the header before memory is taken. Every error is one
// of ErrEmpty, ErrFormat, ErrTruncated, ErrTooLarge, ErrCorrupt under
// errors.Is. A fault inside a decoder is ErrCorrupt, not a panic. Decode keeps
// no reference to data and may be called concurrently.
func Decode(data []byte, lim Limits) (*RGB, error) {
	img := new(RGB)
	if err := DecodeInto(img, data, lim); err != nil {
		return nil, err
	}
	return img, nil
}

// DecodeInto does the same for one picture after the other: it writes the
// picture into dst, whose memory it uses if that is large enough. After an error
// dst holds no picture in particular.
func DecodeInto(dst *RGB, data []byte, lim Limits) error {
	_, err := decode(jpegLibrary(), dst, data, lim, Preprocessing{})
	return err
}

// DecodePortable does what Decode does, always with Go's decoders: for what must
// come out alike to the last bit on every machine, libjpeg-turbo or not.
func DecodePortable(data []byte, lim Limits) (*RGB, error) {
	img := new(RGB)
	if _, err := decode(nil, img, data, lim, Preprocessing{}); err != nil {
		return nil, err
	}
	return img, nil
}

// decode decodes for p, JPEGs perhaps with the library and at a reduced scale. It
// returns the part of dst that is the picture, all of it if p is zero.
func decode(library *turbo.Library, dst *RGB, data []byte, lim Limits, p Preprocessing) (part extent, err error) {
	lim = lim.OrDefault()
	if len(data) == 0 {
		return part, refuse(ErrEmpty, "empty file (0 bytes)")
	}
	if int64(len(data)) > lim.Bytes {
		return part, refuse(ErrTooLarge, "too large: %d bytes, at most %d are read", len(data), lim.Bytes)
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = refuse(ErrCorrupt, "corrupt: the decoder failed: %v", fault)
		}
	}()
	switch Sniff(data) {
	case "jpeg":
		return decodeJPEG(library, dst, data, lim, p)
	case "png":
		err = decodePNG(dst, data, lim)
	case "webp":
		err = decodeWebP(dst, data, lim)
	default:
		err = unreadable(data)
	}
	return whole(dst), err
}

// checkSize refuses a header's width and height before anything is allocated.
func (l Limits) checkSize(width, height int) error {
	if width <= 0 || height <= 0 {
		return refuse(ErrCorrupt, "corrupt: a picture of %dx%d pixels", width, height)
	}
	// Divided, because a product of two sides may not fit.
	if int64(width) > l.Pixels/int64(height) {
		return refuse(ErrTooLarge, "too large: %dx%d pixels, at most %d are read", width, height, l.Pixels)
	}
	return nil
}

// decoderError gives a decoder's error its reason.
func decoderError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return refuse(ErrTruncated, "truncated")
	}
	return refuse(ErrCorrupt, "corrupt: %v", err)
}
