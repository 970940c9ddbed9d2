package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"
)

// withoutTables cuts the Huffman tables out of a JPEG, as USB cameras do.
func withoutTables(t *testing.T, data []byte) []byte {
	t.Helper()
	at := bytes.Index(data, []byte{0xff, 0xc4})
	if at < 0 {
		t.Fatal("no tables")
	}
	n := 2 + int(binary.BigEndian.Uint16(data[at+2:]))
	return append(bytes.Clone(data[:at]), data[at+n:]...)
}

func TestJPEGWithoutHuffmanTables(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 70, 50))
	for i := range img.Pix {
		img.Pix[i] = byte(rand.Uint32())
	}
	grey := image.NewGray(img.Rect)
	copy(grey.Pix, img.Pix)
	for _, source := range []image.Image{img, grey} {
		var whole bytes.Buffer
		if err := jpeg.Encode(&whole, source, nil); err != nil {
			t.Fatal(err)
		}
		want, err := Decode(whole.Bytes(), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		bare := withoutTables(t, whole.Bytes())
		got, err := Decode(bare, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Error("without its tables the picture is another one")
		}
		if _, err := Decode(bare[:len(bare)/2], Limits{}); !errors.Is(err, ErrTruncated) {
			t.Errorf("half of it: %v, want truncated", err)
		}
	}
}
