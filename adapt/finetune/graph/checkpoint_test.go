//go:build tensorflow

package graph

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/hint"
)

// TestRestore goes on from a checkpoint as if nothing had happened: the same
// losses to the last bit.
func TestRestore(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "top")
	c := smallConfig(t, PerBatch)
	g, b := newGraph(t, c), smallBatch()
	for range 3 {
		step(t, g, b, 1e-2)
	}
	if err := g.Save(prefix); err != nil {
		t.Fatal(err)
	}
	var want []Result
	for range 3 {
		want = append(want, step(t, g, b, 1e-2))
	}
	again := newGraph(t, c)
	if err := again.Restore(prefix); err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if got := step(t, again, b, 1e-2); got != w {
			t.Errorf("step %d after the restore: %+v, want %+v", i, got, w)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "top")
	if err := newGraph(t, smallConfig(t, Folded)).Save(prefix); err != nil {
		t.Fatal(err)
	}
	wide := smallConfig(t, Folded)
	wide.Heads = []*head.Head{head.New(10, smallHidden, smallClasses+1, 1)}
	for name, c := range map[string]struct {
		config Config
		prefix string
		want   string
	}{
		"no file":         {smallConfig(t, Folded), prefix + "x", "read checkpoint"},
		"other variables": {smallConfig(t, PerBatch), prefix, "not found in checkpoint"},
		"another head":    {wide, prefix, "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newGraph(t, c.config).Restore(c.prefix)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if hint.Of(err) == "" {
				t.Error("no next step")
			}
		})
	}
}

// rewrite checks a checkpoint with TensorFlow for Python, doubles one variable
// and writes it all back.
const rewrite = `
import sys
import tensorflow as tf
source, target, variable = sys.argv[1:]
reader = tf.train.load_checkpoint(source)
values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
assert values["adam/steps"] == 2, values["adam/steps"]
assert values["stem/kernel"].shape == (3, 3, 3, 6), values["stem/kernel"].shape
values[variable] = values[variable] * 2
names = sorted(values)
tf.raw_ops.SaveV2(prefix=target, tensor_names=names, shape_and_slices=[""] * len(names), tensors=[values[n] for n in names])
print(" ".join(names))
`

func TestCheckpointThroughPython(t *testing.T) {
	path := kerasPath(t)
	folder := t.TempDir()
	source, target := filepath.Join(folder, "a"), filepath.Join(folder, "b")
	g := newGraph(t, smallConfig(t, PerBatch))
	for range 2 {
		step(t, g, smallBatch(), 1e-3)
	}
	if err := g.Save(source); err != nil {
		t.Fatal(err)
	}
	const changed = "wide/kernel"
	python := exec.Command("python3", "-c", rewrite, source, target, changed)
	python.Env = append(python.Environ(), "PYTHONPATH="+path, "TF_CPP_MIN_LOG_LEVEL=3", "LD_LIBRARY_PATH=")
	var problems strings.Builder
	python.Stderr = &problems
	out, err := python.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	variables := g.named()
	var names []string
	before := map[string][]float32{}
	for name, v := range variables {
		names = append(names, name)
		before[name] = fetch(t, g, v)
	}
	for v := range g.adam.slots {
		names = append(names, "adam/momentum/"+v.name, "adam/velocity/"+v.name)
	}
	names = append(names, "adam/steps")
	slices.Sort(names)
	if got := strings.Fields(string(out)); !slices.Equal(got, names) {
		t.Errorf("Python sees %v, want %v", got, names)
	}
	step(t, g, smallBatch(), 1e-2) // to be undone
	if err := g.Restore(target); err != nil {
		t.Fatal(err)
	}
	for name, v := range variables {
		want := before[name]
		if name == changed {
			want = times(slices.Clone(want), 2)
		}
		if got := fetch(t, g, v); !slices.Equal(got, want) {
			t.Errorf("%s came back changed by %.2g", name, gap(got, want))
		}
	}
}
