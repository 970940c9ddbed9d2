package pixel

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"io"
	"sync"
)

// standardTables is the segment with the Huffman tables of ITU-T T.81, annex K.3,
// which decoders of Motion JPEG take for granted. Go's encoder writes them into
// every picture, so they are taken from one.
var standardTables = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420), nil); err != nil {
		return nil
	}
	data := b.Bytes()
	at := bytes.Index(data, []byte{0xff, 0xc4})
	return data[at : at+2+int(binary.BigEndian.Uint16(data[at+2:]))]
})

// bare reports whether the Huffman tables are missing.
func (l jpegLayout) bare() bool { return !l.tables && l.scans > 0 }

// reader reads a JPEG whose layout is l. Many cameras leave the Huffman tables out of
// each picture, to save room; they are put before the first scan then.
func (l jpegLayout) reader(data []byte) io.Reader {
	if !l.bare() {
		return bytes.NewReader(data)
	}
	return io.MultiReader(bytes.NewReader(data[:l.scan]), bytes.NewReader(standardTables()), bytes.NewReader(data[l.scan:]))
}
