package tflite

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// resident returns the process's resident memory in MiB, after the Go side has
// given back what it can.
func resident(t *testing.T) float64 {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(data))[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// Memory stays where it is over 1,000 openings and 100,000 runs (a tenth of
// that with -short), and over whatever else makes or drops native objects.
func TestNoLeak(t *testing.T) {
	if len(launcher()) > 0 {
		t.Skip("an emulator keeps memory of its own for every thread that ends")
	}
	const bound = 8 // MiB
	half := filepath.Join(t.TempDir(), "half.tflite")
	data, err := os.ReadFile(testModel("float32"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(half, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	it := mustOpen(t, "float32", Options{Threads: 2})
	dst, src := make([]float32, 4*16), make([]float32, 4*192)
	run := func(it *Interpreter, batch int) {
		if err := it.Run(dst[:batch*16], src[:batch*192]); err != nil {
			t.Fatal(err)
		}
	}
	two := mustOpen(t, "two_outputs", Options{Threads: 2})
	all := outputs(two, 4)
	runAll := func(batch int) {
		part := [][]float32{all[0][:batch*two.outs[0].per], all[1][:batch*two.outs[1].per]}
		if err := two.RunAll(part, src[:batch*192]); err != nil {
			t.Fatal(err)
		}
	}
	openRunClose := func(name string, o Options, batch int) {
		it, err := Open(testModel(name), o)
		if err != nil {
			t.Fatal(err)
		}
		run(it, batch)
		it.Close()
	}
	fails := func(path string) {
		if it, err := Open(path, Options{}); err == nil {
			it.Close()
			t.Fatalf("%s opens", path)
		}
	}
	for _, test := range []struct {
		name  string
		count int
		do    func(i int)
	}{
		{"open and close", 1000, func(int) { openRunClose("float32", Options{Threads: 2}, 1) }},
		{"run", 100_000, func(int) { run(it, 1) }},
		{"other batches", 2000, func(i int) { run(it, 1+i%4) }},
		{"run all outputs", 50_000, func(int) { runAll(1) }},
		{"other batches of all outputs", 2000, func(i int) { runAll(1 + i%4) }},
		{"open a fixed batch", 500, func(int) { openRunClose("fixed_batch", Options{Threads: 1}, 3) }},
		{"open without XNNPACK", 500, func(int) { openRunClose("uint8", Options{NoXNNPACK: true, Threads: 2}, 1) }},
		{"open a damaged model", 500, func(int) { fails(half) }},
		{"open an unknown operator", 500, func(int) { fails(testModel("unknown_op")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			count := test.count
			if testing.Short() {
				count /= 10
			}
			for i := range count/5 + 50 { // fills the allocators' own stores
				test.do(i)
			}
			before := resident(t)
			for i := range count {
				test.do(i)
			}
			after := resident(t)
			t.Logf("%d times: %.1f MiB, then %.1f MiB", count, before, after)
			if after-before > bound {
				t.Errorf("resident memory grew by %.1f MiB over %d times, from %.1f", after-before, count, before)
			}
		})
	}
}
