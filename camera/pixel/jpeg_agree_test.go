package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// fast opens libjpeg-turbo, or skips the test.
func fast(t testing.TB) *turbo.Library {
	t.Helper()
	library, err := turbo.Open()
	if err != nil {
		t.Skip(err, "(make setup fetches it)")
	}
	return library
}

// gap is how far two pictures or inputs are apart, of 255.
type gap struct{ worst, mean float64 }

func gapOf[T byte | float32](t *testing.T, a, b []T) gap {
	t.Helper()
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d values and %d", len(a), len(b))
	}
	var g gap
	for i, v := range a {
		d := math.Abs(float64(v) - float64(b[i]))
		g.worst = max(g.worst, d)
		g.mean += d
	}
	g.mean /= float64(len(a))
	return g
}

// jpegs returns JPEGs of all kinds that libjpeg-turbo gets: those in testdata,
// some of the samples, and made-up ones of odd sizes.
func jpegs(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range pictures(t) {
		if strings.HasSuffix(name, ".jpg") {
			all[name] = picture(t, name)
		}
	}
	samples, err := filepath.Glob(filepath.Join("..", "..", "samples", "*", "*_a.jpg"))
	if err != nil || len(samples) < 20 {
		t.Fatalf("%d samples: %v", len(samples), err)
	}
	for i := 0; i < len(samples); i += 10 {
		data, err := os.ReadFile(samples[i])
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(samples[i])] = data
	}
	for _, size := range [][2]int{{1, 1}, {1, 40}, {7, 9}, {8, 8}, {17, 16}, {33, 31}, {250, 187}, {129, 1}} {
		for _, grey := range []bool{false, true} {
			name := "grey"
			if !grey {
				name = "colour"
			}
			all[name+image.Pt(size[0], size[1]).String()] = made(t, size[0], size[1], grey)
		}
	}
	return all
}

// made returns a JPEG of waves, edges and some noise.
func made(t testing.TB, width, height int, grey bool) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	at := func(x, y int) color.RGBA {
		wave := func(a, b float64) byte {
			return byte(128 + 100*math.Sin(a*float64(x)+b*float64(y)) + 20*random.Float64())
		}
		if x > width/2 && y > height/2 && (x+y)%20 < 8 {
			return color.RGBA{250, 40, 10, 255}
		}
		return color.RGBA{wave(.11, .02), wave(.03, .17), wave(.05, .06), 255}
	}
	bounds := image.Rect(0, 0, width, height)
	colour, dull := image.NewRGBA(bounds), image.NewGray(bounds)
	for y := range height {
		for x := range width {
			colour.SetRGBA(x, y, at(x, y))
			dull.Set(x, y, at(x, y))
		}
	}
	var img image.Image = colour
	if grey {
		img = dull
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// by decodes data whole, with the library or, if it is nil, with Go's decoder.
func by(library *turbo.Library, data []byte) (*RGB, error) {
	if library == nil {
		return DecodePortable(data, Limits{})
	}
	img := new(RGB)
	_, err := decode(library, img, data, Limits{}, Preprocessing{})
	return img, err
}

// turboReads reports whether libjpeg-turbo settles data by itself.
func turboReads(library *turbo.Library, data []byte) bool {
	l := walkJPEG(data)
	done, err := fastJPEG(library, new(RGB), data, l, Limits{}.OrDefault(), orientation(l.exif), 1)
	return done && err == nil
}

// Whole pictures agree within the tolerance that JPEGDecoder states.
func TestJPEGDecodersAgree(t *testing.T) {
	library := fast(t)
	others := 0
	for name, data := range jpegs(t) {
		a, errA := by(nil, data)
		b, errB := by(library, data)
		if errA != nil || errB != nil {
			t.Errorf("%s: %v, %v", name, errA, errB)
			continue
		}
		if a.Width != b.Width || a.Height != b.Height {
			t.Errorf("%s: %dx%d and %dx%d", name, a.Width, a.Height, b.Width, b.Height)
			continue
		}
		if g := gapOf(t, a.Pix, b.Pix); g.worst > 4 || g.mean > 0.4 {
			t.Errorf("%s: apart by up to %v, by %.3f on average", name, g.worst, g.mean)
		}
		if !turboReads(library, data) {
			others++
			if !bytes.Equal(a.Pix, b.Pix) {
				t.Errorf("%s: not Go's pixels, though it is Go's to decode", name)
			}
		}
	}
	if others != 8 { // 411, 440, cmyk, rgb, ycck, and three that are very narrow
		t.Errorf("%d kinds are left to Go", others)
	}
}

// Reduced decoding stays near the whole picture's numbers, whichever way that is
// turned, and whether or not its sides divide by the scale. The stripes are as
// hard as it gets: two or three of the base's pixels a period.
func TestReadReducedAgrees(t *testing.T) {
	library := fast(t)
	for _, size := range [][2]int{{640, 512}, {641, 513}, {647, 519}, {700, 530}} {
		data := made(t, size[0], size[1], false)
		for turn := range 9 {
			turned := data
			if turn > 0 {
				turned = withOrientation(data, turn)
			}
			for _, side := range []int{90, 45, 23, 16} {
				p := bytesAsTheyAre(side, side)
				a, b := make([]float32, p.Len()), make([]float32, p.Len())
				if errA, errB := p.read(nil, a, turned, Limits{}), p.read(library, b, turned, Limits{}); errA != nil || errB != nil {
					t.Fatal(errA, errB)
				}
				l := walkJPEG(turned)
				if d, want := p.denominator(l.frame.Header, turn), map[int]int{90: 2, 45: 4, 23: 8, 16: 8}[side]; d != want {
					t.Fatalf("%v for %d: at 1/%d, want 1/%d", size, side, d, want)
				}
				if g := gapOf(t, a, b); g.worst > 20 || g.mean > 3 {
					t.Errorf("%v to %d, turned %d: apart by up to %.2f, by %.3f on average", size, side, turn, g.worst, g.mean)
				}
			}
		}
	}
}

// In pictures with the detail of a camera's it stays within what Read promises.
func TestReadReducedAgreesOnSamples(t *testing.T) {
	library := fast(t)
	samples, err := filepath.Glob(filepath.Join("..", "..", "samples", "*", "*_a.jpg"))
	if err != nil || len(samples) < 20 {
		t.Fatalf("%d samples: %v", len(samples), err)
	}
	for _, d := range turbo.Denominators {
		var of, worst gap
		for _, path := range samples {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			h := walkJPEG(data).frame.Header
			p := bytesAsTheyAre(int(float64(h.Width)/oversample)/d, int(float64(h.Height)/oversample)/d)
			if got := p.denominator(h, 1); got != d {
				t.Fatalf("%dx%d for %dx%d: at 1/%d, want 1/%d", h.Width, h.Height, p.Width, p.Height, got, d)
			}
			a, b := make([]float32, p.Len()), make([]float32, p.Len())
			if errA, errB := p.read(nil, a, data, Limits{}), p.read(library, b, data, Limits{}); errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			g := gapOf(t, a, b)
			of.mean += g.mean / float64(len(samples))
			of.worst = max(of.worst, g.worst)
			worst.mean = max(worst.mean, g.mean)
		}
		t.Logf("at 1/%d: apart by up to %.2f, by %.3f on average, by %.3f in the worst picture", d, of.worst, of.mean, worst.mean)
		if of.mean > 0.6 || worst.mean > 1.5 || of.worst > 20 {
			t.Errorf("at 1/%d: too far", d)
		}
	}
}

// withOrientation puts an EXIF block behind the start marker of a JPEG.
func withOrientation(data []byte, turn int) []byte {
	tiff := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	tiff = append(tiff, byte(turn), 0, 0, 0, 0, 0, 0, 0)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(tiff)+2))...)
	return append(append(out, tiff...), data[2:]...)
}

// A slope shows a shift: reduced or not, turned or not, its middle stays where it is.
func TestReadReducedDoesNotShift(t *testing.T) {
	library := fast(t)
	for _, width := range []int{512, 513, 517, 519} {
		grey := image.NewGray(image.Rect(0, 0, width, width))
		for i := range grey.Pix {
			grey.Pix[i] = byte(255 * (i % width) / (width - 1))
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, grey, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		for turn := 1; turn <= 8; turn++ {
			data := withOrientation(out.Bytes(), turn)
			p := bytesAsTheyAre(32, 32)
			a, b := make([]float32, p.Len()), make([]float32, p.Len())
			if errA, errB := p.read(nil, a, data, Limits{}), p.read(library, b, data, Limits{}); errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			// One pixel of the base's is 8 grey levels wide.
			if g := gapOf(t, a, b); g.worst > 1 {
				t.Errorf("%d wide, turned %d: apart by up to %.2f", width, turn, g.worst)
			}
		}
	}
}

// Without a reduced scale Read is Decode and Apply, to the last bit, for every
// format.
func TestReadIsDecodeAndApply(t *testing.T) {
	for _, rule := range []Resize{Bilinear, BilinearAliased} {
		p := Preprocessing{Width: 16, Height: 12, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: rule}
		got, want := make([]float32, p.Len()), make([]float32, p.Len())
		for _, name := range pictures(t) {
			data := picture(t, name)
			img, err := Decode(data, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Apply(want, img); err != nil {
				t.Fatal(err)
			}
			if err := p.Read(got, data, Limits{}); err != nil {
				t.Fatal(err)
			}
			if g := gapOf(t, got, want); g.worst != 0 {
				t.Errorf("%s, %s: apart by up to %v", name, rule, g.worst)
			}
		}
	}
}

// What Read refuses is what Decode and Apply refuse.
func TestReadRefuses(t *testing.T) {
	p := bytesAsTheyAre(4, 4)
	dst := make([]float32, p.Len())
	data := picture(t, "420.jpg")
	if p.Read(dst[1:], data, Limits{}) == nil {
		t.Error("a dst of the wrong length passes")
	}
	if (Preprocessing{}).Read(nil, data, Limits{}) == nil {
		t.Error("no preprocessing passes")
	}
	if err := p.Read(dst, nil, Limits{}); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if err := p.Read(dst, data, Limits{Pixels: 20}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// The same errors, word for word, for pictures that are cut off, for those that
// are damaged in a way that is noticed, and for hostile sizes.
func TestJPEGDecodersRefuseAlike(t *testing.T) {
	library := fast(t)
	alike := func(name string, data []byte, lim Limits) {
		t.Helper()
		for _, p := range []Preprocessing{{}, bytesAsTheyAre(1, 1)} {
			_, errA := decode(nil, new(RGB), data, lim, p)
			_, errB := decode(library, new(RGB), data, lim, p)
			if errA == nil || errB == nil || errA.Error() != errB.Error() || !hasReason(errB) {
				t.Errorf("%s: %v and %v", name, errA, errB)
			}
		}
	}
	for _, name := range []string{"420.jpg", "444.jpg", "progressive.jpg", "grey.jpg", "restart.jpg", "orientation6.jpg"} {
		data := picture(t, name)
		for n := 3; n < len(data); n += 1 + n/40 {
			alike(name, data[:n:n], Limits{})
		}
		alike(name, data, Limits{Pixels: 20})
		alike(name, data, Limits{Bytes: 20})
	}
	data := picture(t, "420.jpg")
	frame := bytes.Index(data, []byte{0xff, 0xc0})
	alike("bomb", patched(data, frame+5, 0xff, 0xff, 0xff, 0xff), Limits{})
	alike("larger than it is", patched(data, frame+5, 0x02, 0x00, 0x02, 0x00), Limits{})
	alike("no width", patched(data, frame+7, 0, 0), Limits{})
	alike("two frames", append(bytes.Clone(data[:frame+19]), data[frame:]...), Limits{})
	alike("no scan", append(bytes.Clone(data[:frame+19]), 0xff, 0xd9), Limits{})
}

// A picture without Huffman tables, as USB cameras send it, is libjpeg-turbo's too.
func TestJPEGDecodersAgreeWithoutTables(t *testing.T) {
	library := fast(t)
	data := withoutTables(t, made(t, 70, 50, false))
	if !turboReads(library, data) {
		t.Error("left to Go")
	}
	a, errA := by(nil, data)
	b, errB := by(library, data)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if g := gapOf(t, a.Pix, b.Pix); g.worst > 4 {
		t.Errorf("apart by up to %v", g.worst)
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	library := fast(t)
	for _, size := range []int{100, 600} {
		data := made(t, size, size, false)
		p := bytesAsTheyAre(32, 32)
		dst := make([]float32, p.Len())
		// The collector empties the pools once in a while, and the race detector
		// has them forget on purpose.
		if n := testing.AllocsPerRun(100, func() { _ = p.read(library, dst, data, Limits{}) }); n > 5 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestChooseJPEG(t *testing.T) {
	none := func() (*turbo.Library, error) { return nil, turbo.ErrMissing }
	one := func() (*turbo.Library, error) { return new(turbo.Library), nil }
	for _, c := range []struct {
		wish    string
		open    func() (*turbo.Library, error)
		name    string
		reason  string
		numbers string
	}{
		{"", one, "libjpeg-turbo", "", "libjpeg-turbo 1"},
		{"", none, "go", "there is no libturbojpeg.so.0", ""},
		{"go", one, "go", "EDGE_JPEG=go", ""},
	} {
		got := chooseJPEG(c.wish, c.open)
		if d := got.decoder; d.Name != c.name || d.Reason != c.reason || d.Numbers() != c.numbers || (got.library != nil) != (c.name == nameTurbo) {
			t.Errorf("%q: %+v, %q", c.wish, got, d.Numbers())
		}
	}
}

// FuzzRead feeds both decoders. What both read has one size, and what the Go
// decoder alone reads the other must have handed over to it.
func FuzzRead(f *testing.F) {
	for _, name := range pictures(f) {
		if strings.HasSuffix(name, ".jpg") {
			f.Add(picture(f, name))
		}
	}
	library := fast(f)
	lim := Limits{Bytes: 1 << 16, Pixels: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		if Sniff(data) != "jpeg" {
			return
		}
		a, b := new(RGB), new(RGB)
		_, errA := decode(nil, a, data, lim, Preprocessing{})
		_, errB := decode(library, b, data, lim, Preprocessing{})
		if errA == nil && errB != nil || errB != nil && !hasReason(errB) {
			t.Fatalf("%v, and %v", errA, errB)
		}
		if errA == nil && (a.Width != b.Width || a.Height != b.Height || len(a.Pix) != len(b.Pix)) {
			t.Fatalf("%dx%d and %dx%d", a.Width, a.Height, b.Width, b.Height)
		}
		for _, side := range []int{1, 3, 9} {
			p := bytesAsTheyAre(side, side)
			dst := make([]float32, p.Len())
			if err := p.read(library, dst, data, lim); err != nil {
				if !hasReason(err) || errB == nil {
					t.Fatalf("%v, but whole %v", err, errB)
				}
				continue
			}
			for _, v := range dst {
				if !(v >= -1e-3 && v <= 255+1e-3) {
					t.Fatalf("value %v", v)
				}
			}
		}
	})
}
