package tflite

import (
	"errors"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestEmbed(t *testing.T) {
	all := loadGolden(t)
	for _, name := range []string{"float32", "float16_weights", "int8", "uint8", "open_batch", "batch4", "fixed_batch", "merged_batch", "map", "map_int8"} {
		b, err := OpenBase(testModel(name), Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.Features() != 16 || b.InputHeight() != 8 || b.InputWidth() != 8 || b.Warning() != "" {
			t.Errorf("%s: %d features from %dx%d, warning %q", name, b.Features(), b.InputHeight(), b.InputWidth(), b.Warning())
		}
		want := all[name].Output
		if all[name].Features != nil {
			want = all[name].Features
		}
		for _, n := range []int{1, 4, 3} {
			got := make([]float32, n*16)
			if err := b.Embed(got, ramp(name, 4*192)[:n*192]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d, at := farthest(t, got, flatten(want[:n])); d > 1e-5 {
				t.Errorf("%s, batch %d: feature %d differs by %g", name, n, at, d)
			}
		}
	}
}

func TestOpenBaseRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"two_inputs":  "2 inputs",
		"two_outputs": "2 outputs",
		"grey":        "[1 8 8 1]",
		"vector":      "[1 10]",
		"rank5":       "[1 2 2 4 16]",
		"open_size":   "not fixed",
		"int64":       "int64",
		"unknown_op":  "EdgeTestOp",
		"missing":     "not exist",
	} {
		b, err := OpenBase(testModel(name), Options{})
		if err == nil {
			b.Close()
			t.Errorf("%s is accepted as a base", name)
			continue
		}
		if !strings.Contains(err.Error(), want) || hint.Of(err) == "" {
			t.Errorf("%s: %v (hint %q); want %q in it and a hint", name, err, hint.Of(err), want)
		}
	}
}

func TestEmbedRefusesAndCloses(t *testing.T) {
	for _, name := range []string{"float32", "map"} {
		b, err := OpenBase(testModel(name), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct{ dst, src int }{{16, 191}, {16, 384}, {32, 192}, {0, 0}, {16, 0}, {0, 192}, {16, 193}} {
			if err := b.Embed(make([]float32, test.dst), make([]float32, test.src)); err == nil {
				t.Errorf("%s: %d values → %d features is accepted", name, test.src, test.dst)
			}
		}
		if err := b.Embed(make([]float32, 16), make([]float32, 192)); err != nil {
			t.Errorf("%s: after refusals: %v", name, err)
		}
		b.mu.Lock()
		if err := b.Embed(make([]float32, 16), make([]float32, 192)); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: Embed during an Embed: %v", name, err)
		}
		b.mu.Unlock()
		b.Close()
		b.Close()
		if err := b.Embed(make([]float32, 16), make([]float32, 192)); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: Embed after Close: %v", name, err)
		}
	}
}

func TestEmbedDoesNotAllocate(t *testing.T) {
	b, err := OpenBase(testModel("map"), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	dst, src := make([]float32, 3*16), make([]float32, 3*192)
	embed := func() {
		if err := b.Embed(dst, src); err != nil {
			t.Fatal(err)
		}
	}
	embed()
	if n := testing.AllocsPerRun(50, embed); n != 0 {
		t.Errorf("%v allocations an Embed", n)
	}
}
