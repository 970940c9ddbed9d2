package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

// webpFrame is one picture inside a WebP file: the chunks that make it and
// where it stands on the canvas.
type webpFrame struct {
	x, y, width, height int
	alpha               []byte // payload of ALPH, or nil
	lossy               []byte // payload of "VP8 ", or nil
	lossless            []byte // payload of VP8L, or nil
}

// webpFile is what is read of a WebP file: its canvas, the first frame (the
// only one, of a still) and the EXIF block.
type webpFile struct {
	width, height int // zero if the file has no VP8X chunk
	frame         webpFrame
	exif          []byte
}

var (
	errWebPFrame  = errors.New("no frame")
	errWebPHeader = errors.New("a damaged frame header")
	errWebPCanvas = errors.New("a frame that does not fit its canvas")
)

// decodeWebP reads the container itself and hands the decoder a still made of
// the first frame, because the decoder refuses animations and some stills that
// other readers accept.
func decodeWebP(dst *RGB, data []byte, lim Limits) error {
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data)) {
		return refuse(ErrTruncated, "truncated: %d of %d bytes", len(data), size)
	}
	file := parseWebP(data[12:size])
	frame := &file.frame
	if err := frame.measure(); err != nil {
		return decoderError(err)
	}
	if file.width == 0 {
		file.width, file.height = frame.width, frame.height
	}
	for _, side := range [][2]int{{file.width, file.height}, {frame.width, frame.height}} {
		if err := lim.checkSize(side[0], side[1]); err != nil {
			return err
		}
	}
	if frame.x+frame.width > file.width || frame.y+frame.height > file.height {
		return decoderError(errWebPCanvas)
	}
	img, err := webp.Decode(bytes.NewReader(frame.still()))
	if err != nil {
		return decoderError(err)
	}
	if got := img.Bounds().Size(); got != image.Pt(frame.width, frame.height) {
		return decoderError(errWebPHeader)
	}
	turn := orientation(file.exif)
	if frame.width == file.width && frame.height == file.height {
		return render(dst, img, studio, turn)
	}
	var part RGB
	if err := render(&part, img, studio, 1); err != nil {
		return err
	}
	canvas := NewRGB(file.width, file.height)
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	for y := range part.Height {
		at := ((frame.y+y)*canvas.Width + frame.x) * 3
		copy(canvas.Pix[at:], part.Pix[y*part.Width*3:(y+1)*part.Width*3])
	}
	canvas.oriented(dst, turn)
	return nil
}

// parseWebP walks the chunks up to the first frame, and on for the EXIF block.
func parseWebP(body []byte) (f webpFile) {
	chunks(body, func(id string, payload []byte) {
		frame := &f.frame
		switch {
		case id == "VP8X" && len(payload) >= 10 && f.width == 0:
			f.width, f.height = uint24(payload[4:])+1, uint24(payload[7:])+1
		case id == "ANMF" && len(payload) >= 16 && frame.empty():
			frame.x, frame.y = 2*uint24(payload), 2*uint24(payload[3:])
			chunks(payload[16:], frame.add)
		case id == "EXIF" && f.exif == nil:
			f.exif = payload
		case frame.empty():
			frame.add(id, payload)
		}
	})
	return f
}

// chunks calls fn for every whole RIFF chunk in b, in order.
func chunks(b []byte, fn func(id string, payload []byte)) {
	for len(b) >= 8 {
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		if n > int64(len(b)-8) {
			return
		}
		fn(string(b[:4]), b[8:8+n])
		// Payloads of odd length are followed by one byte of padding.
		b = b[min(8+n+n&1, int64(len(b))):]
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func (f *webpFrame) empty() bool { return f.lossy == nil && f.lossless == nil }

// add takes the chunk if the frame is made of it.
func (f *webpFrame) add(id string, payload []byte) {
	switch {
	case !f.empty():
	case id == "ALPH":
		f.alpha = payload
	case id == "VP8 ":
		f.lossy = payload
	case id == "VP8L":
		f.lossless = payload
	}
}

// measure reads the frame's size from its bitstream, which is what the decoder
// allocates for. RFC 6386 section 9.1; WebP lossless specification section 3.
func (f *webpFrame) measure() error {
	switch {
	case f.lossy != nil:
		b := f.lossy
		if len(b) < 10 || b[0]&1 != 0 || !bytes.Equal(b[3:6], []byte{0x9d, 0x01, 0x2a}) {
			return errWebPHeader
		}
		f.width = int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff)
		f.height = int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	case f.lossless != nil:
		b := f.lossless
		if len(b) < 5 || b[0] != 0x2f {
			return errWebPHeader
		}
		bits := binary.LittleEndian.Uint32(b[1:])
		f.width, f.height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
	default:
		return errWebPFrame
	}
	return nil
}

// still returns a WebP file that holds the frame alone.
func (f *webpFrame) still() []byte {
	b := make([]byte, 12, 64+len(f.alpha)+len(f.lossy)+len(f.lossless))
	chunk := func(id string, payload []byte) {
		b = append(b, id...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
		b = append(b, payload...)
		if len(payload)&1 == 1 {
			b = append(b, 0)
		}
	}
	if f.lossless != nil {
		chunk("VP8L", f.lossless)
	} else {
		if f.alpha != nil {
			const hasAlpha = 1 << 4
			w, h := f.width-1, f.height-1
			chunk("VP8X", []byte{hasAlpha, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
			chunk("ALPH", f.alpha)
		}
		chunk("VP8 ", f.lossy)
	}
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	copy(b[8:], "WEBP")
	return b
}
