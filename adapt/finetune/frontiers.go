package finetune

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/finetune/rows"
	"github.com/edge-adapt/edge/internal/digest"
)

// frontiers keeps what the frozen part of the base makes of each picture, on
// disk: a row holds the tensors of the frontier one after the other.
type frontiers struct {
	sizes []int // values a picture, of each tensor
	rows  *rows.Rows[float32]
	index map[digest.Digest]int
	row   []float32
}

func newFrontiers(dir string, n *network.Network, s network.Selection) (*frontiers, error) {
	f := &frontiers{index: map[digest.Digest]int{}}
	for _, tensor := range s.Frontier {
		size := 1
		for _, d := range n.Shape(tensor) {
			size *= d
		}
		f.sizes = append(f.sizes, size)
	}
	var err error
	if f.rows, err = rows.New[float32](dir, f.length()); err != nil {
		return nil, err
	}
	f.row = make([]float32, f.length())
	return f, nil
}

// length is how many values a picture has.
func (f *frontiers) length() (sum int) {
	for _, size := range f.sizes {
		sum += size
	}
	return sum
}

// split returns the tensors of n pictures in memory of n times length.
func (f *frontiers) split(memory []float32, n int) [][]float32 {
	tensors := make([][]float32, len(f.sizes))
	for i, size := range f.sizes {
		tensors[i], memory = memory[:n*size:n*size], memory[n*size:]
	}
	return tensors
}

// add keeps the row of a picture; of several with the same digest, one.
func (f *frontiers) add(image digest.Digest, row []float32) error {
	if _, ok := f.index[image]; ok {
		return nil
	}
	i, err := f.rows.Append(row)
	if err != nil {
		return fmt.Errorf("keep the frozen layers' results: %w", err)
	}
	f.index[image] = i
	return nil
}

// read fills dst, a slice a tensor, [n, …], with the rows of n pictures.
func (f *frontiers) read(dst [][]float32, images []digest.Digest) error {
	for i, image := range images {
		row, ok := f.index[image]
		if !ok {
			return fmt.Errorf("nothing is kept of image %s", image.Short())
		}
		if err := f.rows.Read(row, f.row); err != nil {
			return fmt.Errorf("read the frozen layers' results: %w", err)
		}
		rest := f.row
		for t, size := range f.sizes {
			copy(dst[t][i*size:], rest[:size])
			rest = rest[size:]
		}
	}
	return nil
}

func (f *frontiers) close() { _ = f.rows.Close() }
