package pixel

import (
	"bytes"
	"encoding/binary"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// jpegLayout is what a walk over a JPEG's markers finds.
type jpegLayout struct {
	exif   []byte // the first EXIF block, a TIFF file, or nil
	scans  int
	scan   int  // where the marker of the first scan is
	tables bool // there are Huffman tables
	frame  jpegFrame
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
		case 0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf:
			l.frame.add(marker, payload)
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

// jpegFrame is what a JPEG's frame header says.
type jpegFrame struct {
	turbo.Header
	headers int  // how many there are: one in a picture that makes sense
	common  bool // 8 bits, Huffman-coded, with a usual sampling
}

// add reads a frame header, ITU-T T.81 section B.2.2, behind its length.
func (f *jpegFrame) add(marker byte, b []byte) {
	f.headers++
	// Baseline, extended and progressive.
	if len(b) < 6 || len(b) != 6+3*int(b[5]) || b[0] != 8 || marker > 0xc2 {
		return
	}
	f.Height, f.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	// Narrower than this, libjpeg-turbo does not interpolate colours.
	const narrow = 4
	var samplings [3]byte
	for i := range min(int(b[5]), len(samplings)) {
		samplings[i] = b[6+3*i+1]
	}
	switch {
	case b[5] == 1 && samplings == [3]byte{0x11}:
		f.Sampling, f.common = turbo.Grey, true
	case b[5] == 3 && samplings == [3]byte{0x11, 0x11, 0x11}:
		f.Sampling, f.common = turbo.Sampling444, true
	case b[5] == 3 && f.Width > narrow && samplings == [3]byte{0x21, 0x11, 0x11}:
		f.Sampling, f.common = turbo.Sampling422, true
	case b[5] == 3 && f.Width > narrow && samplings == [3]byte{0x22, 0x11, 0x11}:
		f.Sampling, f.common = turbo.Sampling420, true
	}
}
