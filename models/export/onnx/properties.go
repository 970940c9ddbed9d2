package onnx

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"
	"github.com/edge-adapt/edge/tflite/file"

	"google.golang.org/protobuf/proto"
)

// The metadata properties of our own. ONNX has no standard ones for labels.
const (
	PropertyLabels = "labels" // JSON list of strings, one for each score
	PropertyMean   = "mean"   // JSON list of numbers, one, or one for each channel
	PropertyStd    = "std"    // likewise; the input is (x - mean) / std of x in 0 to 255
)

// ONNX's own properties of pictures. The range is stated where ONNX has a word
// for it.
const (
	propertyFormat = "Image.BitmapPixelFormat"
	propertyGamma  = "Image.ColorSpaceGamma"
	propertyRange  = "Image.NominalPixelRange"
)

// ranges are ONNX's words for what a normalisation makes of 0 to 255.
var ranges = []struct {
	mean, std float32
	word      string
}{{127.5, 127.5, "Normalized_1_1"}, {0, 255, "Normalized_0_1"}, {0, 1, "NominalRange_0_255"}} //nolint:misspell // the standard spells it so

func properties(m *file.Model, n *network.Network, o Options) ([]*schema.StringStringEntryProto, error) {
	var list []*schema.StringStringEntryProto
	add := func(key, value string) {
		list = append(list, &schema.StringStringEntryProto{Key: proto.String(key), Value: proto.String(value)})
	}
	addJSON := func(key string, value any) error {
		text, err := json.Marshal(value)
		add(key, string(text))
		return err
	}
	labels := o.Labels
	if labels == nil {
		var err error
		if labels, err = m.Labels(); err != nil && !errors.Is(err, file.ErrNoInfo) && !errors.Is(err, file.ErrNoLabels) {
			return nil, err
		}
	}
	if labels != nil {
		if len(labels) != n.Feature.Count {
			return nil, fmt.Errorf("%d labels for %d scores", len(labels), n.Feature.Count)
		}
		if err := addJSON(PropertyLabels, labels); err != nil {
			return nil, err
		}
	}
	if channels := n.Shape(n.Input)[2]; channels == 3 {
		add(propertyFormat, "Rgb8")
		add(propertyGamma, "SRGB")
	}
	norm, ok := m.Normalisation()
	if !ok {
		return list, nil
	}
	for _, r := range ranges {
		if alike(norm.Mean, r.mean) && alike(norm.Std, r.std) {
			add(propertyRange, r.word)
		}
	}
	if err := addJSON(PropertyMean, norm.Mean); err != nil {
		return nil, err
	}
	return list, addJSON(PropertyStd, norm.Std)
}

// alike reports whether all values are v, up to what rounding a scale such as
// 1/127.5 and dividing by it leaves.
func alike(values []float32, v float32) bool {
	const near = 1e-4
	return len(values) > 0 && !slices.ContainsFunc(values, func(x float32) bool { return !(x-v <= near && v-x <= near) })
}
