package network

import (
	"math"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// forward computes the layers from first on for one picture, from the values of
// tensors that are known, and returns the features. It follows the definitions,
// slowly: it is what the layers are checked with.
func forward(t *testing.T, n *Network, first int, values map[int][]float32) []float32 {
	t.Helper()
	for i := first; i < len(n.Layers); i++ {
		l := &n.Layers[i]
		for _, in := range l.Inputs {
			if values[in] == nil {
				t.Fatalf("layer %s needs tensor %d, which is not known", l.Name, in)
			}
		}
		y := linear(n, l, values)
		for k, v := range y {
			y[k] = activated(v, l.Activation)
		}
		values[l.Output] = y
	}
	return values[n.Feature.Tensor]
}

func activated(v float32, a file.Activation) float32 {
	switch a {
	case file.Relu:
		return max(v, 0)
	case file.Relu6:
		return min(max(v, 0), 6)
	}
	return v
}

func linear(n *Network, l *Layer, values map[int][]float32) []float32 {
	x, in, out := values[l.Inputs[0]], n.Shape(l.Inputs[0]), n.Shape(l.Output)
	y := make([]float32, product(out))
	switch l.Code {
	case file.OpConv2D:
		v := l.Options.(file.Conv2DOptions)
		k := l.Kernel.Shape
		w := window{in, out, k[1:3], []int32{v.StrideH, v.StrideW}, []int32{v.DilationH, v.DilationW}, v.Padding}
		w.each(func(to, from, at int) {
			for o := range k[0] {
				for c := range k[3] {
					y[to*k[0]+o] += x[from*k[3]+c] * l.Kernel.Values[(o*k[1]*k[2]+at)*k[3]+c]
				}
			}
		})
	case file.OpDepthwiseConv2D:
		v := l.Options.(file.DepthwiseConv2DOptions)
		k := l.Kernel.Shape
		w := window{in, out, k[1:3], []int32{v.StrideH, v.StrideW}, []int32{v.DilationH, v.DilationW}, v.Padding}
		multiplier := k[3] / in[2]
		w.each(func(to, from, at int) {
			for o := range k[3] {
				y[to*k[3]+o] += x[from*in[2]+o/multiplier] * l.Kernel.Values[at*k[3]+o]
			}
		})
	case file.OpAveragePool2D:
		v := l.Options.(file.Pool2DOptions)
		w := window{in, out, []int{int(v.FilterHeight), int(v.FilterWidth)}, []int32{v.StrideH, v.StrideW}, []int32{1, 1}, v.Padding}
		counts := make([]float32, out[0]*out[1])
		w.each(func(to, from, _ int) {
			counts[to]++
			for c := range in[2] {
				y[to*in[2]+c] += x[from*in[2]+c]
			}
		})
		for i := range y {
			y[i] /= counts[i/in[2]]
		}
	case file.OpFullyConnected:
		k := l.Kernel.Shape
		for i := range y {
			for c := range k[1] {
				y[i] += x[i/k[0]*k[1]+c] * l.Kernel.Values[i%k[0]*k[1]+c]
			}
		}
	case file.OpMean: // over height and width
		for i, v := range x {
			y[i%len(y)] += v / float32(len(x)/len(y))
		}
	case file.OpAdd, file.OpMul:
		other := l.Constant
		if other == nil {
			other = &Weight{Shape: n.Shape(l.Inputs[1]), Values: values[l.Inputs[1]]}
		}
		for i := range y {
			// All of these match from the last dimension on, or are a pixel.
			a, b := x[i%len(x)], other.Values[i%len(other.Values)]
			if l.Code == file.OpAdd {
				y[i] = a + b
			} else {
				y[i] = a * b
			}
		}
	case file.OpPad:
		p := l.Constant.Ints
		for i, v := range x {
			h, w, c := i/in[2]/in[1], i/in[2]%in[1], i%in[2]
			y[((h+int(p[2]))*out[1]+w+int(p[4]))*out[2]+c+int(p[6])] = v
		}
	case file.OpRelu, file.OpRelu6, file.OpHardSwish:
		for i, v := range x {
			switch l.Code {
			case file.OpRelu:
				y[i] = max(v, 0)
			case file.OpRelu6:
				y[i] = min(max(v, 0), 6)
			default:
				y[i] = v * min(max(v+3, 0), 6) / 6
			}
		}
	case file.OpReshape:
		copy(y, x)
	}
	if l.Bias != nil {
		for i := range y {
			y[i] += l.Bias.Values[i%len(l.Bias.Values)]
		}
	}
	return y
}

// window slides over a picture.
type window struct {
	in, out, size     []int
	stride, dilations []int32
	padding           file.Padding
}

// each calls f with every position of the output, of the input under it, and
// within the window.
func (w window) each(f func(to, from, at int)) {
	var before, step [2]int
	for d := range before {
		step[d] = max(1, int(w.dilations[d]))
		if w.padding == file.Same {
			before[d] = max(0, (w.out[d]-1)*int(w.stride[d])+(w.size[d]-1)*step[d]+1-w.in[d]) / 2
		}
	}
	for to := range w.out[0] * w.out[1] {
		for at := range w.size[0] * w.size[1] {
			y := to/w.out[1]*int(w.stride[0]) + at/w.size[1]*step[0] - before[0]
			x := to%w.out[1]*int(w.stride[1]) + at%w.size[1]*step[1] - before[1]
			if y >= 0 && y < w.in[0] && x >= 0 && x < w.in[1] {
				f(to, y*w.in[1]+x, at)
			}
		}
	}
}

// near fails if two results differ by more than float noise.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var worst, size float64
	for i := range got {
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
		size = max(size, math.Abs(float64(want[i])))
	}
	if size == 0 || worst > 1e-4*size {
		t.Errorf("%s: differs by %.3g where values reach %.3g", what, worst, size)
	}
}
