package featurecache

import (
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

func TestMemory(t *testing.T) {
	var m Memory
	a, b := digest.Of([]byte("a")), digest.Of([]byte("b"))
	got := []float32{-1, -1}
	if ok, err := m.Get(a, got); ok || err != nil {
		t.Errorf("empty: %v, %v", ok, err)
	}
	row := []float32{1, 2}
	if err := m.Put(a, row); err != nil {
		t.Fatal(err)
	}
	row[0] = 9 // it keeps a copy
	if ok, err := m.Get(a, got); !ok || err != nil || !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("%v: %v, %v", got, ok, err)
	}
	if ok, _ := m.Get(b, got); ok {
		t.Error("it knows what it was not told")
	}
}
