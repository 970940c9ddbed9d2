package delta

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// window is how far back a frame refers: what a reader needs of memory.
const window = 8 << 20

// Diff returns the delta that makes child of parent, both .tflite files. The
// same two files give the same bytes.
//
// The error is ErrStructure if the files differ in more than the values of
// constants and have more than 64 MiB together, or file's if one of them is no
// model. Neither file is changed.
func Diff(parent, child []byte) ([]byte, error) {
	info, rows, err := compare(parent, child)
	if errors.Is(err, ErrStructure) {
		made, err := diffAny(parent, child)
		if err != nil {
			return nil, fmt.Errorf("delta: %w", err)
		}
		return made, nil
	}
	if err != nil {
		return nil, fmt.Errorf("delta: %w", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return nil, fmt.Errorf("delta: %w", err)
	}
	return encoder.EncodeAll(apart(rows), info.encode()), encoder.Close()
}

// compare finds the constants that differ, and their differences.
func compare(parent, child []byte) (Info, []row, error) {
	have := bytes.Clone(parent) // becomes the child, constant by constant
	p, err := file.Parse(have)
	if err != nil {
		return Info{}, nil, fmt.Errorf("the parent: %w", err)
	}
	c, err := file.Parse(child)
	if err != nil {
		return Info{}, nil, fmt.Errorf("the child: %w", err)
	}
	info := Info{
		Format: 1, Parent: digest.Of(parent), ParentBytes: int64(len(parent)),
		Child: digest.Of(child), ChildBytes: int64(len(child)),
	}
	if len(p.Subgraphs) != len(c.Subgraphs) || len(parent) != len(child) {
		return Info{}, nil, ErrStructure
	}
	var rows []row
	for s := range p.Subgraphs {
		from, to := p.Subgraphs[s].Tensors, c.Subgraphs[s].Tensors
		if len(from) != len(to) {
			return Info{}, nil, ErrStructure
		}
		for i := range from {
			old, now := from[i].Data, to[i].Data
			if bytes.Equal(old, now) {
				continue
			}
			if len(old) != len(now) {
				return Info{}, nil, fmt.Errorf("tensor %d (%q): %w", i, from[i].Name, ErrStructure)
			}
			r := row{bytes.Clone(now), wordSize(&from[i])}
			difference(old, r.data, r.size)
			copy(old, now) // the parsed model aliases have
			info.Constants, rows = append(info.Constants, Constant{s, i}), append(rows, r)
		}
	}
	if !bytes.Equal(have, child) {
		return Info{}, nil, ErrStructure
	}
	return info, rows, nil
}
