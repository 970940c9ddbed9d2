package file

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// same compares two models without the files they came from.
func same(a, b *Model) bool {
	x, y := *a, *b
	x.raw, y.raw = nil, nil
	return reflect.DeepEqual(x, y)
}

func TestRoundTrip(t *testing.T) {
	for name, data := range tiny(t) {
		m, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again := encoded(t, m)
		if len(again) > len(data) {
			t.Errorf("%s: %d bytes, were %d", name, len(again), len(data))
		}
		m2, err := Parse(again)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !same(m, m2) {
			t.Errorf("%s: reading back gives another model", name)
		}
		if !bytes.Equal(again, encoded(t, m2)) {
			t.Errorf("%s: writing twice gives other bytes", name)
		}
	}
}

func TestRoundTripByHand(t *testing.T) {
	m := dense()
	got, err := Parse(encoded(t, m))
	if err != nil {
		t.Fatal(err)
	}
	// What is left out when writing comes back as it stands in a file.
	m.Version = 3
	for i := range m.Subgraphs[0].Operators {
		m.Subgraphs[0].Operators[i].Version = 1
	}
	if !same(m, got) {
		got.raw = nil
		t.Errorf("got  %+v\nwant %+v", got, m)
	}
}

func TestRoundTripEverything(t *testing.T) {
	m := dense()
	g := m.Main()
	g.Tensors[0].ShapeSignature = []int32{-1, 2}
	g.Tensors[0].HasRank = true
	g.Tensors[1].Quantisation = &Quantisation{
		Scale: []float32{1, 2, 3}, ZeroPoint: []int64{4, 5, 1 << 40}, Dimension: 0,
		Min: []float32{-1}, Max: []float32{1},
	}
	g.Tensors = append(g.Tensors, Tensor{Name: "state", Shape: []int32{1, 3}, Variable: true})
	g.Operators = append(g.Operators, Operator{
		Code: OpCustom, Version: 7, Inputs: []int{3}, Outputs: []int{4},
		Options: CustomOptions{Name: "TFLite_Detection_PostProcess", Data: []byte{1, 2, 3}},
	}, Operator{
		Code: 209, Version: 1, Inputs: []int{3}, Outputs: []int{4}, // beyond the old one-byte code
	})
	m.Subgraphs = append(m.Subgraphs, Subgraph{Name: "second"})
	m.Version = 3
	for i := range g.Operators {
		g.Operators[i].Version = max(g.Operators[i].Version, 1)
	}
	got, err := Parse(encoded(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if !same(m, got) {
		got.raw = nil
		t.Errorf("got  %+v\nwant %+v", got, m)
	}
	if name := got.Main().Operators[2].Name(); name != "TFLite_Detection_PostProcess" {
		t.Errorf("custom operator is named %s", name)
	}
}

func TestEncodeAlignsAndShares(t *testing.T) {
	m := dense()
	g := m.Main()
	// Twice the same constant, and one of odd length before others.
	g.Tensors = append(g.Tensors,
		Tensor{Name: "odd", Type: UInt8, Shape: []int32{5}, Data: []byte{1, 2, 3, 4, 5}},
		Tensor{Name: "again", Shape: []int32{6}, Data: make([]byte, 24)},
		Tensor{Name: "other", Type: Int8, Shape: []int32{3}, Data: []byte{9, 9, 9}})
	data := encoded(t, m)
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	start := uintptr(unsafe.Pointer(&data[0]))
	at := map[string]uintptr{}
	for _, x := range got.Main().Tensors {
		if len(x.Data) == 0 {
			continue
		}
		at[x.Name] = uintptr(unsafe.Pointer(&x.Data[0])) - start
		if at[x.Name]%alignment != 0 {
			t.Errorf("%s stands at %d, not a multiple of %d", x.Name, at[x.Name], alignment)
		}
	}
	if at["weights"] != at["again"] {
		t.Errorf("equal constants are stored at %d and %d", at["weights"], at["again"])
	}
	if at["odd"] == at["other"] {
		t.Error("different constants are stored at one place")
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(*Model)
		want   string
	}{
		{"no subgraph", func(m *Model) { m.Subgraphs = nil }, "no subgraph"},
		{"input", func(m *Model) { m.Main().Inputs[0] = 4 }, "inputs: tensor 4 of 4"},
		{"missing output", func(m *Model) { m.Main().Outputs[0] = -1 }, "outputs: tensor -1 of 4"},
		{"operator's tensor", func(m *Model) { m.Main().Operators[1].Inputs[0] = 9 }, "operator #1, SOFTMAX: inputs: tensor 9 of 4"},
		{"operator's options", func(m *Model) { m.Main().Operators[1].Options = AddOptions{} }, "SOFTMAX: options are file.AddOptions"},
		{"custom without a name", func(m *Model) { m.Main().Operators[1].Code = OpCustom }, "options are file.SoftmaxOptions"},
		{"code", func(m *Model) { m.Main().Operators[0].Code = -3 }, "code -3"},
		{"data", func(m *Model) { m.Main().Tensors[1].Data = make([]byte, 20) }, `tensor 1 ("weights"): 20 bytes of data, but [3 2] of float32 needs 24`},
		{"shape", func(m *Model) { m.Main().Tensors[0].Shape[0] = -1 }, "shape [-1 2]"},
		{"signature", func(m *Model) { m.Signatures[0].Outputs[0].Tensor = 4 }, `"scores" is tensor 4 of 4`},
		{"signature's subgraph", func(m *Model) { m.Signatures[0].Subgraph = 1 }, "subgraph 1 of 1"},
		{"zero points", func(m *Model) {
			m.Main().Tensors[0].Quantisation = &Quantisation{Scale: []float32{1}, ZeroPoint: []int64{1, 2}}
		}, "1 scales with 2 zero points"},
		{"scales", func(m *Model) {
			m.Main().Tensors[1].Quantisation = &Quantisation{Scale: []float32{1, 2}, Dimension: 0}
		}, "2 scales along dimension 0 of shape [3 2]"},
		{"unknown options", func(m *Model) {
			m.Main().Operators[1].Code = 16
			m.Main().Operators[1].Options = UnknownOptions{"LSTM", "options of kind 14"}
		}, "operator #1, LSTM, has options of kind 14"},
		{"sparse", func(m *Model) { m.Main().Tensors[1].extra = "sparse data" }, `tensor 1 ("weights") has sparse data`},
	} {
		m := dense()
		c.damage(m)
		if _, err := m.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
