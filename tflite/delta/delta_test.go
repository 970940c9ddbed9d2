package delta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// models returns small models of several element types, by name.
func models(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "file", "testdata", "*.tflite"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d models, %v", len(paths), err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".tflite")] = read(t, path)
	}
	return all
}

// embedded is the base that edge brings along.
func embedded(t testing.TB) []byte {
	t.Helper()
	return read(t, filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite"))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// changed returns a copy of a model in which the last constants have other
// values: floats move by about a thousandth, other bytes are random.
func changed(t testing.TB, data []byte, constants int, random *rand.Rand) []byte {
	t.Helper()
	out := bytes.Clone(data)
	m, err := file.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range slices.Backward(m.Main().Tensors) {
		if !tensor.Constant() || constants == 0 {
			continue
		}
		constants--
		if values, ok := tensor.Float32s(); ok {
			for i, v := range values {
				v += float32(random.NormFloat64() * 1e-3)
				binary.LittleEndian.PutUint32(tensor.Data[4*i:], math.Float32bits(v))
			}
			continue
		}
		for i := range tensor.Data {
			tensor.Data[i] += byte(random.IntN(256))
		}
	}
	return out
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func diff(t testing.TB, parent, child []byte) []byte {
	t.Helper()
	d, err := Diff(parent, child)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThereAndBack(t *testing.T) {
	for name, parent := range models(t) {
		for _, constants := range []int{0, 1, 3, 100} {
			child := changed(t, parent, constants, random())
			d, err := Diff(parent, child)
			if err != nil {
				t.Errorf("%s, %d constants: %v", name, constants, err)
				continue
			}
			if !bytes.Equal(d, diff(t, parent, child)) {
				t.Errorf("%s: the same files gave two deltas", name)
			}
			got, err := Apply(parent, d, Limits{})
			if err != nil || !bytes.Equal(got, child) {
				t.Errorf("%s, %d constants: the child does not come back: %v", name, constants, err)
			}
		}
	}
}

func TestEmbeddedBase(t *testing.T) {
	parent := embedded(t)
	child := changed(t, parent, 10, random())
	d := diff(t, parent, child)
	info, err := Inspect(d)
	if err != nil {
		t.Fatal(err)
	}
	if info.Parent != digest.Of(parent) || info.Child != digest.Of(child) || info.ParentBytes != int64(len(parent)) || info.ChildBytes != int64(len(child)) || len(info.Constants) != 10 {
		t.Errorf("it says %+v", info)
	}
	// Only the changed constants, and these in fewer bytes than they have.
	m, err := file.Parse(parent)
	if err != nil {
		t.Fatal(err)
	}
	plain := 0
	for _, c := range info.Constants {
		plain += len(m.Subgraphs[c.Subgraph].Tensors[c.Tensor].Data)
	}
	t.Logf("%d constants of %d bytes: a delta of %d bytes, the base has %d", len(info.Constants), plain, len(d), len(parent))
	if len(d) > plain*9/10 {
		t.Errorf("a delta of %d bytes for constants of %d", len(d), plain)
	}
	if got, err := Apply(parent, d, Limits{Bytes: int64(len(child))}); err != nil || !bytes.Equal(got, child) {
		t.Errorf("the child does not come back: %v", err)
	}
	if _, err := Apply(parent, d, Limits{Bytes: int64(len(child)) - 1}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a child larger than allowed: %v", err)
	}
	for name, other := range map[string][]byte{"the child": child, "nothing": nil, "cut": parent[:len(parent)-1]} {
		if _, err := Apply(other, d, Limits{}); !errors.Is(err, ErrParent) {
			t.Errorf("%s as parent: %v", name, err)
		}
	}
}

// large is a model of more bytes than a frame refers back to, whose two kernels
// are one block of bytes.
func large(t *testing.T) []byte {
	t.Helper()
	const side = 1500
	kernel := make([]byte, 4*side*side)
	for i := range kernel {
		kernel[i] = byte(i * i >> 7)
	}
	m := file.Model{Version: 3, Subgraphs: []file.Subgraph{{
		Tensors: []file.Tensor{
			{Name: "in", Shape: []int32{1, side}},
			{Name: "one", Shape: []int32{side, side}, Data: kernel},
			{Name: "between", Shape: []int32{1, side}},
			{Name: "two", Shape: []int32{side, side}, Data: kernel},
			{Name: "out", Shape: []int32{1, side}},
		},
		Inputs: []int{0}, Outputs: []int{4},
		Operators: []file.Operator{
			{Code: file.OpFullyConnected, Inputs: []int{0, 1, -1}, Outputs: []int{2}, Options: file.FullyConnectedOptions{}},
			{Code: file.OpFullyConnected, Inputs: []int{2, 3, -1}, Outputs: []int{4}, Options: file.FullyConnectedOptions{}},
		},
	}}}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 5*side*side || len(data) <= window {
		t.Fatalf("%d bytes are not one kernel of more than the window", len(data))
	}
	return data
}

func TestSharedBytesAndLargeFrames(t *testing.T) {
	parent := large(t)
	child := changed(t, parent, 1, random())
	d := diff(t, parent, child)
	info, err := Inspect(d)
	if err != nil || len(info.Constants) != 1 {
		t.Errorf("the shared bytes stand in it as %v: %v", info.Constants, err)
	}
	if got, err := Apply(parent, d, Limits{}); err != nil || !bytes.Equal(got, child) {
		t.Errorf("the child does not come back: %v", err)
	}
	// Both tensors in the list would need the bytes twice.
	info.Constants = []Constant{{0, 1}, {0, 3}}
	if _, err := Apply(parent, withFrame(t, info, make([]byte, 2*len(parent))), Limits{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("bytes twice: %v", err)
	}
}

// withFrame is a delta of these parts.
func withFrame(t testing.TB, i Info, content []byte) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll(content, i.encode())
}

// Files that differ in more than constants have a delta too.
func TestOtherStructure(t *testing.T) {
	all := models(t)
	parent := all["pooled"]
	name := bytes.Clone(parent)
	at := bytes.Index(name, []byte("main"))
	if at < 0 {
		t.Fatal("no name to change")
	}
	name[at] = 'M'
	for what, child := range map[string][]byte{
		"another model": all["hidden"], "other type": all["pooled_int8"], "a name": name,
		"longer": append(bytes.Clone(parent), 0), "embedded": embedded(t),
	} {
		d := diff(t, parent, child)
		info, err := Inspect(d)
		if err != nil || info.Format != 2 || len(info.Constants) > 0 || info.ChildBytes != int64(len(child)) {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
		if got, err := Apply(parent, d, Limits{}); err != nil || !bytes.Equal(got, child) {
			t.Errorf("%s: the child does not come back: %v", what, err)
		}
		if _, err := Apply(child, d, Limits{}); !errors.Is(err, ErrParent) {
			t.Errorf("%s: another parent: %v", what, err)
		}
		if _, err := Apply(parent, d, Limits{Bytes: int64(len(child)) - 1}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: a limit: %v", what, err)
		}
		for n := 0; n < len(d); n += 1 + len(d)/50 {
			if _, err := Apply(parent, d[:n], Limits{}); err == nil {
				t.Errorf("%s: %d of %d bytes are enough", what, n, len(d))
			}
		}
		for what, wrong := range map[string][]byte{
			"bytes behind": append(bytes.Clone(d), 0), "more behind": append(bytes.Clone(d), d[fixedSize:]...), "bytes changed": flipped(d),
		} {
			if _, err := Apply(parent, wrong, Limits{}); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	// What is alike costs next to nothing.
	if d := diff(t, parent, name); len(d) > fixedSize+200 {
		t.Errorf("one letter costs %d bytes", len(d))
	}
	// Too large to look back over.
	large := append(bytes.Clone(parent), make([]byte, maxAny)...)
	if _, err := Diff(parent, large); !errors.Is(err, ErrStructure) {
		t.Errorf("a large child: %v", err)
	}
	if _, err := Diff(parent, []byte("no model")); !errors.Is(err, file.ErrNotModel) {
		t.Errorf("no child: %v", err)
	}
	if _, err := Diff(nil, parent); !errors.Is(err, file.ErrNotModel) {
		t.Errorf("no parent: %v", err)
	}
}

// flipped is data with a bit of its frames changed.
func flipped(data []byte) []byte {
	data = bytes.Clone(data)
	data[(fixedSize+len(data))/2] ^= 4
	return data
}

func TestApplyRefuses(t *testing.T) {
	parent := models(t)["hidden"]
	child := changed(t, parent, 2, random())
	good := diff(t, parent, child)
	info, err := Inspect(good)
	if err != nil || len(info.Constants) != 2 {
		t.Fatal(info, err)
	}
	with := func(change func(*Info)) []byte {
		i := info
		i.Constants = slices.Clone(info.Constants)
		change(&i)
		return append(i.encode(), good[len(info.encode()):]...)
	}
	later := bytes.Clone(good)
	later[7] = 3
	other := bytes.Clone(good)
	other[7] = 2
	for _, c := range []struct {
		name  string
		delta []byte
		want  error
	}{
		{"empty", nil, ErrNotDelta},
		{"a model", child, ErrNotDelta},
		{"later version", later, ErrNotDelta},
		{"another version", other, ErrDamaged},
		{"fewer bytes than the list", append(info.encode()[:fixedSize:fixedSize], 1, 2, 3), ErrDamaged},
		{"other child", with(func(i *Info) { i.Child = i.Parent }), ErrDamaged},
		{"other parent", with(func(i *Info) { i.Parent = i.Child }), ErrParent},
		{"other sizes", with(func(i *Info) { i.ChildBytes++ }), ErrDamaged},
		{"both sizes", with(func(i *Info) { i.ChildBytes++; i.ParentBytes++ }), ErrParent},
		{"huge", with(func(i *Info) { i.ChildBytes, i.ParentBytes = 1<<40, 1<<40 }), ErrDamaged},
		{"too large", with(func(i *Info) { i.ChildBytes, i.ParentBytes = maxFile, maxFile }), ErrTooLarge},
		{"no such tensor", with(func(i *Info) { i.Constants[1].Tensor = 1 << 20 }), ErrDamaged},
		{"no such subgraph", with(func(i *Info) { i.Constants[1].Subgraph = math.MaxUint32 }), ErrDamaged},
		{"no constant", with(func(i *Info) { i.Constants = []Constant{{0, 0}, {0, 1}} }), ErrDamaged},
		{"out of order", with(func(i *Info) { slices.Reverse(i.Constants) }), ErrDamaged},
		{"twice", with(func(i *Info) { i.Constants[1] = i.Constants[0] }), ErrDamaged},
		{"one missing", with(func(i *Info) { i.Constants = i.Constants[:1] }), ErrDamaged},
		{"bytes behind", append(bytes.Clone(good), 0), ErrDamaged},
		{"more behind", append(bytes.Clone(good), good[len(info.encode()):]...), ErrDamaged},
		{"too much", withFrame(t, info, make([]byte, 64<<20)), ErrDamaged},
		{"too little", withFrame(t, info, make([]byte, 10)), ErrDamaged},
		{"other differences", withFrame(t, info, make([]byte, 1<<10)), ErrDamaged},
	} {
		if _, err := Apply(parent, c.delta, Limits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range good {
		if _, err := Apply(parent, good[:n], Limits{}); err == nil {
			t.Fatalf("%d of %d bytes are enough", n, len(good))
		}
	}
}

func TestWords(t *testing.T) {
	r := random()
	for _, size := range []int{1, 2, 4} {
		parent, child := make([]byte, 4096), make([]byte, 4096)
		for i := range parent {
			parent[i], child[i] = byte(r.IntN(256)), byte(r.IntN(256))
		}
		d := bytes.Clone(child)
		difference(parent, d, size)
		back := bytes.Clone(parent)
		undo(back, d, size)
		if !bytes.Equal(back, child) {
			t.Errorf("words of %d bytes do not come back", size)
		}
	}
	// One more and one less are the two smallest differences, at any place.
	for _, size := range []int{1, 2, 4} {
		for step, want := range map[int]byte{1: 2, -1: 1} {
			parent := bytes.Repeat([]byte{0xff}, size)
			child := bytes.Clone(parent)
			undo(child, append([]byte{want}, make([]byte, size-1)...), size)
			d := bytes.Clone(child)
			difference(parent, d, size)
			if d[0] != want || slices.Max(append(d[1:], 0)) != 0 {
				t.Errorf("words of %d bytes, %+d: %v", size, step, d)
			}
		}
	}
	rows := []row{{[]byte{1, 2, 3, 4, 5, 6, 7, 8}, 4}, {[]byte{9}, 1}, {[]byte{10, 11}, 2}}
	got := apart(rows)
	if want := []byte{1, 5, 9, 10, 2, 6, 11, 3, 7, 4, 8}; !bytes.Equal(got, want) {
		t.Errorf("apart: %v, want %v", got, want)
	}
	again := []row{{make([]byte, 8), 4}, {make([]byte, 1), 1}, {make([]byte, 2), 2}}
	together(again, got)
	for i := range rows {
		if !bytes.Equal(again[i].data, rows[i].data) {
			t.Errorf("together: %v, want %v", again[i].data, rows[i].data)
		}
	}
}

func BenchmarkDelta(b *testing.B) {
	parent := embedded(b)
	child := changed(b, parent, 20, random())
	d := diff(b, parent, child)
	b.Run("diff", func(b *testing.B) {
		b.SetBytes(int64(len(parent)))
		for b.Loop() {
			diff(b, parent, child)
		}
	})
	b.Run("apply", func(b *testing.B) {
		b.SetBytes(int64(len(parent)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Apply(parent, d, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
