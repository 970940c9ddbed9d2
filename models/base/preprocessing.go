package base

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// feeding is how a picture becomes an input.
type feeding struct {
	preprocessing pixel.Preprocessing
	note          string // says in a sentence where it was taken from
	assumed       bool   // it was taken from nowhere
}

// preprocessing finds out how a picture becomes the input.
//
// A quantised input takes the picture's bytes as they are, unless the metadata
// says something clearly different; a float input follows the metadata, then
// the scaling that the graph does itself, then the habit of MobileNets.
func preprocessing(m *file.Model, in *file.Tensor) (feeding, error) {
	if err := checkInputType(in); err != nil {
		return feeding{}, err
	}
	stated, ok, err := normalisation(m)
	if err != nil {
		return feeding{}, err
	}
	var f feeding
	fed := stated
	switch {
	case in.Type != file.Float32:
		if fed, err = bytesAsTheyAre(in); err != nil {
			return feeding{}, err
		}
		f.note = fmt.Sprintf("Pixels are fed as they are: the input is quantised to %s.", in.Type)
		if ok && !fed.near(stated, float64(fed.scale)) {
			fed = stated
			f.note = fmt.Sprintf("Pixels are scaled as the model's metadata says: %s.", stated)
		}
	case ok:
		f.note = fmt.Sprintf("Pixels are scaled as the model's metadata says: %s.", stated)
	default:
		var why string
		fed, why, f.assumed = scaledInside(m)
		f.note = fmt.Sprintf("Pixels are scaled to %s: %s.", fed, why)
	}
	f.preprocessing = pixel.Preprocessing{
		Width: int(in.Shape[2]), Height: int(in.Shape[1]), Colour: "rgb", Resize: pixel.Bilinear,
		Scale: fed.scale, Offset: fed.offset,
	}
	return f, f.preprocessing.Validate()
}

// linear is value = byte*scale + offset.
type linear struct{ scale, offset float32 }

// String shows the range that the bytes 0 to 255 become.
func (l linear) String() string {
	return fmt.Sprintf("%.4g to %.4g", l.offset, 255*l.scale+l.offset)
}

// near reports whether l and o differ by at most two steps over the whole range.
func (l linear) near(o linear, step float64) bool {
	low := math.Abs(float64(l.offset - o.offset))
	high := math.Abs(float64(255*l.scale + l.offset - 255*o.scale - o.offset))
	return max(low, high) <= 2*step
}

// normalisation returns what the metadata states for the input, all channels
// alike.
func normalisation(m *file.Model) (linear, bool, error) {
	n, ok := m.Normalisation()
	if !ok {
		return linear{}, false, nil
	}
	mean, uniform := same(n.Mean)
	std, uniform2 := same(n.Std)
	if !uniform || !uniform2 {
		return linear{}, false, hint.Wrap(fmt.Errorf("the metadata normalises each channel by itself: mean %v, standard deviation %v", n.Mean, n.Std),
			"export the model with the normalisation inside it, or with one mean and one standard deviation; or import it with --normalise MIN,MAX")
	}
	return linear{float32(1 / std), float32(-mean / std)}, true, nil
}

// same returns the value that all elements have.
func same(list []float32) (float64, bool) {
	for _, v := range list {
		if v != list[0] {
			return 0, false
		}
	}
	return float64(list[0]), true
}

// bytesAsTheyAre returns the real values for which a quantised input holds the
// byte itself (uint8), or the byte less 128 (int8).
func bytesAsTheyAre(in *file.Tensor) (linear, error) {
	q := in.Quantisation
	if q == nil || len(q.Scale) == 0 {
		if in.Type == file.UInt8 {
			return linear{1, 0}, nil // bytes that mean themselves
		}
		return linear{}, hint.Wrap(fmt.Errorf("the input %q is int8 without a scale", in.Name),
			"quantise the model with TensorFlow's TFLiteConverter, which writes scale and zero point")
	}
	scale := float64(q.Scale[0])
	if len(q.Scale) != 1 || !(scale > 0) || math.IsInf(scale, 0) {
		return linear{}, fmt.Errorf("the input %q has the scales %v, want one that is positive", in.Name, q.Scale)
	}
	zero := 0.0
	if len(q.ZeroPoint) > 0 {
		zero = float64(q.ZeroPoint[0])
	}
	if in.Type == file.Int8 {
		zero += 128
	}
	return linear{q.Scale[0], float32(-zero * scale)}, nil
}

// scaledInside looks at the first operator for the range of values that a float
// model wants. Models that carry their own normalisation begin with a division
// by 127.5 or 255, or with the subtraction of a mean.
func scaledInside(m *file.Model) (l linear, why string, assumed bool) {
	var (
		bytes    = linear{1, 0}
		unit     = linear{1.0 / 255, 0}
		balanced = linear{1 / 127.5, -1}
	)
	op, constant, ok := firstArithmetic(m)
	if ok {
		size := math.Abs(constant)
		why := fmt.Sprintf("the model begins with %s and the constant %.4g", op, constant)
		switch {
		case op == file.OpMul && size <= 0.02, op == file.OpSub && size >= 50, op == file.OpAdd && constant <= -50:
			return bytes, why, false
		case op == file.OpMul && size >= 1.5 && size <= 5, op == file.OpSub && size > 0 && size < 1, op == file.OpAdd && constant < 0 && constant > -1:
			return unit, why, false
		}
	}
	return balanced, "the file says nothing about it, and this is what MobileNets are trained with", true
}

// firstArithmetic returns the first operator if it combines the input with a
// constant, and the constant's first value.
func firstArithmetic(m *file.Model) (file.OpCode, float64, bool) {
	g := m.Main()
	for i := range g.Operators {
		o := &g.Operators[i]
		if len(o.Inputs) != 2 || o.Inputs[0] != g.Inputs[0] || o.Inputs[1] < 0 {
			continue
		}
		switch o.Code {
		case file.OpMul, file.OpSub, file.OpAdd:
			values, ok := g.Tensors[o.Inputs[1]].Float32s()
			if ok && len(values) > 0 && len(values) <= 3 {
				return o.Code, float64(values[0]), true
			}
		}
	}
	return 0, 0, false
}
