//go:build tensorflow

package savedmodel

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt/finetune/graph"

	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Load opens the saved model of [Convert] in a folder, to run it.
//
// It reads the file itself: TensorFlow's own loader tells standard error about
// each step, and does no more for a model without variables.
func Load(dir string) (*graph.Served, error) {
	data, err := os.ReadFile(filepath.Join(dir, ModelFile))
	if err != nil {
		return nil, err
	}
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("load the saved model %s: %w", dir, err)
	}
	return m, nil
}

func load(data []byte) (*graph.Served, error) {
	var saved pb.SavedModel
	if err := proto.Unmarshal(data, &saved); err != nil {
		return nil, err
	}
	if len(saved.MetaGraphs) != 1 {
		return nil, fmt.Errorf("%d graphs, want 1", len(saved.MetaGraphs))
	}
	signature := saved.MetaGraphs[0].SignatureDef[SignatureKey]
	in, out := signature.GetInputs()[InputName], signature.GetOutputs()[OutputName]
	dims := in.GetTensorShape().GetDim()
	if out == nil || len(dims) != 4 {
		return nil, fmt.Errorf("no signature %q from %q to %q", SignatureKey, InputName, OutputName)
	}
	var shape []int
	for _, d := range dims[1:] {
		shape = append(shape, int(d.Size))
	}
	def, err := proto.Marshal(saved.MetaGraphs[0].GraphDef)
	if err != nil {
		return nil, err
	}
	return graph.Open(&graph.Serving{Def: def, Input: in.GetName(), Output: out.GetName()}, shape)
}
