//go:build tensorflow

package graph

import (
	"os"
	"runtime"

	tf "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// session runs parts of a graph and keeps the memory of tensors bounded.
//
// A tensor's memory is C's: it is freed by a finalizer alone, and Go's
// collector, which sees a few bytes of it, has no reason to run. So session
// counts what passes through and calls the collector itself.
type session struct {
	*tf.Session
	uncollected int // bytes of tensors since the last collection
}

// collectAt is how many bytes of tensors may wait for the collector: those of
// twenty-odd steps of 32 pictures at a fifth of MobileNetV2.
const collectAt = 64 << 20

// newSession opens a session; threads and deterministic are as in Config.
//
// Every set of things to run costs a preparation of the graph. To place only
// what runs makes that several times cheaper, and so does leaving out
// TensorFlow's rewriting of graphs, which makes no step faster here.
func newSession(g *tf.Graph, threads int, deterministic bool) (*session, error) {
	if deterministic {
		// A session's configuration has no word for it; the library reads this
		// when it first needs to know.
		if err := os.Setenv("TF_DETERMINISTIC_OPS", "1"); err != nil {
			return nil, err
		}
	}
	config, err := proto.Marshal(&pb.ConfigProto{
		IntraOpParallelismThreads: int32(threads),
		InterOpParallelismThreads: int32(threads),
		GraphOptions: &pb.GraphOptions{
			PlacePrunedGraph: true,
			RewriteOptions:   &pb.RewriterConfig{DisableMetaOptimizer: true},
		},
	})
	if err != nil {
		return nil, err
	}
	s, err := tf.NewSession(g, &tf.SessionOptions{Config: config})
	if err != nil {
		return nil, err
	}
	return &session{Session: s}, nil
}

// run feeds and fetches as tf.Session.Run does.
func (s *session) run(feeds map[tf.Output]*tf.Tensor, fetches []tf.Output, targets ...*tf.Operation) ([]*tf.Tensor, error) {
	results, err := s.Run(feeds, fetches, targets)
	for _, t := range feeds {
		s.count(t)
	}
	for _, t := range results {
		s.count(t)
	}
	if s.uncollected > collectAt {
		runtime.GC()
		s.uncollected = 0
	}
	return results, err
}

func (s *session) count(t *tf.Tensor) {
	const float = 4 // bytes; what is not a float32 is small
	s.uncollected += elements(t.Shape()) * float
}
