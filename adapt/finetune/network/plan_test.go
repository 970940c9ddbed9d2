package network

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

func TestPlan(t *testing.T) {
	m, _ := loaded(t, embedded)
	n := network(t, m)
	total := m.Summary()
	for _, fraction := range []float64{0, 0.2, 1} {
		s, err := n.Unfreeze(fraction, false)
		if err != nil {
			t.Fatal(err)
		}
		p := n.Plan(s)
		if p.PrefixMACs+p.TopMACs != total.MACs {
			t.Errorf("%v: %d + %d MACs, the model has %d", fraction, p.PrefixMACs, p.TopMACs, total.MACs)
		}
		// The model's own count has the scale and offset of the features too.
		if want := total.Parameters - 2*1280; p.Parameters != want {
			t.Errorf("%v: %d parameters, want %d", fraction, p.Parameters, want)
		}
		var trainable int64
		for _, r := range p.Layers[len(p.Layers)-p.Unfrozen:] {
			if r.Trains {
				trainable += r.Parameters
			}
		}
		if p.Trainable != trainable {
			t.Errorf("%v: %d parameters train, %d among the unfrozen rows", fraction, p.Trainable, trainable)
		}
	}
	s, _ := n.Unfreeze(0.2, false)
	p := n.Plan(s)
	// Of blocks 14 to 16 and Conv_1, by hand: kernels and biases, 56 channels
	// between blocks, 336 within, 112 at the end.
	block := func(out int64) int64 { return 56*336 + 336 + 9*336 + 336 + 336*out + out }
	if want := 2*block(56) + block(112) + 112*1280 + 1280; p.Trainable != want {
		t.Errorf("20 %%: %d parameters train, want %d", p.Trainable, want)
	}
	if p.FrontierBytes != 4*4*56*4 || !slices.Equal(p.Frontier[0], []int{4, 4, 56}) || len(p.Frontier) != 1 {
		t.Errorf("20 %%: frontier %v, %d bytes", p.Frontier, p.FrontierBytes)
	}
	if want := 16 * (2*(56*336+9*336+336*56) + 56*336 + 9*336 + 336*112 + 112*1280); p.TopMACs != int64(want) {
		t.Errorf("20 %%: %d MACs in the top, want %d", p.TopMACs, want)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		`{"name":"block_13_project_BN","kind":"norm","shape":[4,4,56],"parameters":56,"trains":false}`,
		`{"name":"block_14_expand","kind":"kernel","shape":[4,4,336],"parameters":18816,"trains":true}`,
		`"unfrozen":30`, `"trainable":287664`, `"frontier_bytes":3584`,
	} {
		if !strings.Contains(string(data), field) {
			t.Errorf("the JSON lacks %s", field)
		}
	}
}

// With norms, the norm alone of block_13_project trains, and the frontier lies
// before its kernel: 4x4x576 for alpha 1.
func TestPlanOfSharedBase(t *testing.T) {
	m, _ := loaded(t, shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"))
	n := network(t, m)
	s, err := n.Unfreeze(0.2, true)
	if err != nil {
		t.Fatal(err)
	}
	p := n.Plan(s)
	if p.FrontierBytes != 4*4*576*4 || len(p.Frontier) != 1 {
		t.Errorf("frontier %v, %d bytes", p.Frontier, p.FrontierBytes)
	}
	i := slices.IndexFunc(p.Layers, func(r Row) bool { return r.Name == "block_13_project" })
	if p.Layers[i].Trains || !p.Layers[i+1].Trains {
		t.Errorf("%v, %v", p.Layers[i], p.Layers[i+1])
	}
}

func TestMemoryGrows(t *testing.T) {
	m, _ := loaded(t, embedded)
	n := network(t, m)
	var last int64
	for _, fraction := range []float64{0, 0.1, 0.2, 0.5, 1} {
		s, err := n.Unfreeze(fraction, false)
		if err != nil {
			t.Fatal(err)
		}
		p := n.Plan(s)
		if got := p.Memory(32); got <= last || p.Memory(64)-got != 32*p.ActivationBytes || got < RuntimeBytes {
			t.Errorf("%v: %d bytes, after %d; with 64: %d", fraction, got, last, p.Memory(64))
		} else {
			last = got
		}
	}
}
