package network

import (
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// FuzzRead looks for models that file.Parse accepts and that make Read, or what
// is done with a network, panic, hang, or contradict itself.
func FuzzRead(f *testing.F) {
	for _, build := range []func() *builder{tinyV2, every} {
		_, data := build().built(f)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := file.Parse(data)
		if err != nil {
			return
		}
		n, err := Read(m)
		if err != nil {
			return
		}
		unique(t, n)
		for _, fraction := range []float64{0, 0.3, 0.6, 1} {
			for _, norms := range []bool{false, true} {
				if s, err := n.Unfreeze(fraction, norms); err == nil {
					use(t, n, s)
				}
			}
		}
		if _, err := n.UnfreezeFrom(n.Counted[len(n.Counted)-1].Name+"x", true); err == nil {
			t.Error("a layer that is not there is found")
		}
	})
}

func use(t *testing.T, n *Network, s Selection) {
	for i := range n.Layers {
		if (s.Kernels[i] || s.Norms[i]) && i < s.First {
			t.Errorf("layer %d trains in the prefix", i)
		}
	}
	p := n.Plan(s)
	if p.Trainable > p.Parameters || p.FrontierBytes < 1 || p.Memory(1) < RuntimeBytes {
		t.Errorf("plan %+v", p)
	}
	prefix, err := n.Prefix(s)
	if err != nil {
		t.Errorf("frontier %v has no prefix: %v", s.Frontier, err)
	} else if prefix == nil && s.Frontier[0] != n.Input {
		t.Errorf("no prefix for frontier %v", s.Frontier)
	}
}
