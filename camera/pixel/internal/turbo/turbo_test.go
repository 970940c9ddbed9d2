package turbo

import (
	"bytes"
	"errors"
	"hash/crc32"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// library opens libjpeg-turbo, or skips the test.
func library(t testing.TB) *Library {
	t.Helper()
	l, err := Open()
	if errors.Is(err, ErrMissing) {
		t.Skip(err, "(make setup fetches it)")
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The known pixels are those that Pillow saw in the same picture.
func TestCheckIsWhatPillowSees(t *testing.T) {
	pictures := filepath.Join("..", "..", "testdata", "pictures")
	if data, err := os.ReadFile(filepath.Join(pictures, "420.jpg")); err != nil || !bytes.Equal(data, checkPicture) {
		t.Errorf("check.jpg is not 420.jpg: %v", err)
	}
	f, err := os.Open(filepath.Join(pictures, "420.jpg.want.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	var pix []byte
	for y := range checkHeader.Height {
		for x := range checkHeader.Width {
			r, g, b, _ := img.At(x, y).RGBA()
			pix = append(pix, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	if got := crc32.Checksum(pix, crc32.MakeTable(crc32.Castagnoli)); got != checkSums[0] {
		t.Errorf("%#x, want %#x", got, checkSums[0])
	}
}

func TestOpen(t *testing.T) {
	l := library(t)
	if !filepath.IsAbs(l.Path()) || !strings.HasPrefix(filepath.Base(l.Path()), Name) {
		t.Errorf("path %q", l.Path())
	}
	if got := l.sums(); got != checkSums {
		t.Errorf("%#x, want %#x", got, checkSums)
	}
}

func TestDecodeWritesNothingElse(t *testing.T) {
	l := library(t)
	for _, d := range Denominators {
		n := 3 * Scaled(checkHeader.Width, d) * Scaled(checkHeader.Height, d)
		guarded := bytes.Repeat([]byte{0xa5}, n+64)
		if !l.Decode(guarded[32:32+n:32+n], checkPicture, checkHeader, d) {
			t.Fatalf("1/%d: refused", d)
		}
		guards := append(bytes.Clone(guarded[:32]), guarded[32+n:]...)
		if !bytes.Equal(guards, bytes.Repeat([]byte{0xa5}, 64)) {
			t.Errorf("1/%d: written outside dst", d)
		}
	}
}

// A header that is not the picture's own is refused, whichever is larger, and so
// are sizes that do not fit, and pictures that are cut off.
func TestDecodeRefuses(t *testing.T) {
	l := library(t)
	h := checkHeader
	for name, other := range map[string]Header{
		"narrower":   {h.Width - 1, h.Height, h.Sampling},
		"wider":      {h.Width + 1, h.Height, h.Sampling},
		"lower":      {h.Width, h.Height - 1, h.Sampling},
		"higher":     {h.Width, h.Height + 1, h.Sampling},
		"422":        {h.Width, h.Height, Sampling422},
		"grey":       {h.Width, h.Height, Grey},
		"no width":   {0, h.Height, h.Sampling},
		"negative":   {-h.Width, -h.Height, h.Sampling},
		"too large":  {1 << 16, h.Height, h.Sampling},
		"overflowed": {1<<32 + h.Width, h.Height, h.Sampling},
	} {
		if dst := make([]byte, 3*max(0, other.Width%(1<<20))*max(0, other.Height)); l.Decode(dst, checkPicture, other, 1) {
			t.Errorf("%s passes", name)
		}
	}
	dst := make([]byte, 3*h.Width*h.Height)
	for name, passes := range map[string]bool{
		"no denominator": l.Decode(dst, checkPicture, h, 0),
		"short dst":      l.Decode(dst[1:], checkPicture, h, 1),
		"long dst":       l.Decode(append(dst, 0), checkPicture, h, 1),
		"no data":        l.Decode(dst, nil, h, 1),
	} {
		if passes {
			t.Errorf("%s passes", name)
		}
	}
	for n := range checkPicture {
		if l.Decode(dst, checkPicture[:n:n], h, 1) {
			t.Fatalf("%d of %d bytes pass", n, len(checkPicture))
		}
	}
}

func TestDecodeConcurrently(t *testing.T) {
	l := library(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := l.sums(); got != checkSums {
					t.Errorf("%#x", got)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestDecodeAllocatesNothing(t *testing.T) {
	l := library(t)
	dst := make([]byte, 3*checkHeader.Width*checkHeader.Height)
	if n := testing.AllocsPerRun(100, func() { l.Decode(dst, checkPicture, checkHeader, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
