package tflite

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The library's QUANTIZE operator is the judge of ours: ties and all under
// XNNPACK, up to one step for the plain kernels, which builds differ in.
func TestQuantiseEqualsTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"quantise_int8", "quantise_uint8"} {
		for _, o := range []Options{{Threads: 1}, {Threads: 1, NoXNNPACK: true}} {
			it := mustOpen(t, name, o)
			scale := it.Outputs()[0].Quantisation.Scale
			const items = 500
			src := make([]float32, items*64)
			for i := range src {
				tie := (float32(random.IntN(600)-300) + 0.5) * scale
				switch random.IntN(4) {
				case 0:
					src[i] = tie
				case 1:
					src[i] = math.Nextafter32(tie, float32(math.Inf(1)))
				case 2:
					src[i] = math.Nextafter32(tie, float32(math.Inf(-1)))
				case 3:
					src[i] = float32(random.NormFloat64()) * 100 * scale
				}
			}
			want := make([]float32, len(src))
			if err := it.Run(want, src); err != nil {
				t.Fatal(err)
			}
			memory, got := make([]byte, len(src)), make([]float32, len(src))
			it.outs[0].write(memory, src)
			it.outs[0].read(got, memory)
			for i := range got {
				if got[i] != want[i] && (!o.NoXNNPACK || math.Abs(float64(got[i]-want[i])) > 1.01*float64(scale)) {
					t.Fatalf("%s, plain=%v: %v becomes %v, the library says %v", name, o.NoXNNPACK, src[i], got[i], want[i])
				}
			}
		}
	}
}

func TestQuantiseSaturates(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		kind TensorType
		q    Quantisation
		src  float32
		want float32
	}{
		{Int8, Quantisation{0.5, -7}, 1e30, 67},
		{Int8, Quantisation{0.5, -7}, -1e30, -60.5},
		{Int8, Quantisation{0.5, -7}, inf, 67},
		{Int8, Quantisation{0.5, -7}, -inf, -60.5},
		{Int8, Quantisation{0.5, -7}, float32(math.NaN()), 0},
		{Int8, Quantisation{0.5, -7}, 0.25, 0}, // ties to even
		{Int8, Quantisation{0.5, -7}, 0.75, 1},
		{Int8, Quantisation{0.5, -7}, -0.25, 0},
		{UInt8, Quantisation{1, 128}, 1000, 127},
		{UInt8, Quantisation{1, 128}, -1000, -128},
		{UInt8, Quantisation{1, 0}, 255, 255},
		{UInt8, Quantisation{1, 0}, 255.5, 255},
		{UInt8, Quantisation{1, 255}, -254.6, -255},
		{UInt8, Quantisation{1e-30, 0}, 1e30, 255e-30},
	} {
		p, err := newPort(Tensor{Shape: []int{1, 1}, Type: test.kind, Quantisation: &test.q}, 1)
		if err != nil {
			t.Fatal(err)
		}
		memory, got := make([]byte, 1), make([]float32, 1)
		p.write(memory, []float32{test.src})
		p.read(got, memory)
		if got[0] != test.want {
			t.Errorf("%v %v: %v becomes %v, want %v", test.kind, test.q, test.src, got[0], test.want)
		}
	}
}

func TestNewPortRefuses(t *testing.T) {
	for _, bad := range []Tensor{
		{Shape: []int{1, 4}, Type: 4},
		{Shape: []int{0, 4}, Type: Float32},
		{Shape: []int{1, -4}, Type: Float32},
		{Shape: []int{3}, Type: Float32},
		{Shape: []int{1, 1 << 20, 1 << 20}, Type: Float32},
		{Shape: []int{2, 1<<31 - 1}, Type: Float32},
		{Shape: []int{1, 1 << 30}, Type: Float32},
		{Shape: []int{1, 4}, Type: Int8, Quantisation: &Quantisation{-1, 0}},
		{Shape: []int{1, 4}, Type: Int8, Quantisation: &Quantisation{float32(math.NaN()), 0}},
		{Shape: []int{1, 4}, Type: Int8, Quantisation: &Quantisation{float32(math.Inf(1)), 0}},
		{Shape: []int{1, 4}, Type: Int8, Quantisation: &Quantisation{1, 128}},
		{Shape: []int{1, 4}, Type: UInt8, Quantisation: &Quantisation{1, -1}},
	} {
		batch := 1
		if len(bad.Shape) == 1 {
			batch = 2
		}
		if _, err := newPort(bad, batch); err == nil {
			t.Errorf("%v with batch %d is accepted", bad, batch)
		}
	}
}
