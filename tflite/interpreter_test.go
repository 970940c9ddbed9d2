package tflite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/internal/capi"
)

// Every kind of model gives what the Python interpreter gives, with and without
// XNNPACK, whatever the batch and the number of threads.
func TestRunEqualsPython(t *testing.T) {
	for name, want := range loadGolden(t) {
		for _, o := range []Options{{Threads: 1}, {Threads: 3}, {Threads: 2, NoXNNPACK: true}} {
			t.Run(fmt.Sprintf("%s/threads=%d,plain=%v", name, o.Threads, o.NoXNNPACK), func(t *testing.T) {
				it := mustOpen(t, name, o)
				tolerance := 1e-5
				if q := it.Outputs()[0].Quantisation; q != nil && o.NoXNNPACK {
					tolerance = 1.01 * float64(q.Scale) // the plain kernels round at other places
				}
				if name == "dynamic_range" {
					tolerance = 5e-3 // activations are quantised on the fly
				}
				per := len(want.Output[0])
				for _, batch := range []int{1, 4, 2, 1, 3} {
					got := make([]float32, batch*per)
					if err := it.Run(got, ramp(name, 4*want.PerItem)[:batch*want.PerItem]); err != nil {
						t.Fatal(err)
					}
					if d, at := farthest(t, got, flatten(want.Output[:batch])); d > tolerance {
						t.Errorf("batch %d: value %d differs by %g", batch, at, d)
					}
				}
			})
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		name    string
		in, out Tensor
	}{
		{"float32",
			Tensor{Name: "serving_default_image:0", Shape: []int{1, 8, 8, 3}, Signature: []int{1, 8, 8, 3}, Type: Float32},
			Tensor{Name: "PartitionedCall:0", Shape: []int{1, 16}, Signature: []int{1, 16}, Type: Float32}},
		{"uint8",
			Tensor{Name: "serving_default_image:0", Shape: []int{1, 8, 8, 3}, Signature: []int{1, 8, 8, 3}, Type: UInt8, Quantisation: &Quantisation{0.007839726284146309, 128}},
			Tensor{Name: "PartitionedCall:0", Shape: []int{1, 16}, Signature: []int{1, 16}, Type: UInt8, Quantisation: &Quantisation{0.0006617520120926201, 98}}},
		{"open_size",
			Tensor{Name: "serving_default_image:0", Shape: []int{1, 1, 1, 3}, Signature: []int{1, -1, -1, 3}, Type: Float32},
			Tensor{Name: "PartitionedCall:0", Shape: []int{1, 16}, Signature: []int{1, 16}, Type: Float32}},
		{"float16_io",
			Tensor{Name: "x", Shape: []int{1, 2, 2, 3}, Signature: []int{1, 2, 2, 3}, Type: Float16},
			Tensor{Name: "y", Shape: []int{1, 2, 2, 3}, Signature: []int{1, 2, 2, 3}, Type: Float16}},
		{"bytes",
			Tensor{Name: "x", Shape: []int{1, 2, 2, 3}, Signature: []int{1, 2, 2, 3}, Type: UInt8},
			Tensor{Name: "y", Shape: []int{1, 2, 2, 3}, Signature: []int{1, 2, 2, 3}, Type: Float32}},
	} {
		it := mustOpen(t, test.name, Options{})
		if got := it.Inputs(); !reflect.DeepEqual(got, []Tensor{test.in}) {
			t.Errorf("%s takes %v, want %v", test.name, got, test.in)
		}
		if got := it.Outputs(); !reflect.DeepEqual(got, []Tensor{test.out}) {
			t.Errorf("%s gives %v, want %v", test.name, got, test.out)
		}
		if w := it.Warning(); w != "" {
			t.Errorf("%s warns: %s", test.name, w)
		}
	}
	it := mustOpen(t, "two_outputs", Options{})
	if in, out := len(it.Inputs()), len(it.Outputs()); in != 1 || out != 2 {
		t.Errorf("two_outputs has %d inputs and %d outputs", in, out)
	}
	got := mustOpen(t, "uint8", Options{}).Inputs()[0].String()
	if want := "serving_default_image:0 uint8 [1 8 8 3] scale 0.007839726 zero point 128"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(testModel("float32"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want, hint string }{
		{filepath.Join(dir, "none.tflite"), "not exist", "path"},
		{dir, "not a regular file", "file itself"},
		{write("empty.tflite", nil), "is empty", "incomplete"},
		{write("short.tflite", []byte("TFL")), "not a TensorFlow Lite model", "TFL3"},
		{write("text.tflite", []byte("label a\nlabel b\n")), "not a TensorFlow Lite model", "TFL3"},
		{write("model.h5", []byte("\x89HDF\r\n\x1a\n")), "Keras", "convert"},
		{write("model.keras", []byte("PK\x03\x04.........")), "zip", "convert"},
		{write("pointer.tflite", []byte("version https://git-lfs.github.com/spec/v1\n")), "Git LFS", "git lfs pull"},
		{write("page.tflite", []byte("<!doctype html><title>Sign in</title>")), "web page", "link"},
		{write("head.tflite", whole[:64]), "cut short", "incomplete"},
		{write("half.tflite", whole[:len(whole)/2]), "cut short", "incomplete"},
		{write("nearly.tflite", whole[:len(whole)-1]), "", ""},
		{write("garbage.tflite", []byte("\x10\x00\x00\x00TFL3\xff\xff\xff\xff\xff\xff\xff\xff")), "damaged", "incomplete"},
		{testModel("unknown_op"), "EdgeTestOp", "operators"},
	} {
		it, err := Open(test.path, Options{})
		if test.want == "" { // padding at the end is no harm
			if err == nil {
				it.Close()
			}
			continue
		}
		if err == nil {
			it.Close()
			t.Errorf("%s: no error", filepath.Base(test.path))
			continue
		}
		if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
			t.Errorf("%s: %v; want %q and the path in it", filepath.Base(test.path), err, test.want)
		}
		if h := hint.Of(err); !strings.Contains(h, test.hint) {
			t.Errorf("%s: hint %q, want %q in it", filepath.Base(test.path), h, test.hint)
		}
	}
	if _, err := Open(filepath.Join(dir, "none.tflite"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v, want fs.ErrNotExist", err)
	}
	for _, threads := range []int{-1, 5000} {
		if _, err := Open(testModel("float32"), Options{Threads: threads}); err == nil {
			t.Errorf("%d threads are accepted", threads)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		name     string
		dst, src int
		want     string
	}{
		{"float32", 16, 191, "multiple of 192"},
		{"float32", 16, 0, "multiple of 192"},
		{"float32", 15, 192, "want 16"},
		{"float32", 16, 384, "want 32"},
		{"two_inputs", 16, 192, "2 inputs"},
		{"two_outputs", 16, 192, "2 outputs"},
		{"int64", 4, 4, "int64"},
	} {
		it := mustOpen(t, test.name, Options{Threads: 1})
		err := it.Run(make([]float32, test.dst), make([]float32, test.src))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s with %d → %d values: %v; want %q in it", test.name, test.src, test.dst, err, test.want)
		}
		if errors.Is(err, ErrBroken) {
			t.Errorf("%s: a refusal broke the interpreter", test.name)
		}
		if test.name == "float32" {
			if err := it.Run(make([]float32, 16), make([]float32, 192)); err != nil {
				t.Errorf("after a refusal: %v", err)
			}
		}
	}
}

// Where XNNPACK cannot be made or applied, models run without it, and say so.
func TestFallback(t *testing.T) {
	want := loadGolden(t)["float32"]
	for reason, delegate := range map[string]newDelegate{
		"no such delegate": func(int) (*capi.XNNPACK, error) { return nil, errors.New("no such delegate") },
		"Null delegate":    func(int) (*capi.XNNPACK, error) { return &capi.XNNPACK{}, nil },
	} {
		it, err := open(testModel("float32"), Options{}, delegate)
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		if w := it.Warning(); !strings.Contains(w, "without XNNPACK") || !strings.Contains(w, reason) {
			t.Errorf("Warning() = %q, want %q in it", w, reason)
		}
		got := make([]float32, 32)
		if err := it.Run(got, ramp("", 384)); err != nil {
			t.Fatal(err)
		}
		if d, _ := farthest(t, got, flatten(want.Output[:2])); d > 1e-5 {
			t.Errorf("the output differs by %g", d)
		}
	}
	if w := mustOpen(t, "float32", Options{NoXNNPACK: true}).Warning(); w != "" {
		t.Errorf("a warning without XNNPACK asked for: %q", w)
	}
}

func TestCloseTwiceAndRunAfter(t *testing.T) {
	it := mustOpen(t, "float32", Options{})
	for range 3 {
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := it.Run(make([]float32, 16), make([]float32, 192)); !errors.Is(err, ErrClosed) {
		t.Errorf("Run after Close: %v, want ErrClosed", err)
	}
	if len(it.Inputs()) != 1 {
		t.Error("a closed interpreter has forgotten its inputs")
	}
}

// A failure inside the library is final for its interpreter.
func TestBrokenStaysBroken(t *testing.T) {
	it := mustOpen(t, "float32", Options{Threads: 1})
	dst, src := make([]float32, 16), make([]float32, 192)
	if err := it.Run(dst, src); err != nil {
		t.Fatal(err)
	}
	it.outs[0].per = 8 // as if the model gave twice what it declares
	first := it.Run(dst[:8], src)
	if first == nil || errors.Is(first, ErrBroken) || !strings.Contains(first.Error(), "float32.tflite") {
		t.Fatalf("the failure itself: %v", first)
	}
	it.outs[0].per = 16
	err := it.Run(dst, src)
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), first.Error()) {
		t.Errorf("after a failure: %v; want ErrBroken and the cause", err)
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	if err := it.Run(dst, src); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Concurrent misuse gives errors, not crashes. Run with -race.
func TestConcurrentMisuse(t *testing.T) {
	it := mustOpen(t, "float32", Options{Threads: 1})
	want := loadGolden(t)["float32"].Output[0]
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			dst, src := make([]float32, 16), ramp("", 192)
			for range 200 {
				err := it.Run(dst, src)
				if err == nil {
					if d, _ := farthest(t, dst, want); d > 1e-5 {
						t.Errorf("the output differs by %g", d)
					}
				} else if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
			if i == 0 {
				it.Close()
			}
		})
	}
	all.Wait()
	if err := it.Run(make([]float32, 16), make([]float32, 192)); !errors.Is(err, ErrClosed) {
		t.Errorf("after all that: %v, want ErrClosed", err)
	}
}

func TestBusy(t *testing.T) {
	it := mustOpen(t, "float32", Options{Threads: 1})
	it.mu.Lock()
	err := it.Run(make([]float32, 16), make([]float32, 192))
	it.mu.Unlock()
	if !errors.Is(err, ErrBusy) {
		t.Errorf("Run during a Run: %v, want ErrBusy", err)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	for _, name := range []string{"float32", "float16_weights", "dynamic_range", "int8", "uint8", "float16_io", "bytes", "fixed_batch", "computed_shape", "two_outputs"} {
		for _, batch := range []int{1, 2} {
			it := mustOpen(t, name, Options{Threads: 2})
			src, dst := make([]float32, batch*it.in.per), outputs(it, batch)
			run := func() error { return it.RunAll(dst, src) }
			if len(dst) == 1 {
				run = func() error { return it.Run(dst[0], src) }
			}
			if err := run(); err != nil { // settles the batch
				t.Fatal(err)
			}
			n := testing.AllocsPerRun(50, func() {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%s: %v allocations a Run of %d", name, n, batch)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "2.") {
		t.Errorf("Version() = %q", v)
	}
}

// Most models take any batch; those with theirs written into the graph are run
// as often as it takes, and stay usable.
func TestFixedBatch(t *testing.T) {
	for name, fixed := range map[string]bool{"float32": false, "open_batch": false, "batch4": false, "fixed_batch": true, "merged_batch": true} {
		it := mustOpen(t, name, Options{Threads: 1})
		want := loadGolden(t)[name].Output
		for _, batch := range []int{3, it.declared, 2, 1, 4} {
			got := make([]float32, batch*16)
			if err := it.Run(got, ramp("", batch*192)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d, _ := farthest(t, got, flatten(want[:batch])); d > 1e-5 {
				t.Errorf("%s, batch %d: differs by %g", name, batch, d)
			}
		}
		if it.fixed != fixed {
			t.Errorf("%s: fixed is %v", name, it.fixed)
		}
	}
}
