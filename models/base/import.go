package base

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base/keras"
	"github.com/edge-adapt/edge/tflite/file"
)

// ImportOptions say how a model file becomes a base.
type ImportOptions struct {
	// File is the name of the file, which may have folders. It is told of the
	// base and gives it its name.
	File string
	// Name is what the base is called. Zero: NameFor(File), followed by the size
	// of the input if that is changed.
	Name string
	// Input is the side of the square input in pixels. Zero: the model's own.
	Input int
	// Features names the tensor that the features are, or its number as #12.
	// Zero: it is found.
	Features string
	// Normalise is what pixels become. Zero: what the file says, or else what
	// MobileNets are trained with.
	Normalise *Range
}

// maxSide bounds Input.
const maxSide = 4096

// NewDraft makes a base of a model file: a whole classifier, which it cuts at its
// features, or a feature extractor. Nothing of the model runs; the bytes may be
// hostile. The draft may alias data.
func NewDraft(data []byte, o ImportOptions) (Draft, error) {
	d, err := newDraft(data, o)
	if err != nil {
		return Draft{}, fmt.Errorf("import %s: %w", o.File, err)
	}
	return d, nil
}

func newDraft(data []byte, o ImportOptions) (Draft, error) {
	if o.Name != "" {
		if err := CheckName(o.Name); err != nil {
			return Draft{}, err
		}
	}
	if o.Input < 0 || o.Input > maxSide {
		return Draft{}, fmt.Errorf("an input of %d pixels: want 1 to %d", o.Input, maxSide)
	}
	m, given, notes, err := readModel(data, o)
	if err != nil {
		return Draft{}, err
	}
	labels, notes := labelsOf(m, notes)
	x, err := extract(m, wishes{o.Input, o.Features, o.Normalise})
	if err != nil {
		return Draft{}, err
	}
	if x.assumed {
		x.notes[0] += " If this model was trained otherwise, import it with --normalise 0,1 or --normalise 0,255."
	}
	made, err := x.encode(given)
	if err != nil {
		return Draft{}, err
	}
	d := Draft{
		Name: o.Name, Model: made, Preprocessing: x.preprocessing,
		FeatureTensor: x.feature.Name, Chosen: o.Features != "",
		Origin: Origin{File: filepath.Base(o.File), Digest: digest.Of(data), Bytes: int64(len(data))},
		Labels: labels, Notes: append(notes, x.notes...),
	}
	if d.Name == "" {
		d.Name = NameFor(o.File)
		if size := fmt.Sprintf("_%d", o.Input); (x.resized || given == nil && o.Input != 0) && !strings.HasSuffix(d.Name, size) {
			d.Name = d.Name[:min(len(d.Name), maxNameBytes-len(size))] + size
		}
	}
	return d, nil
}

// readModel reads a model file of a kind that is known. given is its bytes if
// they are a .tflite file; weights of Keras become a new model, of o's size.
func readModel(data []byte, o ImportOptions) (m *file.Model, given []byte, notes []string, err error) {
	if keras.Is(data) {
		m, info, err := keras.Convert(data, keras.Options{Input: o.Input})
		return m, nil, info.Notes, err
	}
	m, err = file.Parse(data)
	if err != nil {
		return nil, nil, nil, hint.Wrap(err, "a base is a TensorFlow Lite model (.tflite), or a MobileNetV2 that Keras saved (.h5, .keras); convert others with TensorFlow's TFLiteConverter")
	}
	return m, data, nil, nil
}

// labelsOf returns the classes that the metadata names. Those that cannot be
// read are done without, since a head brings its own.
func labelsOf(m *file.Model, notes []string) (labels, all []string) {
	labels, err := m.Labels()
	switch {
	case err == nil:
		if err = checkLabels(labels); err == nil {
			return labels, notes
		}
	case errors.Is(err, file.ErrNoInfo), errors.Is(err, file.ErrNoLabels):
		return nil, notes
	}
	return nil, append(notes, fmt.Sprintf("The classes are left out: %v.", err))
}
