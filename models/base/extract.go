package base

import (
	"fmt"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// wishes say what is to become of a model otherwise than its file says.
type wishes struct {
	side     int    // of the input, in pixels; zero: as it is
	features string // tensor of the features; "": it is found
	pixels   *Range // what pixels become; nil: as the file says
}

// Range is what the bytes 0 and 255 of a picture become before a base sees them.
type Range struct{ Min, Max float32 }

// linear returns the range as a scale and an offset.
func (r Range) linear() linear { return linear{(r.Max - r.Min) / 255, r.Min} }

// extraction is a base made of a model.
type extraction struct {
	model         *file.Model
	feature       file.Feature // in the model that was given
	preprocessing pixel.Preprocessing
	notes         []string // the first is about pixels
	resized       bool
	changed       bool // model is not the one that was given
	assumed       bool // nobody says what pixels become
}

// extract makes a base of a whole classifier or a feature extractor.
func extract(m *file.Model, w wishes) (extraction, error) {
	x := extraction{model: m}
	if w.side > 0 && openSize(m) {
		// Before anything else: the shapes behind an open size say nothing.
		if err := x.resize(w.side); err != nil {
			return x, err
		}
	}
	in, err := checkInput(x.model)
	if err != nil {
		return x, err
	}
	if err := x.feed(in, w.pixels); err != nil {
		return x, err
	}
	if err := x.cut(w.features); err != nil {
		return x, err
	}
	if w.side > 0 && (int(in.Shape[1]) != w.side || int(in.Shape[2]) != w.side) {
		if err := x.resize(w.side); err != nil {
			return x, err
		}
	}
	if x.resized {
		x.preprocessing.Width, x.preprocessing.Height = w.side, w.side
		x.noteSize(w.side)
	}
	if dynamicRange(x.model) {
		x.note("The weights have 8 bits and the values between are float (dynamic-range quantisation), which is slow and inexact: a float or fully quantised model serves better.")
	}
	return x, nil
}

func (x *extraction) note(format string, args ...any) {
	x.notes = append(x.notes, fmt.Sprintf(format, args...))
}

// feed finds out how pictures become the input in.
func (x *extraction) feed(in *file.Tensor, pixels *Range) error {
	if pixels == nil {
		inside, err := normaliseInside(x.model)
		if err != nil {
			return err
		}
		if inside != nil {
			x.model, x.changed = inside, true
			in = &inside.Main().Tensors[inside.Main().Inputs[0]]
		}
		fed, err := preprocessing(x.model, in)
		if err != nil {
			return err
		}
		x.preprocessing, x.assumed = fed.preprocessing, fed.assumed
		if inside != nil {
			fed.note = "Pixels are fed as they are: the metadata normalises each channel by itself, which is part of the model now."
		}
		x.note("%s", fed.note)
		return nil
	}
	l := pixels.linear()
	x.preprocessing = pixel.Preprocessing{
		Width: int(in.Shape[2]), Height: int(in.Shape[1]), Colour: "rgb", Resize: pixel.Bilinear, Scale: l.scale, Offset: l.offset,
	}
	if err := x.preprocessing.Validate(); err != nil {
		return err
	}
	if err := checkInputType(in); err != nil {
		return err
	}
	x.note("Pixels are scaled to %s, as was asked for.", l)
	return nil
}

// cut leaves the features as the only output.
func (x *extraction) cut(name string) error {
	m := x.model
	var err error
	if name == "" {
		if x.feature, err = m.FeatureTensor(); err != nil {
			return hint.Wrap(err, "give an image classifier with global pooling, or a feature extractor with one output; `edge base inspect FILE` lists the operators, and `edge base import --features TENSOR` takes the tensor you name")
		}
	} else {
		var t int
		if t, err = m.TensorNamed(name); err == nil {
			x.feature, err = m.FeatureAt(t)
		}
		if err != nil {
			return hint.Wrap(err, "`edge base inspect FILE` lists the tensors that can be features")
		}
	}
	f := x.feature
	if f.Whole && len(m.Main().Outputs) == 1 {
		x.note("The features are %s: %s.", describe(f), f.Reason)
		return nil
	}
	what := "The model is a whole classifier, cut"
	if name != "" {
		what = "The model is cut, as was asked for,"
	}
	cut, err := m.Cut(f.Tensor)
	if err != nil {
		return hint.Wrap(err, "export the model without its top (include_top=False) and give that file")
	}
	x.note("%s at %s: the %s.", what, describe(f), f.Reason)
	x.model, x.changed = cut, true
	return nil
}

func (x *extraction) resize(side int) error {
	resized, err := x.model.Resize(side, side)
	if err != nil {
		return hint.Wrap(err, "leave --input out, or convert the model anew for that size")
	}
	x.model, x.resized, x.changed = resized, true, true
	return nil
}

func (x *extraction) noteSize(side int) {
	note := fmt.Sprintf("The input is changed to %dx%d pixels.", side, side)
	if f, err := x.model.FeatureAt(x.model.Main().Outputs[0]); err == nil && f.Map {
		note = fmt.Sprintf("The input is changed to %dx%d pixels, which leaves a map of %dx%d.", side, side, f.Height, f.Width)
	}
	if side%32 != 0 {
		note += " That is no multiple of 32: features near the edges may be a little worse."
	}
	x.notes = append(x.notes, note)
}

// encode returns the bytes of the base: those that were given if nothing changed.
func (x *extraction) encode(given []byte) ([]byte, error) {
	if !x.changed && given != nil {
		return given, nil
	}
	data, err := x.model.Encode()
	if err != nil {
		return nil, hint.Wrap(err, "export the model with built-in operators, without its top, and give that file")
	}
	return data, nil
}

// openSize reports whether the only input is a picture of a size that is not fixed.
func openSize(m *file.Model) bool {
	g := m.Main()
	if len(g.Inputs) != 1 {
		return false
	}
	in := &g.Tensors[g.Inputs[0]]
	return len(in.Shape) == 4 && in.ShapeSignature != nil && (in.ShapeSignature[1] < 1 || in.ShapeSignature[2] < 1)
}

// checkInputType refuses inputs that pictures cannot be fed to.
func checkInputType(in *file.Tensor) error {
	switch in.Type {
	case file.Float32, file.UInt8, file.Int8:
		return nil
	}
	return hint.Wrap(fmt.Errorf("the input %q is of type %s", in.Name, in.Type),
		"give a model with a float32, uint8 or int8 input")
}
