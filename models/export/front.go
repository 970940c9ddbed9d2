package export

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite/file"
)

// ImageName is the name of the input: a picture [1,H,W,3], red, green, blue.
const ImageName = "image"

// front returns the model that turns the bytes of a picture of width x height
// into the base's input: resampled by the rule of the generation, scaled, and
// quantised where the base is. It is nil if the base's input is those bytes.
func (c *Classifier) front(width, height int) (*file.Model, error) {
	in, err := c.input()
	if err != nil {
		return nil, err
	}
	p := c.Preprocessing
	if err := p.Validate(); err != nil {
		return nil, err
	}
	picture := []int32{1, int32(height), int32(width), 3}
	if width == p.Width && height == p.Height && bytesAsTheyAre(in, p) {
		if in.Type == file.UInt8 {
			return nil, nil
		}
		// The same real values, 128 further up.
		q := in.Quantisation
		s := newSteps("front", bytes(ImageName, file.UInt8, picture, q.Scale[0], zeroPoint(q)+128))
		s.then(file.OpQuantize, 1, nil, like(in, "image/quantised"))
		return s.model(), nil
	}

	s := newSteps("front", bytes(ImageName, file.UInt8, picture, 1, 0))
	s.then(file.OpDequantize, dequantizeVersion(file.UInt8), nil, floats("image/real", picture))
	if width != p.Width || height != p.Height {
		if err := s.resample(p.Resize, p.Width, p.Height); err != nil {
			return nil, err
		}
	}
	s.then(file.OpMul, 1, file.MulOptions{}, floats("image/scaled", s.shape()), numbers("image/scale", []int32{1}, p.Scale))
	last := floats("image/shifted", s.shape())
	if in.Type == file.Float32 {
		last.ShapeSignature = in.ShapeSignature
	}
	s.then(file.OpAdd, 1, file.AddOptions{}, last, numbers("image/offset", []int32{1}, p.Offset))
	if in.Type != file.Float32 {
		s.then(file.OpQuantize, 1, nil, like(in, "image/quantised"))
	}
	return s.model(), nil
}

// bytesAsTheyAre reports whether the base's quantised input holds the bytes of
// the picture themselves (uint8), or less 128 (int8), to a quarter of a step.
func bytesAsTheyAre(in *file.Tensor, p pixel.Preprocessing) bool {
	if in.Type == file.Float32 {
		return false
	}
	scale, zero := float64(in.Quantisation.Scale[0]), float64(zeroPoint(in.Quantisation))
	if in.Type == file.Int8 {
		zero += 128
	}
	for _, b := range []float64{0, 255} {
		stored := (b*float64(p.Scale)+float64(p.Offset))/scale + zero
		if !(math.Abs(stored-b) < 0.25) {
			return false
		}
	}
	return true
}

func zeroPoint(q *file.Quantisation) int64 {
	if len(q.ZeroPoint) == 0 {
		return 0
	}
	return q.ZeroPoint[0]
}

// resample stretches the picture that came last, [1,h,w,3] float32, to width x
// height, as [pixel.Preprocessing] does.
//
// Resampling is linear along each axis, so that it is a matrix for each, which a
// 1x1 convolution applies once the axis is the last: TensorFlow Lite's own
// RESIZE_BILINEAR looks at two pixels only and would lose those between when a
// picture shrinks.
func (s *steps) resample(rule pixel.Resize, width, height int) error {
	h, w := s.shape()[1], s.shape()[2]
	down, err := resampling(rule, int(h), height)
	if err != nil {
		return err
	}
	across, err := resampling(rule, int(w), width)
	if err != nil {
		return err
	}
	h2, w2 := int32(height), int32(width)
	s.transpose("image/rows_last", []int32{1, w, 3, h}, 0, 2, 3, 1)
	s.matrix("image/resampled_down", down, h, h2)
	s.transpose("image/columns_last", []int32{1, h2, 3, w}, 0, 3, 2, 1)
	s.matrix("image/resampled_across", across, w, w2)
	s.transpose("image/resampled", []int32{1, h2, w2, 3}, 0, 1, 3, 2)
	return nil
}

func (s *steps) transpose(name string, shape []int32, order ...int32) {
	s.then(file.OpTranspose, 1, nil, floats(name, shape), ints(name+"/order", order...))
}

// matrix multiplies the last axis, of length from, by weights [to, from].
func (s *steps) matrix(name string, weights []float32, from, to int32) {
	shape := append([]int32(nil), s.shape()...)
	shape[3] = to
	s.then(file.OpConv2D, 1, file.Conv2DOptions{StrideW: 1, StrideH: 1, DilationW: 1, DilationH: 1}, floats(name, shape),
		numbers(name+"/weights", []int32{to, 1, 1, from}, weights...), numbers(name+"/bias", []int32{to}, make([]float32, to)...))
}

// resampling returns how much each of from pixels counts in each of to, as [to,
// from]: what the rule makes of pictures with one white pixel.
func resampling(rule pixel.Resize, from, to int) ([]float32, error) {
	p := pixel.Preprocessing{Width: to, Height: 1, Colour: "rgb", Scale: 1.0 / 255, Resize: rule}
	image := &pixel.RGB{Width: from, Height: 1, Pix: make([]byte, 3*from)}
	row, weights := make([]float32, p.Len()), make([]float32, to*from)
	for i := range from {
		image.Pix[3*i] = 255
		if err := p.Apply(row, image); err != nil {
			return nil, fmt.Errorf("resample: %w", err)
		}
		image.Pix[3*i] = 0
		for j := range to {
			weights[j*from+i] = row[3*j]
		}
	}
	return weights, nil
}
