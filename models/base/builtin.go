package base

import (
	"fmt"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/tflite/file"
)

// prepare writes the base to dir, unless it is there, and says how it is fed.
func (b builtIn) prepare(dir string) (Source, error) {
	s, err := b.source(dir)
	if err != nil {
		return Source{}, fmt.Errorf("embedded base %s: %w", b.name, err)
	}
	return s, nil
}

func (b builtIn) source(dir string) (Source, error) {
	m, err := file.Parse(b.data)
	if err != nil {
		return Source{}, err
	}
	in, err := checkInput(m)
	if err != nil {
		return Source{}, err
	}
	p, err := b.preprocessing(m, in)
	if err != nil {
		return Source{}, err
	}
	f, err := m.FeatureTensor()
	if err != nil {
		return Source{}, err
	}
	d := b.digest()
	path, err := keep(dir, d, b.data)
	if err != nil {
		return Source{}, fmt.Errorf("write it: %w", err)
	}
	return Source{Name: b.name, Path: path, Digest: d, Preprocessing: p, Features: f.Count, Known: true}, nil
}

// preprocessing is how the recipe fed its pictures, x/127.5 - 1, or for integers
// the nearest to it that they can hold: the bytes as they are.
func (b builtIn) preprocessing(m *file.Model, in *file.Tensor) (pixel.Preprocessing, error) {
	if in.Type != file.Float32 {
		f, err := preprocessing(m, in)
		return f.preprocessing, err
	}
	return pixel.Preprocessing{
		Width: int(in.Shape[2]), Height: int(in.Shape[1]), Colour: "rgb", Resize: pixel.Bilinear,
		Scale: 1 / 127.5, Offset: -1,
	}, nil
}
