package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
)

// hasReason reports whether err is one of the reasons that Decode promises.
func hasReason(err error) bool {
	for _, reason := range []error{ErrEmpty, ErrFormat, ErrTruncated, ErrTooLarge, ErrCorrupt} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// pngHeader returns the start of a PNG of the given size.
func pngHeader(width, height uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, width)
	b = binary.BigEndian.AppendUint32(b, height)
	b = append(b, 8, 2, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

// patched returns a copy of data with the bytes at i replaced.
func patched(data []byte, i int, bytes ...byte) []byte {
	data = append([]byte(nil), data...)
	copy(data[i:], bytes)
	return data
}

func TestDecodeRefuses(t *testing.T) {
	rgb, jpg, webp := picture(t, "rgb.png"), picture(t, "420.jpg"), picture(t, "lossy.webp")
	anim := picture(t, "animated.webp")
	frameHeader := bytes.Index(jpg, []byte{0xff, 0xc0})
	extended := bytes.Index(anim, []byte("VP8X"))
	for _, test := range []struct {
		name   string
		data   []byte
		reason error
		text   string
	}{
		{"nothing", nil, ErrEmpty, "empty file"},
		{"one byte", []byte{0xff}, ErrFormat, "not a picture"},
		{"zeros", make([]byte, 4096), ErrFormat, "zeros"},
		{"text", []byte("these are notes\n"), ErrFormat, "not a picture: text"},
		{"HTML", []byte("\n<!DOCTYPE html><html>"), ErrFormat, "HTML page"},
		{"SVG", []byte(`<?xml version="1.0"?><svg xmlns="x"/>`), ErrFormat, "SVG picture; convert"},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\n"), ErrFormat, "git lfs pull"},
		{"GIF", []byte("GIF89a\x01\x00\x01\x00"), ErrFormat, "a GIF picture; convert"},
		{"BMP", []byte("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00"), ErrFormat, "a BMP picture; convert"},
		{"text that starts like a BMP", []byte("BMW cars, a list"), ErrFormat, "text"},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00"), ErrFormat, "a TIFF picture"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00"), ErrFormat, "a HEIC picture; convert it to JPEG"},
		{"AVIF", []byte("\x00\x00\x00\x18ftypavif\x00\x00"), ErrFormat, "an AVIF picture"},
		{"video", []byte("\x00\x00\x00\x18ftypmp42\x00\x00"), ErrFormat, "a video"},
		{"PDF", []byte("%PDF-1.7\n"), ErrFormat, "a PDF document"},
		{"noise", []byte("\x93\x01\x00\x17\xfe\x80\x02"), ErrFormat, "unknown content"},
		{"PNG signature", rgb[:8], ErrTruncated, "truncated"},
		{"JPEG signature", jpg[:3], ErrTruncated, "truncated"},
		{"WebP signature", webp[:12], ErrTruncated, "truncated"},
		{"PNG with a wrong checksum", patched(rgb, 30, rgb[30]^1), ErrCorrupt, "checksum"},
		{"PNG without width", pngHeader(0, 7), ErrCorrupt, "corrupt"},
		{"PNG bomb", pngHeader(60000, 60000), ErrTooLarge, "60000x60000 pixels"},
		{"PNG whose size overflows", pngHeader(1<<31-1, 1<<31-1), ErrCorrupt, "corrupt"},
		{"JPEG with a lying size", patched(jpg, frameHeader+5, 0x20, 0x00, 0x1f, 0xff), ErrCorrupt, "corrupt"},
		{"JPEG bomb", patched(jpg, frameHeader+5, 0xff, 0xff, 0xff, 0xff), ErrTooLarge, "65535x65535"},
		{"JPEG of 12 bits", patched(jpg, frameHeader+4, 12), ErrFormat, "precision"},
		{"JPEG without pixels", patched(jpg, frameHeader+5, 0, 0, 0, 0), ErrCorrupt, "corrupt"},
		{"WebP bomb", patched(anim, extended+12, 0xff, 0xff, 0, 0xff, 0xff, 0), ErrTooLarge, "65536x65536"},
		{"WebP frame beside its canvas", patched(anim, extended+12, 3, 0, 0, 3, 0, 0), ErrCorrupt, "canvas"},
		{"WebP without a frame", append([]byte("RIFF\x04\x00\x00\x00"), "WEBP"...), ErrCorrupt, "no frame"},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, err := Decode(test.data, Limits{})
			if img != nil || !errors.Is(err, test.reason) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, %v; want %v with %q", img, err, test.reason, test.text)
			}
		})
	}
}

func TestDecodeKeepsLimits(t *testing.T) {
	for _, name := range []string{"420.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "lossy.webp", "lossless.webp", "animated_part.webp"} {
		data := picture(t, name)
		img, err := Decode(data, Limits{Bytes: int64(len(data)), Pixels: 32 * 24})
		if err != nil {
			t.Errorf("%s at the limit: %v", name, err)
			continue
		}
		if _, err := Decode(data, Limits{Pixels: int64(img.Width*img.Height) - 1}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, a pixel too many: %v", name, err)
		}
		if _, err := Decode(data, Limits{Bytes: int64(len(data)) - 1}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, a byte too many: %v", name, err)
		}
	}
}

// A frame may be larger than its file says, in either direction.
func TestDecodeMeasuresTheFrameItself(t *testing.T) {
	data := picture(t, "animated_part.webp")
	vp8 := bytes.Index(data, []byte{0x9d, 0x01, 0x2a})
	if _, err := Decode(patched(data, vp8+3, 0xff, 0x3f, 0xff, 0x3f), Limits{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a frame of 16383x16383 in a canvas of 32x24: %v", err)
	}
}

func TestDecodeRefusesEveryPrefix(t *testing.T) {
	for _, name := range pictures(t) {
		data := picture(t, name)
		for n := range data {
			_, err := Decode(data[:n], Limits{})
			if err == nil {
				t.Errorf("%s: %d of %d bytes pass", name, n, len(data))
				break
			}
			if !hasReason(err) || Sniff(data[:n]) != "" && !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(data), err)
				break
			}
		}
	}
}

func TestDecodeIgnoresWhatFollows(t *testing.T) {
	for _, name := range pictures(t) {
		data := append(picture(t, name), "a tail, as phones put it behind motion photos"...)
		if _, err := Decode(data, Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeRefusesManyScans(t *testing.T) {
	data := picture(t, "progressive.jpg")
	if l := walkJPEG(data); l.scans < 2 || !l.ended {
		t.Fatalf("%+v", l)
	}
	last := bytes.LastIndex(data, []byte{0xff, 0xda})
	many := append([]byte(nil), data[:last]...)
	for range maxScans {
		many = append(many, data[last:len(data)-2]...)
	}
	many = append(many, 0xff, 0xd9)
	if _, err := Decode(many, Limits{}); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "scans") {
		t.Errorf("%v", err)
	}
}

func TestDecodeSurvivesDamagedRemarks(t *testing.T) {
	data := picture(t, "orientation6.jpg")
	tiff := bytes.Index(data, []byte("Exif\x00\x00")) + 6
	for i := range 40 {
		for _, v := range []byte{0x00, 0x7f, 0xff} {
			img, err := Decode(patched(data, tiff+i, v), Limits{})
			if err != nil || img.Width*img.Height != 21*13 {
				t.Fatalf("byte %d = %#x: %v, %v", i, v, img, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range pictures(f) {
		f.Add(picture(f, name))
	}
	lim := Limits{Bytes: 1 << 16, Pixels: 1 << 16}
	p := Preprocessing{Width: 5, Height: 4, Colour: "rgb", Scale: 1. / 255, Resize: "bilinear"}
	dst := make([]float32, p.Len())
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Decode(data, lim)
		if err != nil {
			if img != nil || !hasReason(err) || err.Error() == "" {
				t.Fatalf("%v, %v", img, err)
			}
			return
		}
		if img.Width < 1 || img.Height < 1 || int64(img.Width*img.Height) > lim.Pixels || len(img.Pix) != img.Width*img.Height*3 {
			t.Fatalf("%dx%d, %d bytes", img.Width, img.Height, len(img.Pix))
		}
		if err := p.Apply(dst, img); err != nil {
			t.Fatal(err)
		}
		for _, v := range dst {
			if !(v >= -1e-5 && v <= 1+1e-5) {
				t.Fatalf("value %v", v)
			}
		}
	})
}
