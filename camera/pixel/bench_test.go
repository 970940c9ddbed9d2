package pixel

import (
	"fmt"
	"image"
	"testing"

	"golang.org/x/image/draw"
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
