package tflite

import (
	"fmt"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

// BenchmarkRun measures the shared MobileNetV2; ns/image is the figure to compare.
func BenchmarkRun(b *testing.B) {
	path := shareddata.Path(b, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	for _, plain := range []bool{false, true} {
		for _, threads := range []int{1, 2} {
			for _, batch := range []int{1, 8, 32} {
				b.Run(fmt.Sprintf("xnnpack=%v/threads=%d/batch=%d", !plain, threads, batch), func(b *testing.B) {
					it, err := Open(path, Options{Threads: threads, NoXNNPACK: plain})
					if err != nil {
						b.Fatal(err)
					}
					defer it.Close()
					dst, src := make([]float32, batch*it.outs[0].per), noise(batch*it.in.per)
					if err := it.Run(dst, src); err != nil { // settles the batch
						b.Fatal(err)
					}
					b.ReportAllocs()
					for b.Loop() {
						if err := it.Run(dst, src); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/image")
				})
			}
		}
	}
}

// BenchmarkOpen measures what a change of base costs.
func BenchmarkOpen(b *testing.B) {
	path := shareddata.Path(b, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	for b.Loop() {
		it, err := Open(path, Options{Threads: 2})
		if err != nil {
			b.Fatal(err)
		}
		it.Close()
	}
}

// BenchmarkOtherBatch measures what a change of batch costs, the run included.
func BenchmarkOtherBatch(b *testing.B) {
	path := shareddata.Path(b, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	it, err := Open(path, Options{Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer it.Close()
	dst, src := make([]float32, 2*it.outs[0].per), noise(2*it.in.per)
	for i := 0; b.Loop(); i++ {
		batch := 1 + i%2
		if err := it.Run(dst[:batch*it.outs[0].per], src[:batch*it.in.per]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrial measures what trying a model in a child costs.
func BenchmarkTrial(b *testing.B) {
	path := shareddata.Path(b, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")
	for b.Loop() {
		if err := Trial(b.Context(), path, TrialOptions{Options: Options{Threads: 2}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuantise measures the conversion of a 224-pixel picture to uint8.
func BenchmarkQuantise(b *testing.B) {
	p, err := newPort(Tensor{Shape: []int{1, 224, 224, 3}, Type: UInt8, Quantisation: &Quantisation{1 / 127.5, 128}}, 1)
	if err != nil {
		b.Fatal(err)
	}
	src, memory := noise(p.per), make([]byte, p.per)
	b.SetBytes(int64(len(src) * 4))
	for b.Loop() {
		p.write(memory, src)
	}
}
