package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/jpeg"
)

// maxScans is the number of scans a JPEG may have. Ordinary progressive files
// have about ten; each one is a pass over the whole picture that can cost the
// sender only a few bytes.
const maxScans = 200

func decodeJPEG(dst *RGB, data []byte, lim Limits) error {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return jpegError(err)
	}
	if err := lim.checkSize(config.Width, config.Height); err != nil {
		return err
	}
	layout := walkJPEG(data)
	if layout.scans > maxScans {
		return refuse(ErrTooLarge, "too large: %d scans, at most %d are read", layout.scans, maxScans)
	}
	img, err := jpeg.Decode(layout.reader(data))
	if err != nil {
		if !layout.ended {
			return refuse(ErrTruncated, "truncated")
		}
		return jpegError(err)
	}
	return render(dst, img, jfif, orientation(layout.exif))
}

func jpegError(err error) error {
	var unsupported jpeg.UnsupportedError
	if errors.As(err, &unsupported) {
		return refuse(ErrFormat, "a JPEG of a kind that is not read (%s); convert it to a plain JPEG", string(unsupported))
	}
	return decoderError(err)
}

// jpegLayout is what a walk over a JPEG's markers finds.
type jpegLayout struct {
	exif   []byte // the first EXIF block, a TIFF file, or nil
	scans  int
	scan   int  // where the marker of the first scan is
	tables bool // there are Huffman tables
	ended  bool // the end marker stands
}

// walkJPEG steps from marker to marker without looking at the pixels.
// It stops at the first thing that makes no sense: the decoder will complain.
func walkJPEG(data []byte) (l jpegLayout) {
	i := 2 // behind the start marker
	for {
		// The next marker is 0xff and a byte that is neither a stuffed zero, nor
		// a fill byte, nor a restart marker inside a scan.
		skip := bytes.IndexByte(data[i:], 0xff)
		if skip < 0 || i+skip+1 >= len(data) {
			return l
		}
		i += skip + 1
		marker := data[i]
		switch {
		case marker == 0xff:
			continue
		case marker == 0x00 || marker >= 0xd0 && marker <= 0xd7 || marker == 0x01:
			i++
			continue
		case marker == 0xd9:
			l.ended = true
			return l
		}
		i++
		if i+2 > len(data) {
			return l
		}
		n := int(binary.BigEndian.Uint16(data[i:]))
		if n < 2 || i+n > len(data) {
			return l
		}
		payload := data[i+2 : i+n]
		switch marker {
		case 0xc4:
			l.tables = true
		case 0xda:
			if l.scans == 0 {
				l.scan = i - 2
			}
			l.scans++
		case 0xe1:
			if block, ok := bytes.CutPrefix(payload, []byte("Exif\x00\x00")); ok && l.exif == nil {
				l.exif = block
			}
		}
		i += n
	}
}
