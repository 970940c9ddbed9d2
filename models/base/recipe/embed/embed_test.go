package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// committed are the files that the command makes, and the pictures it takes.
const (
	committed = "../.."
	samples   = "../../../../samples"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parsed(t *testing.T, data []byte) *file.Subgraph {
	t.Helper()
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m.Main()
}

// What is committed is what the command makes of the committed float base. Another
// processor sums in another order, which moves ranges and biases a little.
func TestMakesWhatIsCommitted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of an hour in an emulator")
	}
	dir := t.TempDir()
	var said strings.Builder
	o := options{float: filepath.Join(committed, name+".tflite"), photos: samples, dir: dir}
	if err := run(t.Context(), &said, o); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, name+".tflite")); !bytes.Equal(got, read(t, o.float)) {
		t.Error("the float base is not copied as it is")
	}
	for _, n := range []string{name, name + "_int8"} {
		want := digest.Of(read(t, filepath.Join(dir, n+".tflite")))
		if sum := string(read(t, filepath.Join(dir, n+".sha256"))); sum != want.Hex()+"  "+n+".tflite\n" {
			t.Errorf("%s.sha256 holds %q", n, sum)
		}
		if !strings.Contains(said.String(), string(want)) {
			t.Errorf("it does not say what %s is: %s", n, said.String())
		}
	}
	got, want := read(t, filepath.Join(dir, name+"_int8.tflite")), read(t, filepath.Join(committed, name+"_int8.tflite"))
	if bytes.Equal(got, want) {
		return
	}
	t.Log("other bytes than on the processor that made it")
	a, b := parsed(t, got), parsed(t, want)
	if len(a.Tensors) != len(b.Tensors) || len(a.Operators) != len(b.Operators) {
		t.Fatalf("%d tensors and %d operators, committed are %d and %d: run make base", len(a.Tensors), len(a.Operators), len(b.Tensors), len(b.Operators))
	}
	for i := range a.Tensors {
		alike(t, &a.Tensors[i], &b.Tensors[i])
	}
}

// alike allows for other sums: ranges that differ by a thousandth, weights not at all.
func alike(t *testing.T, a, b *file.Tensor) {
	t.Helper()
	if a.Name != b.Name || a.Type != b.Type || a.Type == file.Int8 && !bytes.Equal(a.Data, b.Data) {
		t.Errorf("%s: it is not what is committed: run make base", a.Name)
	}
	if a.Quantisation == nil || b.Quantisation == nil {
		return
	}
	for i, s := range a.Quantisation.Scale {
		if ratio := s / b.Quantisation.Scale[i]; ratio < 0.999 || ratio > 1.001 {
			t.Errorf("%s: scale %g, committed is %g: run make base", a.Name, s, b.Quantisation.Scale[i])
		}
	}
}

// Nothing is written of what is refused.
func TestRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("as above")
	}
	float := read(t, filepath.Join(committed, name+".tflite"))
	for why, c := range map[string]struct {
		float []byte
		want  string
	}{
		"no model":          {[]byte("these are notes"), "TensorFlow Lite"},
		"the twin itself":   {read(t, filepath.Join(committed, name+"_int8.tflite")), "want float32"},
		"another size":      {read(t, "../../../../tflite/file/testdata/vector.tflite"), "128x128x3"},
		"too large":         {append(bytes.Clone(float), make([]byte, limit-len(float))...), "may be embedded"},
		"a map of features": {mapOf(t, float), "no vector"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "given.tflite")
		if err := os.WriteFile(path, c.float, 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(), io.Discard, options{float: path, photos: samples, dir: dir})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", why, err, c.want)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Errorf("%s: it leaves %v, %v", why, files, err)
		}
	}
	if err := run(t.Context(), io.Discard, options{float: filepath.Join(committed, name+".tflite"), photos: t.TempDir(), dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "0 pictures") {
		t.Errorf("no pictures: %v", err)
	}
}

// mapOf cuts a base before its average.
func mapOf(t *testing.T, data []byte) []byte {
	t.Helper()
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range m.Main().Operators {
		if o.Code == file.OpMean {
			cut, err := m.Cut(o.Inputs[0])
			if err != nil {
				t.Fatal(err)
			}
			if data, err = cut.Encode(); err != nil {
				t.Fatal(err)
			}
			return data
		}
	}
	t.Fatal("the base has no MEAN")
	return nil
}
