package hdf5

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// expectation is what h5py reads in a file; testdata/make.py writes it.
type expectation struct {
	Datasets map[string]struct {
		Shape  []int     `json:"shape"`
		Values []float64 `json:"values"` // nil if the elements are no floats
		Many   bool      `json:"many"`   // one of many links to the same dataset
	} `json:"datasets"`
	Texts map[string][]string `json:"texts"` // by "path:attribute"; nil if they are no texts
}

func expectations(t testing.TB, folder string) map[string]expectation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]expectation
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("expected.json is empty")
	}
	return all
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unsupported are the datasets that h5py reads and this package refuses, and
// what the reason says.
var unsupported = map[string]string{
	"lzf":                 "filter 32000",
	"plain":               "HDF5 1.10", // of chunked_latest
	"sparse":              "chunks are missing",
	"of a committed type": "shared type",
}

func TestReads(t *testing.T) {
	for name, want := range expectations(t, "testdata") {
		t.Run(name, func(t *testing.T) { compare(t, filepath.Join("testdata", name+".h5"), want) })
	}
}

// compare reads a file and compares all that is in it with what h5py found.
func compare(t *testing.T, path string, want expectation) {
	t.Helper()
	f, err := Parse(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	datasets, texts := map[string]*Dataset{}, map[string][]string{}
	walk(f.Root, func(g *Group) {
		for _, a := range g.Attributes {
			list, err := a.Texts()
			if (err != nil) != (want.Texts[g.Path+":"+a.Name] == nil) {
				t.Errorf("%s:%s: %v", g.Path, a.Name, err)
			}
			texts[g.Path+":"+a.Name] = list
		}
		for _, d := range g.Datasets {
			datasets[d.Path] = d
		}
	})
	if len(texts) != len(want.Texts) {
		t.Errorf("attributes %q, want %q", slices.Sorted(maps.Keys(texts)), slices.Sorted(maps.Keys(want.Texts)))
	}
	for name, list := range want.Texts {
		if got, ok := texts[name]; !ok || !slices.Equal(got, list) {
			t.Errorf("%s: %q, want %q", name, got, list)
		}
	}
	if len(datasets) != len(want.Datasets) {
		t.Errorf("%d datasets, want %d", len(datasets), len(want.Datasets))
	}
	for name, w := range want.Datasets {
		d := datasets[name]
		if d == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if !slices.Equal(d.Shape, w.Shape) && len(d.Shape)+len(w.Shape) > 0 {
			t.Errorf("%s has the shape %v, want %v", name, d.Shape, w.Shape)
		}
		if w.Many {
			continue
		}
		values, err := d.Float32s()
		if reason, ok := unsupported[name]; ok && (name != "plain" || strings.HasSuffix(path, "latest.h5")) {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: %v, want %q", name, err, reason)
			}
			continue
		}
		if w.Values == nil {
			if err == nil || !strings.Contains(err.Error(), "want floats") {
				t.Errorf("%s: %v, want that it is no float", name, err)
			}
			continue
		}
		if err != nil || !slices.EqualFunc(values, w.Values, func(a float32, b float64) bool { return float64(a) == b }) {
			t.Errorf("%s: %v %v, want %v", name, values, err, w.Values)
		}
	}
}

func walk(g *Group, visit func(*Group)) {
	visit(g)
	for _, inner := range g.Groups {
		walk(inner, visit)
	}
}

// TestReadsLarge has h5py write groups of 12,000 links, whose heaps and B-trees
// have several levels.
func TestReadsLarge(t *testing.T) {
	packages := os.Getenv("EDGE_KERAS_PYTHONPATH")
	if packages == "" {
		t.Skip("EDGE_KERAS_PYTHONPATH is not set: no h5py to write files (make test sets it)")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/make.py", dir, "--large")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range expectations(t, dir) {
		if len(want.Datasets) < 12000 {
			t.Errorf("%s: %d datasets", name, len(want.Datasets))
		}
		compare(t, filepath.Join(dir, name+".h5"), want)
	}
}

func TestIs(t *testing.T) {
	data := read(t, "testdata/earliest.h5")
	for _, c := range []struct {
		data []byte
		want bool
	}{
		{data, true},
		{append(make([]byte, 512), data...), true},
		{append(make([]byte, 2048), data...), true},
		{append(make([]byte, 513), data...), false},
		{nil, false},
		{[]byte("TFL3"), false},
	} {
		if got := Is(c.data); got != c.want {
			t.Errorf("%d bytes: %v", len(c.data), got)
		}
		if _, err := Parse(c.data); c.want && err != nil || !c.want && !errors.Is(err, ErrNotHDF5) {
			t.Errorf("%d bytes: %v", len(c.data), err)
		}
	}
}

func TestGroup(t *testing.T) {
	f, err := Parse(read(t, "testdata/earliest.h5"))
	if err != nil {
		t.Fatal(err)
	}
	vars := f.Root.Group("layers").Group("conv2d").Group("vars")
	if vars.Path != "layers/conv2d/vars" || vars.Name != "vars" || vars.Group("nothing") != nil {
		t.Errorf("%+v", vars)
	}
	if texts, err := vars.Attribute("name").Texts(); err != nil || !slices.Equal(texts, []string{"Conv1"}) {
		t.Errorf("%q, %v", texts, err)
	}
	if a := vars.Attribute("nothing"); a != nil {
		t.Errorf("%+v", a)
	}
}

// TestConcurrentReads is for the race detector.
func TestConcurrentReads(t *testing.T) {
	f, err := Parse(read(t, "testdata/chunked.h5"))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, d := range f.Root.Datasets {
				_, _ = d.Float32s()
			}
		})
	}
	wait.Wait()
}

// TestCircles lets links lead back to where they came from.
func TestCircles(t *testing.T) {
	for _, name := range []string{"earliest", "latest"} {
		data := read(t, "testdata/"+name+".h5")
		f, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		root, err := f.superblock(data, 0)
		if err != nil {
			t.Fatal(err)
		}
		h, err := f.header(root)
		if err != nil {
			t.Fatal(err)
		}
		links, err := f.links(h)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if l.name != "layers" {
				continue
			}
			// Wherever the address of "layers" stands, the root's stands instead.
			bad := bytes.ReplaceAll(data, littleEndian(l.address), littleEndian(root))
			if _, err := Parse(bad); err == nil || !strings.Contains(err.Error(), "lies in itself") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func littleEndian(n uint64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	return b
}

// TestDamaged changes bytes all over the file in a few ways, and cuts it at many
// places: an error or not, but no panic and no hang.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"earliest", "latest", "ordered", "userblock", "chunked"} {
		data := read(t, "testdata/"+name+".h5")
		for i := 0; i < len(data); i += 17 {
			bad := bytes.Clone(data)
			bad[i] ^= [...]byte{1, 0x81, 0xff}[i%3]
			use(bad)
		}
		for n := 0; n < len(data); n += 397 {
			use(data[:n])
		}
	}
}

// use reads all that is in a file, as far as it claims no more elements than it
// can have.
func use(data []byte) {
	f, err := Parse(data)
	if err != nil {
		return
	}
	walk(f.Root, func(g *Group) {
		for _, a := range g.Attributes {
			_, _ = a.Texts()
		}
		for _, d := range g.Datasets {
			if n, err := elements(d.Shape); err == nil && n <= 1<<16 {
				_, _ = d.Float32s()
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"earliest", "latest", "ordered", "chunked", "chunked_latest"} {
		f.Add(read(f, "testdata/"+name+".h5"))
	}
	f.Fuzz(func(_ *testing.T, data []byte) { use(data) })
}
