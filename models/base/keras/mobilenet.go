package keras

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/edge-adapt/edge/models/base/keras/hdf5"
)

// maxWidth bounds the channels of a map; width 1.4 has 2,688 at its widest.
const maxWidth = 1 << 14

// mobileNet is MobileNetV2 with its weights.
type mobileNet struct {
	units []folded // in the order of the plan
}

// folded is a unit whose batch norm has become part of its convolution.
type folded struct {
	unit
	in, out int // channels

	// weights has the shape that TensorFlow Lite wants: [out, height, width, in],
	// or [1, height, width, out] for a depthwise convolution.
	weights []float32
	bias    []float32 // [out]
}

// readNetwork reads the weights, checks that they fit each other, and folds batch
// norm.
func readNetwork(pairs []pair, c *config) (*mobileNet, error) {
	n := &mobileNet{}
	channels := 3
	for i, u := range plan() {
		f, err := readUnit(u, pairs[i], channels, c)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", u.conv, err)
		}
		if u.kind == expand && f.out != expansion*channels {
			return nil, fmt.Errorf("layer %q makes %d channels of %d, want %d", u.conv, f.out, channels, expansion*channels)
		}
		if before := n.before(u); before != nil && before.out != f.out {
			return nil, fmt.Errorf("layer %q makes %d channels and %q %d, want as many", u.conv, f.out, before.conv, before.out)
		}
		n.units = append(n.units, f)
		channels = f.out
	}
	return n, nil
}

// before returns the last unit of the block before, if it belongs to the stage
// of u, the last of its own.
func (n *mobileNet) before(u unit) *folded {
	if u.kind != project {
		return nil
	}
	for i := range slices.Backward(n.units) {
		if n.units[i].kind == project {
			if n.units[i].stage == u.stage {
				return &n.units[i]
			}
			return nil
		}
	}
	return nil
}

// readUnit reads a unit that is given in channels.
func readUnit(u unit, p pair, in int, c *config) (folded, error) {
	f := folded{unit: u, in: in}
	d := p.conv.weights[kernel]
	if d == nil {
		return f, errors.New("it has no kernel")
	}
	side := 1
	if u.kind == stem || u.kind == depthwise {
		side = 3
	}
	// [height, width, in, out], or [height, width, in, 1].
	if len(d.Shape) == 4 {
		f.out = d.Shape[3]
		if u.kind == depthwise {
			f.out = in
		}
	}
	want := []int{side, side, in, f.out}
	if u.kind == depthwise {
		want[3] = 1
	}
	if !slices.Equal(d.Shape, want) || f.out < 1 || f.out > maxWidth {
		want = want[:3]
		return f, fmt.Errorf("its kernel has the shape %v, want %v and a bearable number of channels", d.Shape, want)
	}
	weights, err := d.Float32s()
	if err != nil {
		return f, err
	}
	b, err := vector(p.conv, bias, f.out, true)
	if err != nil {
		return f, err
	}
	s, err := readStatistics(p.norm, f.out)
	if err != nil {
		return f, fmt.Errorf("batch norm %q: %w", u.norm, err)
	}
	scale, shift, err := s.normalise(c.epsilon(u.norm))
	if err != nil {
		return f, fmt.Errorf("batch norm %q: %w", u.norm, err)
	}
	return f, f.fold(weights, b, scale, shift)
}

// vector reads a weight of n values. One that may be missing is nil then.
func vector(l *layer, name string, n int, mayMiss bool) ([]float32, error) {
	var d *hdf5.Dataset
	if d = l.weights[name]; d == nil {
		if mayMiss {
			return nil, nil
		}
		return nil, fmt.Errorf("it has no %s", name)
	}
	if len(d.Shape) != 1 || d.Shape[0] != n {
		return nil, fmt.Errorf("its %s has the shape %v, want [%d]", name, d.Shape, n)
	}
	return d.Float32s()
}

// statistics are the weights of a batch norm, a value a channel.
type statistics struct {
	gamma, beta    []float32 // nil if it does without
	mean, variance []float32
}

// readStatistics reads the weights of a batch norm over n channels.
func readStatistics(l *layer, n int) (s statistics, err error) {
	for _, w := range [...]struct {
		name    string
		to      *[]float32
		mayMiss bool
	}{{gamma, &s.gamma, true}, {beta, &s.beta, true}, {movingMean, &s.mean, false}, {movingSpread, &s.variance, false}} {
		if *w.to, err = vector(l, w.name, n, w.mayMiss); err != nil {
			return s, err
		}
	}
	return s, nil
}

// normalise returns batch norm as a product and a sum a channel:
// y = scale*x + shift, from y = gamma * (x-mean) / sqrt(variance+epsilon) + beta.
func (s *statistics) normalise(epsilon float64) (scale, shift []float64, err error) {
	scale, shift = make([]float64, len(s.mean)), make([]float64, len(s.mean))
	for i := range scale {
		variance := float64(s.variance[i]) + epsilon
		if !(variance > 0) {
			return nil, nil, fmt.Errorf("the variance of channel %d is %v", i, s.variance[i])
		}
		scale[i] = 1 / math.Sqrt(variance)
		if s.gamma != nil {
			scale[i] *= float64(s.gamma[i])
		}
		shift[i] = -float64(s.mean[i]) * scale[i]
		if s.beta != nil {
			shift[i] += float64(s.beta[i])
		}
	}
	return scale, shift, nil
}

// fold sets weights and bias so that the convolution does the work of its batch
// norm too. kernel has Keras' shape. Sums are made in float64 and rounded once.
func (f *folded) fold(kernel, b []float32, scale, shift []float64) error {
	f.weights, f.bias = make([]float32, len(kernel)), make([]float32, f.out)
	if f.kind == depthwise {
		for i, w := range kernel { // [height, width, channel, 1] as it is
			f.weights[i] = float32(float64(w) * scale[i%f.out])
		}
	} else {
		row := len(kernel) / f.out
		for i := range row {
			for o := range f.out {
				f.weights[o*row+i] = float32(float64(kernel[i*f.out+o]) * scale[o])
			}
		}
	}
	for o := range f.bias {
		sum := shift[o]
		if b != nil {
			sum += float64(b[o]) * scale[o]
		}
		f.bias[o] = float32(sum)
	}
	for _, list := range [][]float32{f.weights, f.bias} {
		for _, v := range list {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return errors.New("its weights are not finite once batch norm is folded")
			}
		}
	}
	return nil
}

// features returns F, the number of values of one picture.
func (n *mobileNet) features() int { return n.units[len(n.units)-1].out }

// alphas are the widths for which keras.applications publishes weights.
var alphas = [...]float64{1, 0.35, 0.5, 0.75, 1.3, 1.4}

// alpha returns the published width that the network has, else another one in
// steps of 0.05, else 0.
func (n *mobileNet) alpha() float64 {
	for _, a := range alphas {
		if n.isOf(a) {
			return a
		}
	}
	for step := range 80 {
		if a := float64(step+1) / 20; n.isOf(a) {
			return a
		}
	}
	return 0
}

// isOf reports whether the network has the widths that follow from alpha.
func (n *mobileNet) isOf(alpha float64) bool {
	for _, f := range n.units {
		var want int
		switch f.kind {
		case stem:
			want = scaled(stemWidth, alpha)
		case project:
			want = scaled(stages[f.stage].width, alpha)
		case last:
			want = scaled(lastWidth, max(1, alpha))
		default:
			continue
		}
		if f.out != want {
			return false
		}
	}
	return true
}

// scaled rounds width*alpha to a multiple of 8 that is at least 8 and loses no
// more than a tenth, as the authors of MobileNet do.
func scaled(width int, alpha float64) int {
	exact := float64(width) * alpha
	rounded := max(8, int(exact+4)/8*8)
	if float64(rounded) < 0.9*exact {
		rounded += 8
	}
	return rounded
}

// String names the network for people.
func (n *mobileNet) String() string {
	if a := n.alpha(); a != 0 {
		return fmt.Sprintf("MobileNetV2 of width %v", a)
	}
	return "MobileNetV2 of a width of its own"
}
