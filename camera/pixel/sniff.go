package pixel

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Sniff names the picture format by the first bytes of data: "jpeg", "png",
// "webp" or "". SniffLen bytes are enough.
func Sniff(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xd8, 0xff}):
		return "jpeg"
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

// SniffLen is how many bytes Sniff looks at.
const SniffLen = 16

// magic is a format that is recognised only to be named in a refusal.
type magic struct {
	offset int
	prefix string
	name   string
	// picture is true where converting the file would help.
	picture bool
}

// foreign lists the formats people drop into a folder of pictures.
var foreign = [...]magic{
	{0, "GIF8", "a GIF", true},
	{0, "II*\x00", "a TIFF", true},
	{0, "MM\x00*", "a TIFF", true},
	{4, "ftypheic", "a HEIC", true},
	{4, "ftypheix", "a HEIC", true},
	{4, "ftypheim", "a HEIC", true},
	{4, "ftypheis", "a HEIC", true},
	{4, "ftyphevc", "a HEIC", true},
	{4, "ftypmif1", "a HEIC", true},
	{4, "ftypmsf1", "a HEIC", true},
	{4, "ftypavif", "an AVIF", true},
	{4, "ftypavis", "an AVIF", true},
	{4, "ftypcrx", "a raw camera", true},
	{0, "\xff\x0a", "a JPEG XL", true},
	{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL", true},
	{0, "\x00\x00\x00\x0cjP  ", "a JPEG 2000", true},
	{0, "\xff\x4f\xff\x51", "a JPEG 2000", true},
	{0, "8BPS", "a Photoshop", true},
	{0, "\x00\x00\x01\x00", "an icon", true},
	{0, "qoif", "a QOI", true},
	{0, "%PDF", "a PDF document", false},
	{0, "%!PS", "a PostScript document", false},
	{0, "PK\x03\x04", "a ZIP archive", false},
	{0, "\x1f\x8b", "a gzip archive", false},
	{0, "Rar!", "a RAR archive", false},
	{0, "7z\xbc\xaf", "a 7z archive", false},
	{4, "ftyp", "a video", false},
	{0, "\x1aE\xdf\xa3", "a video", false},
	{8, "AVI ", "a video", false},
	{0, "\x7fELF", "a program", false},
	{0, "SQLite format 3", "a database", false},
}

// unreadable returns the refusal of data, which is none of the formats that
// Decode reads. It names what the data is where that can be told.
func unreadable(data []byte) error {
	for _, m := range foreign {
		if len(data) < m.offset || !bytes.HasPrefix(data[m.offset:], []byte(m.prefix)) {
			continue
		}
		if m.picture {
			return refuse(ErrFormat, "%s picture; convert it to JPEG or PNG", m.name)
		}
		return refuse(ErrFormat, "not a picture: %s", m.name)
	}
	// Two letters are a weak sign, so the reserved zeros must be there as well.
	if len(data) >= 14 && string(data[:2]) == "BM" && bytes.Equal(data[6:10], make([]byte, 4)) {
		return refuse(ErrFormat, "a BMP picture; convert it to JPEG or PNG")
	}
	head := data[:min(len(data), 1024)]
	if len(bytes.Trim(head, "\x00")) == 0 {
		return refuse(ErrFormat, "not a picture: zeros")
	}
	if !isText(head) {
		return refuse(ErrFormat, "not a picture: unknown content")
	}
	text := strings.ToLower(strings.TrimLeft(string(head), "\ufeff \t\r\n"))
	switch {
	case strings.HasPrefix(text, "<svg"), strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg"):
		return refuse(ErrFormat, "an SVG picture; convert it to JPEG or PNG")
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"), strings.Contains(text, "<body"):
		return refuse(ErrFormat, "not a picture: an HTML page")
	case strings.HasPrefix(text, "version https://git-lfs"):
		return refuse(ErrFormat, "not a picture: a Git LFS pointer; run git lfs pull")
	}
	return refuse(ErrFormat, "not a picture: text")
}

// isText reports whether head, which may end inside a character, reads as text.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 && utf8.FullRune(head) {
			return false
		}
		if r < ' ' && !strings.ContainsRune("\t\r\n\f\x1b", r) {
			return false
		}
		head = head[n:]
	}
	return true
}
