package badfiles

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// damaged are images that are cut off, bent or lie about themselves.
func (m *maker) damaged() {
	photo, drawing, webp := m.ordinary(0, 600), m.lossless(0, 601), m.picture("lossless.webp")
	m.refuse("zero bytes.jpg", "empty file", nil)
	m.refuse("cut at 1.jpg", "not a picture", photo[:1])
	m.refuse("cut at 3.jpg", "truncated", photo[:3])
	m.refuse("cut at a tenth.jpg", "truncated", photo[:len(photo)/10])
	m.refuse("cut in half.jpg", "truncated", photo[:len(photo)/2])
	m.refuse("cut at the end.jpg", "truncated", photo[:len(photo)-1])
	m.refuse("cut in half.png", "truncated", drawing[:len(drawing)/2])
	m.refuse("cut at the end.png", "truncated", drawing[:len(drawing)-1])
	m.refuse("cut in half.webp", "truncated", webp[:len(webp)/2])
	m.refuse("checksum.png", "checksum", patched(drawing, 29, drawing[29]^0x55))
	size := bytes.Index(photo, []byte{0xff, 0xc0}) + 5
	m.refuse("lying size.jpg", "corrupt", patched(photo, size, 0x10, 0x00, 0x10, 0x00))
	m.refuse("no size.jpg", "corrupt", patched(photo, size, 0, 0, 0, 0))
	m.refuse("bomb.jpg", "65535x65535 pixels", patched(photo, size, 0xff, 0xff, 0xff, 0xff))
	m.refuse("bomb.png", "60000x60000 pixels", pngOf(60000, 60000))
	animated := m.picture("animated_part.webp")
	canvas := bytes.Index(animated, []byte("VP8X")) + 12
	m.refuse("bomb.webp", "65536x65536 pixels", patched(animated, canvas, 0xff, 0xff, 0, 0xff, 0xff, 0))
	m.refuse("no frame.jpg", "corrupt", bytes.ReplaceAll(photo, []byte{0xff, 0xc0}, []byte{0xff, 0xec}))
	m.refuse("zeros.jpg", "zeros", make([]byte, 5000))
	m.refuse("zeros behind the header.jpg", "truncated", zeroed(photo, len(photo)/2))
}

// zeroed returns data with zeros from i on, as a lost block leaves a file.
func zeroed(data []byte, i int) []byte {
	return append(bytes.Clone(data[:i]), make([]byte, len(data)-i)...)
}

// patched returns a copy of data with the bytes at i replaced.
func patched(data []byte, i int, with ...byte) []byte {
	data = bytes.Clone(data)
	copy(data[i:], with)
	return data
}

// pngOf returns a PNG that claims a size and has the pixels of a smaller one.
func pngOf(width, height uint32) []byte {
	chunk := func(b []byte, kind string, payload []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
		body := append([]byte(kind), payload...)
		return binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
	}
	header := binary.BigEndian.AppendUint32(nil, width)
	header = append(binary.BigEndian.AppendUint32(header, height), 8, 2, 0, 0, 0)
	b := chunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", header)
	b = chunk(b, "IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	return chunk(b, "IEND", nil)
}

// foreign are files of other kinds under the names of images.
func (m *maker) foreign() {
	for name, file := range map[string]struct{ reason, start string }{
		"text.jpg":     {"text", "these are notes\n"},
		"notes.txt":    {"text", "these are notes\n" + "and more\n"},
		"boxes.json":   {"text", `{"boxes": []}`},
		"page.png":     {"HTML page", "<!DOCTYPE html><html><body>404</body></html>"},
		"drawing.png":  {"SVG", `<svg xmlns="http://www.w3.org/2000/svg"/>`},
		"pointer.jpg":  {"git lfs pull", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"},
		"gif.jpg":      {"a GIF picture", "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00"},
		"bmp.jpg":      {"a BMP picture", "BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"},
		"tiff.jpg":     {"a TIFF picture", "II*\x00\x08\x00\x00\x00\x00\x00"},
		"heic.jpg":     {"a HEIC picture; convert it to JPEG", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"},
		"avif.jpg":     {"an AVIF picture", "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00"},
		"document.jpg": {"PDF", "%PDF-1.7\n1 0 obj\n"},
		"archive.jpg":  {"ZIP", "PK\x03\x04\x14\x00\x00\x00"},
		"video.jpg":    {"video", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00"},
		"noise.jpg":    {"unknown content", "\x93\x17\x01\xfe\x80\x02\xc3\x28\x00\x11"},
	} {
		m.refuse(name, file.reason, []byte(file.start))
	}
}
