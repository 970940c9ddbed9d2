package foreign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// Classifier is a whole classifier as a neighbour exported it.
type Classifier struct {
	Model     []byte // a .tflite file, as it is
	ModelName string // of the file, without folders

	// Labels are in the order of the model's scores. Nil: none came with it.
	Labels     []string
	LabelsName string // of the file, or what the model's own are called; "": none
}

const (
	floatName   = "model_unquant.tflite" // Teachable Machine's, float
	quantName   = "model.tflite"         // Teachable Machine's and Frigate's, quantised
	edgeTPUName = "model_edgetpu.tflite" // Teachable Machine's, for the one accelerator
	edgeTPUOp   = "edgetpu-custom-op"

	inTensorFlowLite = "in Teachable Machine: Export Model, Tensorflow Lite, Floating point, Download my model; give the zip that comes"
)

// labelFiles are the names of label files, the best first.
var labelFiles = []string{"labels.txt", "labelmap.txt", "metadata.json"}

// ReadClassifier reads a zip or a folder with a .tflite file and a label file in
// it, or a .tflite file alone, which may carry its labels in its metadata.
//
// Where there are several models, the float one of Teachable Machine is taken: the
// others are roundings of it. A model that is compiled for an Edge TPU can run on
// nothing else and is refused.
func ReadClassifier(ctx context.Context, path string) (*Classifier, error) {
	c, err := readClassifier(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	return c, nil
}

func readClassifier(ctx context.Context, name string) (*Classifier, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if magic := firstBytes(name); len(magic) >= 8 && string(magic[4:8]) == "TFL3" {
		e := entry{filepath.Base(name), func() (io.ReadCloser, error) { return os.Open(name) }}
		data, err := e.read(maxModel)
		if err != nil {
			return nil, err
		}
		return withLabels(&Classifier{Model: data, ModelName: filepath.Base(name)}, nil)
	}
	list, closer, err := entries(name)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	e, err := choose(list)
	if err != nil {
		return nil, err
	}
	c := &Classifier{ModelName: path.Base(e.name)}
	if c.Model, err = e.read(maxModel); err != nil {
		return nil, err
	}
	return withLabels(c, list)
}

// choose returns the model among the files.
func choose(list []entry) (entry, error) {
	for _, name := range []string{floatName, quantName} {
		if e, ok := find(list, name); ok {
			return e, nil
		}
	}
	var found []entry
	for _, e := range list {
		if strings.EqualFold(path.Ext(e.name), ".tflite") && !strings.EqualFold(path.Base(e.name), edgeTPUName) {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return entry{}, hint.Wrap(fmt.Errorf("%d models in it, such as %s and %s", len(found), found[0].name, found[1].name), "give the one .tflite file, and its labels with --labels FILE")
	}
	for name, what := range map[string]string{
		edgeTPUName: "a model compiled for an Edge TPU, which runs on nothing else", "model.json": "a model for TensorFlow.js",
		"keras_model.h5": "a model of Keras", "saved_model.pb": "a SavedModel of TensorFlow",
	} {
		if _, ok := find(list, name); ok {
			return entry{}, hint.Wrap(fmt.Errorf("%s: %w", what, ErrUnknown), inTensorFlowLite)
		}
	}
	return entry{}, hint.Wrap(fmt.Errorf("no .tflite file in it: %w", ErrUnknown), inTensorFlowLite)
}

// withLabels looks for the labels among the files, then in the model.
func withLabels(c *Classifier, list []entry) (*Classifier, error) {
	m, err := file.Parse(c.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.ModelName, hint.Wrap(err, "fetch or export it again"))
	}
	for _, o := range m.Main().Operators {
		if o.Name() == edgeTPUOp {
			return nil, hint.Wrap(fmt.Errorf("%s is compiled for an Edge TPU and runs on nothing else: %w", c.ModelName, ErrUnknown), inTensorFlowLite)
		}
	}
	for _, name := range labelFiles {
		e, ok := find(list, name)
		if !ok {
			continue
		}
		data, err := e.read(maxLabels)
		if err != nil {
			return nil, err
		}
		if c.Labels, err = ParseLabels(data); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		c.LabelsName = path.Base(e.name)
		return c, nil
	}
	labels, err := m.Labels()
	switch {
	case errors.Is(err, file.ErrNoInfo), errors.Is(err, file.ErrNoLabels):
		return c, nil
	case err != nil:
		return nil, err
	}
	c.Labels, c.LabelsName = labels, "the model's metadata"
	return c, nil
}

// ReadLabels reads a label file of any dialect.
func ReadLabels(name string) ([]string, error) {
	f, err := os.Stat(name)
	if err == nil && (!f.Mode().IsRegular() || f.Size() > maxLabels) {
		err = fmt.Errorf("no file, or larger than %d bytes", maxLabels)
	}
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s: %w", name, plain(err)), "give a file with a label a line, in the order of the model's scores")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	labels, err := ParseLabels(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s: %w", name, err), "give a file with a label a line, in the order of the model's scores")
	}
	return labels, nil
}
