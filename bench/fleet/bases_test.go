package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/tflite/delta"
	"github.com/edge-adapt/edge/tflite/file"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func embedded(t testing.TB) []byte {
	data, err := os.ReadFile(filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite"))
	must(t, err)
	return data
}

// A delta of the simulation is about as large a part of what changed as those of
// real fine-tunes: 65 to 67 % (docs/finetune-output.md).
func TestDeltaIsOfRealisticSize(t *testing.T) {
	parent := embedded(t)
	child, err := tuned(parent, 1)
	must(t, err)
	change, err := delta.Diff(parent, child)
	must(t, err)
	info, err := delta.Inspect(change)
	must(t, err)
	m, err := file.Parse(child)
	must(t, err)
	changed := 0
	for _, c := range info.Constants {
		changed += len(m.Subgraphs[c.Subgraph].Tensors[c.Tensor].Data)
	}
	share := float64(len(change)) / float64(changed)
	t.Logf("%d constants of %d bytes changed, of %d; the delta has %d: %.1f %%", len(info.Constants), changed, len(parent), len(change), 100*share)
	if share < 0.60 || share > 0.72 {
		t.Errorf("a delta has %.1f %% of what changed", 100*share)
	}
}
