package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt"
)

// splits are the names of the arrays, and what they hold.
var splits = []adapt.Split{adapt.SplitTrain, adapt.SplitVal, adapt.SplitTest}

// shape is shape.json: what the raw arrays beside it do not say themselves.
type shape struct {
	Features int            `json:"features"` // numbers an image
	Classes  int            `json:"classes"`
	Images   map[string]int `json:"images"` // by split
}

// writeArrays puts sets, by split, into dir for every stack to read: SPLIT.f32 is
// [images][features] of little-endian float32, SPLIT.i32 the labels as int32.
func writeArrays(dir string, classes int, sets map[adapt.Split]adapt.Set) (shape, error) {
	s := shape{Classes: classes, Images: map[string]int{}}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return s, err
	}
	for _, split := range splits {
		set := sets[split]
		s.Features = max(s.Features, set.F)
		s.Images[string(split)] = set.Len()
		values := make([]byte, 0, 4*len(set.Features))
		for _, v := range set.Features {
			values = binary.LittleEndian.AppendUint32(values, math.Float32bits(v))
		}
		labels := make([]byte, 0, 4*len(set.Labels))
		for _, label := range set.Labels {
			labels = binary.LittleEndian.AppendUint32(labels, uint32(label)) //nolint:gosec // a class is never negative
		}
		if err := os.WriteFile(filepath.Join(dir, string(split)+".f32"), values, 0o600); err != nil {
			return s, err
		}
		if err := os.WriteFile(filepath.Join(dir, string(split)+".i32"), labels, 0o600); err != nil {
			return s, err
		}
	}
	data, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	return s, os.WriteFile(filepath.Join(dir, "shape.json"), data, 0o600)
}

// readArrays reads what writeArrays wrote.
func readArrays(dir string) (shape, map[adapt.Split]adapt.Set, error) {
	var s shape
	data, err := os.ReadFile(filepath.Join(dir, "shape.json"))
	if err != nil {
		return s, nil, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, nil, fmt.Errorf("shape.json: %w", err)
	}
	sets := map[adapt.Split]adapt.Set{}
	for _, split := range splits {
		set := adapt.Set{F: s.Features}
		values, err := words(filepath.Join(dir, string(split)+".f32"), s.Images[string(split)]*s.Features)
		if err != nil {
			return s, nil, err
		}
		labels, err := words(filepath.Join(dir, string(split)+".i32"), s.Images[string(split)])
		if err != nil {
			return s, nil, err
		}
		set.Features = make([]float32, len(values))
		for i, v := range values {
			set.Features[i] = math.Float32frombits(v)
		}
		set.Labels = make([]int32, len(labels))
		for i, v := range labels {
			set.Labels[i] = int32(v) //nolint:gosec // adapt refuses classes out of range
		}
		sets[split] = set
	}
	return s, sets, nil
}

// words reads a file of exactly n little-endian words of 32 bits.
func words(path string, n int) ([]uint32, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) != 4*n {
		return nil, fmt.Errorf("%s has %d bytes, want %d", path, len(data), 4*n)
	}
	values := make([]uint32, n)
	for i := range values {
		values[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return values, nil
}
