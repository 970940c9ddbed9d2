package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

func TestArraysComeBack(t *testing.T) {
	dir := t.TempDir()
	sets := map[adapt.Split]adapt.Set{
		adapt.SplitTrain: {Features: []float32{0, -1.5, 3e-9, 7}, Labels: []int32{1, 0}, F: 2},
		adapt.SplitVal:   {Features: []float32{1, 2}, Labels: []int32{1}, F: 2},
		adapt.SplitTest:  {Features: []float32{}, Labels: []int32{}, F: 2},
	}
	wrote, err := writeArrays(dir, 2, sets)
	if err != nil {
		t.Fatal(err)
	}
	read, back, err := readArrays(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, wrote) || !reflect.DeepEqual(back, sets) {
		t.Errorf("read %v %v, wrote %v %v", read, back, wrote, sets)
	}
	if err := os.WriteFile(filepath.Join(dir, "train.f32"), make([]byte, 15), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readArrays(dir); err == nil {
		t.Error("arrays cut short are read")
	}
}
