//go:build tensorflow

package savedmodel

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/edge-adapt/edge/adapt/finetune/graph"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/tflite/file"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// What programs that load the folder ask for.
const (
	SignatureKey = "serving_default"
	InputName    = "image"
	OutputName   = "scores"
	Tag          = "serve"
)

// The files, below the folder.
const (
	ModelFile  = "saved_model.pb"
	LabelsFile = "assets/labels.txt"
)

const (
	schemaVersion = 1
	predict       = "tensorflow/serving/predict" // the kind of signature that names tensors
)

// File is a file of the folder.
type File struct {
	Path string // below the folder, with slashes
	Data []byte
}

// Options says what the model tells about itself.
type Options struct {
	// Labels are the names of the scores in their order, each of one line. Nil:
	// those of the .tflite file's metadata, which it must then have.
	Labels []string
}

// Convert returns m as the files of a saved model, ModelFile first. Equal
// arguments give equal bytes. m is read and kept nowhere.
//
// m may come from anywhere, as long as file.Parse has accepted it. The error is
// network.ErrQuantised for a quantised model, and names the operator that cannot
// be exported: those of MobileNetV1, V2, V3 and EfficientNet-Lite can.
func Convert(m *file.Model, o Options) ([]File, error) {
	files, err := convert(m, o)
	if err != nil {
		return nil, fmt.Errorf("export as SavedModel: %w", err)
	}
	return files, nil
}

func convert(m *file.Model, o Options) ([]File, error) {
	n, err := network.ReadWhole(m)
	if err != nil {
		return nil, err
	}
	labels := o.Labels
	if labels == nil {
		if labels, err = m.Labels(); err != nil {
			return nil, err
		}
	}
	lines, err := labelLines(labels, n.Feature.Count)
	if err != nil {
		return nil, err
	}
	asset := path.Base(LabelsFile)
	s, err := graph.Serve(n, asset)
	if err != nil {
		return nil, err
	}
	var def graph_go_proto.GraphDef
	if err := proto.Unmarshal(s.Def, &def); err != nil {
		return nil, err
	}
	model := &pb.SavedModel{
		SavedModelSchemaVersion: schemaVersion,
		MetaGraphs: []*pb.MetaGraphDef{{
			MetaInfoDef: &pb.MetaGraphDef_MetaInfoDef{Tags: []string{Tag}, TensorflowVersion: tf.Version()},
			GraphDef:    &def,
			SignatureDef: map[string]*pb.SignatureDef{SignatureKey: {
				Inputs:     map[string]*pb.TensorInfo{InputName: info(s.Input, n.Shape(n.Input))},
				Outputs:    map[string]*pb.TensorInfo{OutputName: info(s.Output, n.Shape(n.Feature.Tensor))},
				MethodName: predict,
			}},
			AssetFileDef: []*pb.AssetFileDef{{TensorInfo: &pb.TensorInfo{Encoding: &pb.TensorInfo_Name{Name: s.Labels}}, Filename: asset}},
		}},
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(model)
	if err != nil {
		return nil, err
	}
	return []File{{ModelFile, data}, {LabelsFile, lines}}, nil
}

// labelLines returns a line for each of the scores.
func labelLines(labels []string, scores int) ([]byte, error) {
	if len(labels) != scores {
		return nil, fmt.Errorf("%d labels for %d scores", len(labels), scores)
	}
	for _, label := range labels {
		if strings.ContainsAny(label, "\r\n") {
			return nil, errors.New("a label has more than one line")
		}
	}
	return []byte(strings.Join(labels, "\n") + "\n"), nil
}

// info describes a float32 tensor of that shape for each of any number of pictures.
func info(name string, shape []int) *pb.TensorInfo {
	dims := []*tensor_shape_go_proto.TensorShapeProto_Dim{{Size: -1}}
	for _, d := range shape {
		dims = append(dims, &tensor_shape_go_proto.TensorShapeProto_Dim{Size: int64(d)})
	}
	return &pb.TensorInfo{
		Encoding:    &pb.TensorInfo_Name{Name: name},
		Dtype:       types_go_proto.DataType_DT_FLOAT,
		TensorShape: &tensor_shape_go_proto.TensorShapeProto{Dim: dims},
	}
}
