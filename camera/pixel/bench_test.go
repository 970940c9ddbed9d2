package pixel

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/draw"

	"github.com/edge-adapt/edge/camera/pixel/internal/turbo"
)

// BenchmarkApply compares with the general-purpose resampler of x/image/draw.
func BenchmarkApply(b *testing.B) {
	const side = 128
	p := Preprocessing{Width: side, Height: side, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: "bilinear"}
	dst := make([]float32, p.Len())
	for _, size := range [][2]int{{100, 100}, {224, 224}, {348, 348}, {640, 480}, {1920, 1080}, {4000, 3000}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		img := noise(size[0], size[1])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Apply(dst, img); err != nil {
					b.Fatal(err)
				}
			}
		})
		src, out := image.NewRGBA(image.Rect(0, 0, size[0], size[1])), image.NewRGBA(image.Rect(0, 0, side, side))
		b.Run(name+"/x-image-draw", func(b *testing.B) {
			for b.Loop() {
				draw.BiLinear.Scale(out, out.Bounds(), src, src.Bounds(), draw.Src, nil)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"420.jpg", "rgb.png", "lossy.webp"} {
		data := picture(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// photo returns a picture of the samples, at its own size or, in between its
// pixels bilinear, at another; with noise as a camera's, so that it packs no better.
func photo(b *testing.B, width, height int) []byte {
	b.Helper()
	all, err := filepath.Glob(filepath.Join("..", "..", "samples", "valve_open", "*.jpg"))
	if err != nil || len(all) == 0 {
		b.Fatalf("no samples: %v", err)
	}
	data, err := os.ReadFile(all[0])
	if err != nil {
		b.Fatal(err)
	}
	small, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	large := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.BiLinear.Scale(large, large.Rect, small, small.Bounds(), draw.Src, nil)
	random := rand.New(rand.NewPCG(1, 2))
	for i, v := range large.Pix {
		large.Pix[i] = byte(min(max(int(v)+random.IntN(9)-4, 0), 255))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, large, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkRead is a picture file to a base's input, by each decoder. The 250
// pixels are the common case, 12 megapixels a phone's.
func BenchmarkRead(b *testing.B) {
	for _, rule := range []Resize{Bilinear, BilinearAliased} {
		p := Preprocessing{Width: 128, Height: 128, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: rule}
		dst := make([]float32, p.Len())
		for _, size := range [][2]int{{250, 250}, {500, 500}, {1920, 1080}, {4000, 3000}} {
			data := photo(b, size[0], size[1])
			for _, library := range []*turbo.Library{nil, jpegLibrary()} {
				name := "go"
				if library != nil {
					name = "turbo"
				}
				b.Run(fmt.Sprintf("%s/%dx%d/%s", rule, size[0], size[1], name), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(len(data)))
					for b.Loop() {
						if err := p.read(library, dst, data, Limits{}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
