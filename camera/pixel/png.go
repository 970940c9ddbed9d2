package pixel

import (
	"bytes"
	"encoding/binary"
	"image/png"
)

func decodePNG(dst *RGB, data []byte, lim Limits) error {
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return decoderError(err)
	}
	if err := lim.checkSize(config.Width, config.Height); err != nil {
		return err
	}
	exif, ended := walkPNG(data)
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		if !ended {
			return refuse(ErrTruncated, "truncated")
		}
		return decoderError(err)
	}
	return render(dst, img, jfif, orientation(exif))
}

// walkPNG steps from chunk to chunk. It returns the EXIF block, a TIFF file, or
// nil, and whether the end marker stands.
func walkPNG(data []byte) (exif []byte, ended bool) {
	const signature, header, checksum = 8, 8, 4
	for rest := data[signature:]; len(rest) >= header; {
		n := int64(binary.BigEndian.Uint32(rest))
		if n > int64(len(rest)-header) {
			break
		}
		switch string(rest[4:8]) {
		case "eXIf":
			exif = rest[header : header+n]
		case "IEND":
			return exif, true
		}
		rest = rest[min(header+n+checksum, int64(len(rest))):]
	}
	return exif, false
}
