package file

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/internal/shareddata"
)

func TestPatch(t *testing.T) {
	data := encoded(t, dense())
	before := bytes.Clone(data)
	values := []float32{1, -2, 3.5, 0, float32(math.Copysign(0, -1)), math.MaxFloat32}
	got, err := Patch(data, map[int][]float32{1: values})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, before) {
		t.Error("the original changed")
	}
	m, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	read, _ := m.Main().Tensors[1].Float32s()
	for i, v := range values {
		if math.Float32bits(read[i]) != math.Float32bits(v) {
			t.Errorf("value %d is %v, want %v", i, read[i], v)
		}
	}
	// The same model but for the weights.
	want := dense()
	want.Main().Tensors[1].Data = m.Main().Tensors[1].Data
	if again := encoded(t, want); !bytes.Equal(encoded(t, m), again) {
		t.Error("something else changed")
	}
	onlyWithin(t, data, got, m.Main().Tensors[1].Data)
}

// onlyWithin checks that two files differ nowhere but where the second one has
// the given bytes, once.
func onlyWithin(t *testing.T, before, after, constant []byte) {
	t.Helper()
	if len(before) != len(after) {
		t.Fatalf("%d bytes, were %d", len(after), len(before))
	}
	at := bytes.Index(after, constant)
	if at < 0 || bytes.Contains(after[at+1:], constant) {
		t.Fatal("the constant does not stand in the file once")
	}
	for i := range before {
		if before[i] != after[i] && (i < at || i >= at+len(constant)) {
			t.Fatalf("byte %d changed; the constant is at %d to %d", i, at, at+len(constant))
		}
	}
}

func TestPatchNothing(t *testing.T) {
	for name, data := range tiny(t) {
		got, err := Patch(data, nil)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v, the same bytes: %v", name, err, bytes.Equal(got, data))
		}
	}
}

func TestPatchFloat16(t *testing.T) {
	data := tiny(t)["pooled_float16"]
	const kernel = 7 // [136 1 1 8]
	m := parsed(t, "pooled_float16")
	if x := m.Main().Tensors[kernel]; x.Type != Float16 {
		t.Fatalf("tensor %d has type %v", kernel, x.Type)
	}
	values := make([]float32, m.Main().Tensors[kernel].Elements())
	for i := range values {
		values[i] = float32(i)/300 - 1
	}
	copy(values, []float32{
		1 + 1.0/2048, // half-way between 1 and its neighbour above: to the even one
		1 + 3.0/2048, // half-way between odd and even
		65519,        // rounds to the largest half
		1e-9,         // rounds to zero
		0x1p-24,      // the smallest half
	})
	got, err := Patch(data, map[int][]float32{kernel: values})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	stored := after.Main().Tensors[kernel].Data
	for i, want := range []float32{1, 1 + 4.0/2048, 65504, 0, 0x1p-24} {
		if v := float16.FromBits(binary.LittleEndian.Uint16(stored[2*i:])); v != want {
			t.Errorf("%v becomes %v, want %v", values[i], v, want)
		}
	}
	onlyWithin(t, data, got, stored)
}

func TestPatchRefuses(t *testing.T) {
	large := make([]float32, 136*8)
	large[3] = 65520
	infinite := []float32{0, 0, 0, 0, 0, float32(math.Inf(-1))}
	nan := []float32{float32(math.NaN()), 0, 0, 0, 0, 0}
	integers := dense()
	integers.Main().Tensors[1] = Tensor{Name: "weights", Type: Int8, Shape: []int32{6}, Data: make([]byte, 6)}
	for _, c := range []struct {
		what    string
		data    []byte
		weights map[int][]float32
		want    string
	}{
		{"no model", []byte("TFL"), nil, "not a TensorFlow Lite model"},
		{"no such tensor", encoded(t, dense()), map[int][]float32{4: {1}}, "tensor 4: there are 4"},
		{"a negative one", encoded(t, dense()), map[int][]float32{-1: {1}}, "tensor -1: there are 4"},
		{"no constant", encoded(t, dense()), map[int][]float32{0: {1, 2}}, `tensor 0 ("features"): it is no constant of the file`},
		{"too few", encoded(t, dense()), map[int][]float32{1: {1, 2}}, `tensor 1 ("weights"): 2 values for shape [3 2]`},
		{"too many", encoded(t, dense()), map[int][]float32{1: make([]float32, 7)}, "7 values for shape [3 2]"},
		{"infinite", encoded(t, dense()), map[int][]float32{1: infinite}, "a value is not finite"},
		{"not a number", encoded(t, dense()), map[int][]float32{1: nan}, "a value is not finite"},
		{"too large for a half", tiny(t)["pooled_float16"], map[int][]float32{7: large}, "65520 is too large for float16"},
		{"integers", encoded(t, integers), map[int][]float32{1: make([]float32, 6)}, "it has type int8, want float32 or float16"},
	} {
		got, err := Patch(c.data, c.weights)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "patch model: ") {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if got != nil {
			t.Errorf("%s: a file beside the error", c.what)
		}
	}
}

// Equal constants are stored once: they must stay equal.
func TestPatchSharedBuffer(t *testing.T) {
	m := dense()
	g := m.Main()
	g.Tensors = append(g.Tensors, Tensor{Name: "twin", Shape: []int32{2, 3}, Data: bytes.Clone(g.Tensors[1].Data)})
	data := encoded(t, m)
	ones, twos := []float32{1, 1, 1, 1, 1, 1}, []float32{2, 2, 2, 2, 2, 2}
	for what, c := range map[string]struct {
		weights map[int][]float32
		want    string
	}{
		"one of them":   {map[int][]float32{1: ones}, `tensor 4 ("twin") shares its bytes`},
		"the other":     {map[int][]float32{4: ones}, `tensor 1 ("weights") shares its bytes`},
		"both, unequal": {map[int][]float32{1: ones, 4: twos}, "shares its bytes"},
		"both":          {map[int][]float32{1: ones, 4: ones}, ""},
		"as they were":  {map[int][]float32{1: make([]float32, 6)}, ""},
	} {
		_, err := Patch(data, c.weights)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// A constant that another subgraph or the metadata shares must not change under them.
func TestPatchSharedElsewhere(t *testing.T) {
	values := map[int][]float32{1: {1, 2, 3, 4, 5, 6}}
	for what, share := range map[string]func(*Model){
		"metadata": func(m *Model) { m.Metadata = append(m.Metadata, Metadata{"zeros", make([]byte, 24)}) },
		"another subgraph": func(m *Model) {
			m.Subgraphs = append(m.Subgraphs, Subgraph{Tensors: []Tensor{{Name: "same", Shape: []int32{6}, Data: make([]byte, 24)}}})
		},
	} {
		m := dense()
		share(m)
		if _, err := Patch(encoded(t, m), values); err == nil || !strings.Contains(err.Error(), "constants overlap the rest of the file") {
			t.Errorf("shared with %s: %v", what, err)
		}
	}
}

// A constant may be said to lie anywhere, also over the tables of the file.
func TestPatchOverlapping(t *testing.T) {
	n := uint64(len(outside(4, 8, nil)))
	refused := 0
	for offset := uint64(2); offset <= n-8; offset++ {
		data := outside(offset, 8, nil)
		for i := range data { // four uint8 become four float16
			was := data[i]
			data[i] = byte(Float16)
			if m, err := Parse(data); err == nil && m.Main().Tensors[0].Type == Float16 {
				break
			}
			data[i] = was
		}
		got, err := Patch(data, map[int][]float32{0: {1, 2, 3, 4}})
		if err != nil && !strings.Contains(err.Error(), "overlap") {
			t.Errorf("at %d: %v", offset, err)
		}
		if err != nil {
			refused++
			continue
		}
		if m, err := Parse(got); err != nil || m.Main().Tensors[0].Type != Float16 {
			t.Errorf("at %d: %v", offset, err)
		}
	}
	if refused < 50 {
		t.Errorf("%d of %d places refused", refused, n)
	}
}

// The real base: every weight is given another value and back.
func TestPatchSharedBase(t *testing.T) {
	data, err := os.ReadFile(shareddata.Path(t, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	before, after := map[int][]float32{}, map[int][]float32{}
	for i := range m.Main().Tensors {
		if values, ok := m.Main().Tensors[i].Float32s(); ok {
			before[i] = values
			after[i] = make([]float32, len(values))
			for k, v := range values {
				after[i][k] = 1 - v
			}
		}
	}
	changed, err := Patch(data, after)
	if err != nil {
		t.Fatal(err)
	}
	if len(changed) != len(data) || bytes.Equal(changed, data) {
		t.Errorf("%d bytes, were %d; changed: %v", len(changed), len(data), !bytes.Equal(changed, data))
	}
	back, err := Patch(changed, before)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back, data) {
		t.Error("the old values do not give the old bytes")
	}
}

// FuzzPatch looks for files in which a patch panics or changes more than it says.
func FuzzPatch(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		for i := range m.Main().Tensors {
			x := &m.Main().Tensors[i]
			if !x.Constant() || x.Elements() < 0 || x.Elements() > 1000 {
				continue
			}
			got, err := Patch(data, map[int][]float32{i: make([]float32, x.Elements())})
			if err != nil {
				continue
			}
			changed := 0
			for k := range data {
				if data[k] != got[k] {
					changed++
				}
			}
			if again, err := Parse(got); err != nil || changed > len(x.Data) || !bytes.Equal(again.Main().Tensors[i].Data, make([]byte, len(x.Data))) {
				t.Fatalf("tensor %d: %v, %d bytes changed of %d", i, err, changed, len(x.Data))
			}
			return
		}
	})
}
