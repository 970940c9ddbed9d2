package augment

import (
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
)

func BenchmarkApply(b *testing.B) {
	p := input(128)
	canvas := NewCanvas(p)
	for i := range canvas.Pix {
		canvas.Pix[i] = uint8(i * 7 >> 3)
	}
	dst := make([]float32, p.Len())
	b.ReportAllocs()
	var image uint64
	for b.Loop() {
		image++
		if err := strong.Draw(1, 1, image).Apply(dst, canvas, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPaint(b *testing.B) {
	canvas, img := NewCanvas(input(128)), pixel.NewRGB(348, 348)
	b.ReportAllocs()
	for b.Loop() {
		if err := Paint(canvas, img); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMix(b *testing.B) {
	x, y := make([]float32, 128*128*3), make([]float32, 128*128*3)
	for b.Loop() {
		Mix(x, x, y, 0.7)
	}
}

// strong switches everything on.
var strong = Config{Flip: true, Crop: 0.5, Rotate: 15, Light: 0.4, Erase: 0.2, Mix: 0.5}

// input is the preprocessing of MobileNetV2.
func input(side int) pixel.Preprocessing {
	return pixel.Preprocessing{Width: side, Height: side, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: "bilinear"}
}
