package pixel

import (
	"bytes"
	"errors"
	"image/jpeg"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// maxScans is the number of scans a JPEG may have. Ordinary progressive files
// have about ten; each one is a pass over the whole picture that can cost the
// sender only a few bytes.
const maxScans = 200

// decodeJPEG decodes for p, as Preprocessing.Read says it: with a library (nil:
// there is none) perhaps at a reduced scale. It returns the part of dst that is
// the picture, all of it if p is zero.
func decodeJPEG(library *turbo.Library, dst *RGB, data []byte, lim Limits, p Preprocessing) (extent, error) {
	layout := walkJPEG(data)
	turn := orientation(layout.exif)
	denominator := p.denominator(layout.frame.Header, turn)
	if done, err := fastJPEG(library, dst, data, layout, lim, turn, denominator); done {
		return reduced(layout.frame.Header, turn, denominator), err
	}
	err := goJPEG(dst, data, layout, lim, turn)
	return whole(dst), err
}

// goJPEG decodes with Go's decoder, whose word on damaged pictures holds.
func goJPEG(dst *RGB, data []byte, layout jpegLayout, lim Limits, turn int) error {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return jpegError(err)
	}
	if err := lim.checkJPEG(config.Width, config.Height, layout); err != nil {
		return err
	}
	img, err := jpeg.Decode(layout.reader(data))
	if err != nil {
		if !layout.ended {
			return refuse(ErrTruncated, "truncated")
		}
		return jpegError(err)
	}
	return render(dst, img, jfif, turn)
}

// checkJPEG refuses a JPEG that would cost too much.
func (l Limits) checkJPEG(width, height int, layout jpegLayout) error {
	if err := l.checkSize(width, height); err != nil {
		return err
	}
	if layout.scans > maxScans {
		return refuse(ErrTooLarge, "too large: %d scans, at most %d are read", layout.scans, maxScans)
	}
	return nil
}

func jpegError(err error) error {
	var unsupported jpeg.UnsupportedError
	if errors.As(err, &unsupported) {
		return refuse(ErrFormat, "a JPEG of a kind that is not read (%s); convert it to a plain JPEG", string(unsupported))
	}
	return decoderError(err)
}
