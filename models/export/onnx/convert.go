// Package onnx writes a float classifier, or any float base, as an ONNX model.
//
// The model is that of ONNX's operator set 13 (December 2020) and computes what
// the .tflite file computes, up to the rounding of float32. It has one input,
// "image", of shape [N, height, width, channels] and float32, normalised as for
// the .tflite file, and one output, "scores", for any number N of pictures. ONNX
// convolves over [N, channels, height, width], so the first node turns the
// picture around; between there and the pooled features nothing is turned back.
//
// Operators other than those of MobileNetV1, V2, V3 and EfficientNet-Lite are
// refused by name, and so are quantised models: ONNX has other rules for
// rounding integers than TensorFlow Lite, and the answers would differ.
package onnx

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"
	"github.com/edge-adapt/edge/tflite/file"

	"google.golang.org/protobuf/proto"
)

// Names of the model's input and output.
const (
	InputName  = "image"
	OutputName = "scores"
)

const (
	// OperatorSet is the version of ONNX's operators that the model uses.
	OperatorSet = 13

	irVersion = 7 // of the format, as of the same release of ONNX
)

// Options says what the model tells about itself.
type Options struct {
	Name        string // of the graph. Zero: "classifier"
	Description string // for people. Zero: that of the .tflite file's metadata
	Version     string // of the program that writes it. Zero: left out

	// Labels are the names of the scores in their order. Nil: those of the
	// .tflite file's metadata, if it has any.
	Labels []string
}

// Convert returns m as the bytes of an ONNX model. Equal arguments give equal
// bytes. m is read and kept nowhere.
//
// The input's normalisation, if m's metadata states one, and the labels are in
// the model's metadata properties: see the constants Property….
//
// m may come from anywhere, as long as file.Parse has accepted it. The error is
// network.ErrQuantised for a quantised model, and names the operator that cannot
// be exported.
func Convert(m *file.Model, o Options) ([]byte, error) {
	data, err := convert(m, o)
	if err != nil {
		return nil, fmt.Errorf("export as ONNX: %w", err)
	}
	return data, nil
}

func convert(m *file.Model, o Options) ([]byte, error) {
	n, err := network.ReadWhole(m)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "classifier"
	}
	b := newBuilder(n, o.Name)
	for i := range n.Layers {
		l := &n.Layers[i]
		if err := b.layer(l); err != nil {
			return nil, fmt.Errorf("layer %s, %v: %w", l.Name, l.Code, err)
		}
	}
	b.finish()
	p, err := properties(m, n, o)
	if err != nil {
		return nil, err
	}
	if o.Description == "" {
		if info, err := m.Info(); err == nil {
			o.Description = info.Description
		}
	}
	whole := &schema.ModelProto{
		IrVersion:     proto.Int64(irVersion),
		OpsetImport:   []*schema.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(OperatorSet)}},
		ProducerName:  proto.String("edge"),
		Graph:         b.graph,
		MetadataProps: p,
	}
	if o.Version != "" {
		whole.ProducerVersion = proto.String(o.Version)
	}
	if o.Description != "" {
		whole.DocString = proto.String(o.Description)
	}
	if size := proto.Size(whole); size > math.MaxInt32 {
		return nil, fmt.Errorf("%d bytes of weights: the format ends at 2 GiB", size)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(whole)
}
