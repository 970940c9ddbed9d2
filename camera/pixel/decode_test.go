package pixel

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pictures returns the names of the pictures in testdata.
func pictures(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", "pictures", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range all {
		if !strings.HasSuffix(path, ".want.png") {
			names = append(names, filepath.Base(path))
		}
	}
	if len(names) < 40 {
		t.Fatalf("%d pictures in testdata", len(names))
	}
	return names
}

// picture returns the bytes of a picture in testdata.
func picture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "pictures", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// want returns what a correct reader sees in the named picture.
func want(t testing.TB, name string) *RGB {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture(t, name+".want.png")))
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	p := NewRGB(size.X, size.Y)
	for y := range size.Y {
		for x := range size.X {
			r, g, b, _ := img.At(x, y).RGBA()
			copy(p.Pix[(y*size.X+x)*3:], []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)})
		}
	}
	return p
}

// tolerance is how far a value may be off: lossless formats are exact, the
// others differ by the rounding of their inverse transforms.
func tolerance(name string) int {
	switch {
	case strings.HasSuffix(name, ".jpg"):
		return 3
	case strings.HasSuffix(name, ".webp") && !strings.HasPrefix(name, "lossless") && name != "animated_alpha.webp":
		return 3
	}
	return 0
}

func TestDecodeSeesWhatOthersSee(t *testing.T) {
	for _, name := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(picture(t, name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want := want(t, name)
			if got.Width != want.Width || got.Height != want.Height || len(got.Pix) != len(want.Pix) {
				t.Fatalf("%dx%d, %d bytes; want %dx%d", got.Width, got.Height, len(got.Pix), want.Width, want.Height)
			}
			worst, at := 0, 0
			for i, v := range got.Pix {
				if d := abs(int(v) - int(want.Pix[i])); d > worst {
					worst, at = d, i
				}
			}
			if worst > tolerance(name) {
				pixel := at / 3
				t.Errorf("off by %d at (%d, %d), channel %d: %d, want %d", worst,
					pixel%got.Width, pixel/got.Width, at%3, got.Pix[at], want.Pix[at])
			}
		})
	}
}

func abs(v int) int { return max(v, -v) }

// One picture after the other into the same memory: each comes out as on its own.
func TestDecodeIntoReusesMemory(t *testing.T) {
	var dst RGB
	dst.Resize(1000, 1000)
	room := &dst.Pix[0]
	for _, name := range pictures(t) {
		for i := range dst.Pix[:cap(dst.Pix)] {
			dst.Pix[:cap(dst.Pix)][i] = 0xaa
		}
		data := picture(t, name)
		want, err := Decode(data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := DecodeInto(&dst, data, Limits{}); err != nil {
			t.Fatal(err)
		}
		if dst.Width != want.Width || dst.Height != want.Height || !bytes.Equal(dst.Pix, want.Pix) {
			t.Errorf("%s: not the picture that Decode gives", name)
		}
		if &dst.Pix[0] != room {
			t.Errorf("%s: the memory was not used", name)
		}
	}
}
