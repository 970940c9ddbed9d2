//go:build tensorflow

package graph

import (
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
)

// BenchmarkStep is a step of 32 pictures from the cached frontier.
func BenchmarkStep(b *testing.B) {
	n := sharedBase(b)
	for _, top := range []struct{ name, first string }{
		{"20", "block_14_expand"}, {"50", "block_8_project"}, {"100", "Conv1"},
	} {
		for _, norm := range []BatchNorm{Folded, PerBatch} {
			b.Run(top.name+"/"+string(norm), func(b *testing.B) {
				s := from(n, layerIndex(b, n, top.first))
				h := head.New(n.Feature.Count, 128, 10, 1)
				g := newGraph(b, Config{Network: n, Selection: s, BatchNorm: norm, Moments: evenMoments(n), Heads: []*head.Head{h}})
				batch := randomBatch(n, s, h, 32)
				for range 3 {
					step(b, g, batch, 1e-4)
				}
				for b.Loop() {
					step(b, g, batch, 1e-4)
				}
			})
		}
	}
}
